package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/templates"
)

// huntSigma is hunted here: hosts are asked for what they remember, and a rule judges it.
const huntSigma = "sigma"

const (
	mostLook = 5000             // rows of one host's answer that are kept
	mostHunt = 2000             // rows of all hosts that are kept
	mostTail = 500              // rows of what goes on that are kept
	mostEach = 500              // rows that one host gives of a hunt
	askHost  = 12 * time.Second // of a question to one host
	longSpan = 24 * time.Hour   // of a host's memory that is asked for at once
)

// Kinds are the kinds of events.
func (*Desk) Kinds() []string {
	var out []string
	for _, k := range event.Kinds() {
		out = append(out, k.String())
	}
	return out
}

// Hunts are what can be hunted.
func (*Desk) Hunts() []string { return append(wire.Hunts(), huntSigma) }

var (
	hashShape = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	nameShape = regexp.MustCompile(`^[^\s/:]+\.[^\s/:]+$`)
)

// Check says whether a look can be begun: whether the host is known, and whether hosts can
// make sense of what is hunted.
func (d *Desk) Check(_ context.Context, l incident.Looking) error {
	if d.hosts == nil {
		return errNoHosts
	}
	subject := l.Subject.Text
	if l.What != incident.LookHunt {
		if l.What == incident.LookLive && (l.Kind == "group" || l.Kind == "container" || l.Kind == "pod") {
			return nil
		}
		return d.known(subject)
	}
	bad := func(want string) error {
		return incident.Refuse("bad-subject", fmt.Sprintf("\"%s\" is no %s.", templates.Label(subject, 60), want), "")
	}
	switch l.Kind {
	case wire.HuntIP:
		if _, err := netip.ParseAddr(subject); err == nil {
			return nil
		}
		if _, err := netip.ParsePrefix(subject); err != nil {
			return bad("address or network, as 203.0.113.9 or 203.0.113.0/24")
		}
	case wire.HuntDomain:
		if !nameShape.MatchString(subject) {
			return bad("name of the DNS, as evil.example")
		}
	case wire.HuntHash:
		if !hashShape.MatchString(subject) {
			return bad("SHA-256, 64 hexadecimal digits")
		}
	case huntSigma:
		if _, ok := d.rules.Find(strings.TrimPrefix(subject, "sigma/")); !ok {
			return incident.Refuse("no-such-rule", fmt.Sprintf("There is no rule \"%s\".", templates.Label(subject, 60)), "See `signals rules`.")
		}
	}
	return nil
}

