package contain

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// ErrNotHeld is a hold that there is not.
var ErrNotHeld = errors.New("nothing is held by that name")

// mostTried is how many networks, ports and addresses of one hold are tried.
const mostTried = 8

// Verify reads the world again and says whether a hold is in effect: by what the kernel has,
// and by packets that must be refused.
func (h *Hands) Verify(id string) (gate.Proof, error) {
	h.mu.Lock()
	hold := h.state.Holds[id]
	if hold == nil {
		h.mu.Unlock()
		return gate.Proof{}, ErrNotHeld
	}
	copied := *hold
	probes := h.probes(hold)
	h.mu.Unlock()
	if copied.Pending {
		return gate.Proof{Standing: gate.NotInEffect, Gaps: []string{"it was ordered but never done"}}, nil
	}
	switch {
	case copied.Frozen != nil:
		return plain(nil, h.procs.Frozen(*copied.Frozen)), nil
	case copied.File != nil:
		return plain(h.vault.Intact(*copied.File)), nil
	case len(probes) == 0:
		return gate.Proof{Standing: gate.Stored, Gaps: append(copied.Notes, "no address of the domains is known yet")}, nil
	}
	all := gate.Proof{Standing: gate.InEffect, Gaps: copied.Notes}
	for _, p := range probes {
		one, err := h.c.Gate.Prove(p)
		if err != nil {
			return gate.Proof{}, fmt.Errorf("verify %s: %w", id, err)
		}
		all.Standing = worse(all.Standing, one.Standing)
		all.Tried, all.Gaps = append(all.Tried, one.Tried...), append(all.Gaps, one.Gaps...)
	}
	return all, nil
}

func plain(notes []string, err error) gate.Proof {
	if err != nil {
		return gate.Proof{Standing: gate.NotInEffect, Gaps: append(notes, err.Error())}
	}
	return gate.Proof{Standing: gate.InEffect, Gaps: notes}
}

func worse(a, b gate.Standing) gate.Standing {
	for _, s := range []gate.Standing{gate.NotInEffect, gate.Stored} {
		if a == s || b == s {
			return s
		}
	}
	return gate.InEffect
}

// probes are the packets to be refused. With many networks a few stand for all.
func (h *Hands) probes(hold *Hold) (all []gate.Probe) {
	d := hold.Directive
	switch d.Kind {
	case directive.Isolate:
		return []gate.Probe{{Why: gate.HostHeld}}
	case directive.Cut:
		return []gate.Probe{{Why: gate.ContainerHeld, Cgroup: filepath.Join(h.c.Cgroups, d.Cut.Path), Command: h.c.Probe}}
	case directive.Block:
		at := func(a netip.Addr) {
			if len(all) < mostTried {
				all = append(all, gate.Probe{Why: gate.AddressBlocked, To: netip.AddrPortFrom(a, 9)})
			}
		}
		for _, p := range d.Block.Prefixes {
			at(p.Addr())
		}
		hold.addresses(func(a netip.Addr, _ gate.Until) { at(a) })
		for _, p := range d.Block.Ports {
			if !p.Inbound && len(all) < 2*mostTried {
				all = append(all, gate.Probe{Why: gate.PortBlocked, To: netip.AddrPortFrom(nobody, p.Number), Proto: number(p.Proto)})
			}
		}
	}
	return all
}

// nobody has this address: RFC 5737.
var nobody = netip.MustParseAddr("192.0.2.1")
