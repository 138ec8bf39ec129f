package contain

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// apply makes the kernel hold what is written down.
func (h *Hands) apply() error {
	if err := h.c.Gate.Set(h.wanted()); err != nil {
		return err
	}
	from := h.blockedBy()
	if from == h.block {
		return nil
	}
	if err := h.c.Gate.Block(h.networks()); err != nil {
		return err
	}
	h.block = from
	return nil
}

// wanted is all holds together. Where several hold the same, the longest counts, and open
// stays only what all of them leave open.
func (h *Hands) wanted() gate.Wanted {
	w := gate.Wanted{Control: h.control(), Containers: map[uint64]gate.Container{}, Ports: map[gate.Port]gate.Until{}}
	for _, hold := range h.holding() {
		until := hold.until()
		switch d := hold.Directive; d.Kind {
		case directive.Isolate:
			w.Open = both(w.Host != 0, w.Open, openings(d.Isolate.Open))
			w.Host = max(w.Host, until)
		case directive.Cut:
			c, again := w.Containers[d.Cut.Cgroup]
			w.Containers[d.Cut.Cgroup] = gate.Container{Until: max(c.Until, until), Level: hold.Level,
				Open: both(again, c.Open, openings(d.Cut.Open)), Links: hold.Links}
		case directive.Block:
			for _, p := range d.Block.Ports {
				k := gate.Port{Number: p.Number, Proto: number(p.Proto), Inbound: p.Inbound}
				w.Ports[k] = max(w.Ports[k], until)
			}
		}
	}
	return w
}

// holding is the holds that have not ended in the kernel; Tick tidies up the others.
func (h *Hands) holding() (all []*Hold) {
	for _, id := range h.state.ids() {
		if hold := h.state.Holds[id]; hold.until().Holds() {
			all = append(all, hold)
		}
	}
	return all
}

// networks are those that are blocked by themselves and those of blocked domains.
func (h *Hands) networks() map[netip.Prefix]gate.Until {
	all := map[netip.Prefix]gate.Until{}
	for _, hold := range h.holding() {
		if hold.Directive.Kind != directive.Block {
			continue
		}
		until := hold.until()
		for _, p := range hold.Directive.Block.Prefixes {
			all[p] = max(all[p], until)
		}
		hold.addresses(func(a netip.Addr, known gate.Until) {
			p := netip.PrefixFrom(a, a.BitLen())
			all[p] = max(all[p], min(until, known))
		})
	}
	return all
}

// blockedBy tells whether networks would be the same as the last time, without making them.
func (h *Hands) blockedBy() string {
	from := "holds" // never empty: what a new agent finds in the kernel it writes anew
	for _, hold := range h.holding() {
		if hold.Directive.Kind == directive.Block {
			from += fmt.Sprintf(" %q %d %d", hold.Directive.ID, hold.until(), hold.learnt)
		}
	}
	return from
}

// until is the end that the kernel is told: none, unless it is to let go by itself.
func (h *Hold) until() gate.Until {
	if !h.lets() {
		return gate.Forever
	}
	return gate.Until(max(h.Until, 1))
}

func both(again bool, a, b []gate.Opening) []gate.Opening {
	if !again {
		return b
	}
	return slices.DeleteFunc(a, func(o gate.Opening) bool { return !slices.Contains(b, o) })
}

func (h *Hands) control() (all []gate.Opening) {
	for _, c := range h.c.Limits.Control {
		all = append(all, gate.Opening{Peer: netip.AddrPortFrom(c.Addr().Unmap(), c.Port()), Proto: gate.TCP})
	}
	return all
}

func openings(named []directive.Opening) (all []gate.Opening) {
	for _, o := range named {
		all = append(all, gate.Opening{Peer: o.Peer, Proto: number(o.Proto), Inbound: o.Inbound})
	}
	return all
}

func number(proto string) uint8 {
	if proto == "udp" {
		return gate.UDP
	}
	return gate.TCP
}