// known refuses a host that is not enrolled.
func (d *Desk) known(host string) error {
	if _, ok := d.hosts.Host(host); ok {
		return nil
	}
	var names []string
	for _, h := range d.hosts.Hosts() {
		names = append(names, h.Name)
	}
	hint := "No host has a sensor yet."
	if len(names) > 0 {
		hint = "Hosts with a sensor: " + strings.Join(names[:min(8, len(names))], ", ") + more(len(names)-8) + "."
	}
	return incident.Refuse("no-such-host", fmt.Sprintf("No sensor runs on a host called \"%s\".", templates.Label(host, 60)), hint)
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// Look asks one host what it answers at once.
func (d *Desk) Look(ctx context.Context, l incident.Looking) (templates.Look, error) {
	if d.hosts == nil {
		return templates.Look{}, errNoHosts
	}
	host := l.Subject.Text
	if err := d.known(host); err != nil {
		return templates.Look{}, err
	}
	q := &wire.Question{Most: mostLook}
	row, what := rowOf(l)
	switch l.What {
	case incident.LookTree:
		q.What, q.Subject = wire.AskTree, l.Process.Text
	case incident.LookConns:
		q.What = wire.AskConns
	case incident.LookListeners:
		q.What = wire.AskListeners
	case incident.LookTimeline:
		if l.To.Sub(l.From) > longSpan {
			return templates.Look{}, incident.Refuse("too-long", "That is more than a day.", "Ask for less at once.")
		}
		q.What, q.FromMs, q.ToMs, q.Kinds = wire.AskTimeline, l.From.UnixMilli(), l.To.UnixMilli(), l.Kinds
		q.Subject, row = l.With.Text, mentioning(l.With.Text, row)
	default:
		return templates.Look{}, fmt.Errorf("look: %q is not answered at once", l.What)
	}
	return d.askOne(ctx, host, q, row, what)
}

// askOne asks a host by its very name. One that is away or does not answer is no empty answer.
func (d *Desk) askOne(ctx context.Context, host string, q *wire.Question, row func(string, json.RawMessage) (templates.LookRow, bool), what string) (templates.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, askHost)
	defer cancel()
	look := templates.Look{Asked: 1}
	sum, err := d.hosts.Ask(ctx, host, q, func(p fleet.Part, _ fleet.Sum) {
		for _, raw := range p.Rows {
			if r, ok := row(p.Host, raw); ok {
				look.Total++
				if len(look.Rows) < mostLook {
					look.Rows = append(look.Rows, r)
				}
			}
		}
		look.Total += int(p.LeftOut)
		if p.Trouble != "" {
			look.Trouble = append(look.Trouble, p.Trouble)
		}
	})
	switch {
	case err != nil:
		return look, incident.Refuse("no-answer", templates.Label(err.Error(), 200)+".", "")
	case len(sum.Away) > 0:
		h, _ := d.hosts.Host(host)
		return look, incident.Refuse("away", fmt.Sprintf("%s is not connected: nothing can be said of it now.", host), "Its last word: "+templates.Stamp(h.Seen)+".")
	case len(sum.Silent) > 0:
		return look, incident.Refuse("silent", host+" does not answer: nothing can be said of it now.", "Ask again in a moment.")
	case len(look.Trouble) > 0 && look.Total == 0:
		return look, incident.Refuse("no-answer", fmt.Sprintf("%s cannot say: %s.", host, templates.Label(look.Trouble[0], 200)), "")
	}
	look.Answered, look.Hit = 1, min(1, look.Total)
	look.Result = counted(look.Total, what)
	return look, nil
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	if strings.HasSuffix(what, "s") {
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// rowOf reads the rows of a question as lines; what they are is one of them.
func rowOf(l incident.Looking) (row func(string, json.RawMessage) (templates.LookRow, bool), what string) {
	switch l.What {
	case incident.LookTree:
		return reader(func(p wire.Process) templates.LookRow { return templates.LookRow{Text: processLine(p), Depth: p.Depth} }), "process"
	case incident.LookConns:
		return reader(func(s wire.Socket) templates.LookRow { return templates.LookRow{Text: socketLine(s)} }), "connection"
	case incident.LookListeners:
		return reader(func(s wire.Socket) templates.LookRow { return templates.LookRow{Text: socketLine(s)} }), "listener"
	case incident.LookHunt:
		if l.Kind != huntSigma {
			return reader(func(f wire.Found) templates.LookRow { return templates.LookRow{At: f.At, Text: foundLine(f)} }), "sign"
		}
	}
	return reader(func(e event.Event) templates.LookRow { return templates.LookRow{At: e.At, Text: line(&e)} }), "event"
}

func reader[T any](say func(T) templates.LookRow) func(string, json.RawMessage) (templates.LookRow, bool) {
	return func(host string, raw json.RawMessage) (templates.LookRow, bool) {
		var t T
		if json.Unmarshal(raw, &t) != nil {
			return templates.LookRow{}, false
		}
		r := say(t)
		r.Host = host
		return r, true
	}
}

// pick are the hosts that a live look means, as the fleet reads them; only is the container.
func pick(l incident.Looking) (hosts, only string) {
	switch l.Kind {
	case "container", "pod":
		return "", l.Subject.Text
	}
	return l.Subject.Text, ""
}

func unavailable(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
