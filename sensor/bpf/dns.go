package bpf

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

const maxAnswers = 64 // of one message; more is a trick or a fault

// domain reads a DNS message. One that cannot be read at all is an event without a name:
// something that is not DNS on port 53 is worth a look.
func domain(e *event.Event, b []byte) error {
	x, _, err := as[eyesDns](b)
	if err != nil {
		return err
	}
	if x.Bytes > uint32(len(x.Message)) {
		return fmt.Errorf("%w: %d bytes of DNS", ErrMalformed, x.Bytes)
	}
	e.DNS = &event.DNSOf{Server: addrPort(x.Server, x.Port, x.Family), Answer: x.Head.Flags&flagAnswer != 0}
	if x.Head.Flags&flagNoOwner != 0 {
		e.Process, e.Parent, e.Container = event.Process{}, event.Process{}, event.Container{}
	}
	var p dnsmessage.Parser
	h, err := p.Start(x.Message[:x.Bytes])
	if err != nil {
		return nil //nolint:nilerr // not DNS: told without a name
	}
	e.DNS.Code = int(h.RCode)
	q, err := p.Question()
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	e.DNS.Name = dotless(q.Name)
	e.DNS.Type = strings.TrimPrefix(q.Type.String(), "Type")
	if e.DNS.Answer && p.SkipAllQuestions() == nil {
		answers(e.DNS, &p)
	}
	return nil
}

// answers reads as far as it can: what was cut off in the kernel is left out.
func answers(d *event.DNSOf, p *dnsmessage.Parser) {
	for range maxAnswers {
		h, err := p.AnswerHeader()
		if err != nil {
			return
		}
		switch h.Type {
		case dnsmessage.TypeA:
			r, err := p.AResource()
			if err != nil {
				return
			}
			d.Addrs = append(d.Addrs, netip.AddrFrom4(r.A))
		case dnsmessage.TypeAAAA:
			r, err := p.AAAAResource()
			if err != nil {
				return
			}
			d.Addrs = append(d.Addrs, netip.AddrFrom16(r.AAAA))
		case dnsmessage.TypeCNAME:
			r, err := p.CNAMEResource()
			if err != nil {
				return
			}
			d.Aliases = append(d.Aliases, dotless(r.CNAME))
		default:
			if p.SkipAnswer() != nil {
				return
			}
		}
	}
}

func dotless(n dnsmessage.Name) string {
	return strings.ToLower(strings.TrimSuffix(n.String(), "."))
}
