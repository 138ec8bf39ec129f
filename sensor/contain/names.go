package contain

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// Domains are blocked by their addresses, for the kernel sees no names. An address is blocked
// from the moment it is known: from answers that the sensor saw, or that the host's resolver
// gives. Who connects before the answer is read gets a packet out at most, since packets are
// judged one by one; who knows the address by another way, from a hosts file or over HTTPS,
// is not stopped by its name.

// Known is an address of a blocked domain.
type Known struct {
	Until time.Duration `json:"until"` // since boot; seen again it is longer
}

const (
	// longerThanItsTTL: programs go on using an address after its time.
	leastKnown    = 10 * time.Minute
	mostKnown     = 24 * time.Hour
	mostAddresses = 1024 // of a hold
	askAgain      = 2 * time.Minute
	asksAtOnce    = 8
)

func (h *Hold) addresses(each func(netip.Addr, gate.Until)) {
	for _, known := range h.Names {
		for a, k := range known {
			each(a, gate.Until(k.Until))
		}
	}
}

// Saw tells of a DNS answer that a process of this host got: the name that was asked for,
// what it is an alias of, and the addresses with their time to live. It says whether any is
// blocked now that was not.
func (h *Hands) Saw(name string, aliases []string, addrs []netip.Addr, ttl time.Duration) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var changed []*Hold
	for _, id := range h.state.ids() {
		hold := h.state.Holds[id]
		if hold.Directive.Block == nil {
			continue
		}
		before := hold.learnt
		for _, domain := range hold.Directive.Block.Domains {
			if below(name, domain) || anyBelow(aliases, domain) {
				h.learn(hold, domain, addrs, ttl)
			}
		}
		if hold.learnt != before {
			changed = append(changed, hold)
		}
	}
	if len(changed) == 0 {
		return false, nil
	}
	if err := h.apply(); err != nil {
		return false, err
	}
	return true, h.save(changed...)
}

func below(name, domain string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == domain || strings.HasSuffix(name, "."+domain)
}

func anyBelow(names []string, domain string) bool {
	for _, n := range names {
		if below(n, domain) {
			return true
		}
	}
	return false
}

// learn writes addresses down. An intruder answers for their own domain, and might name the
// addresses that this host lives by: those that the limits protect, loopback and the like are
// passed over.
func (h *Hands) learn(hold *Hold, domain string, addrs []netip.Addr, ttl time.Duration) {
	until := h.c.Boot() + min(max(ttl, leastKnown), mostKnown)
	if hold.Names == nil {
		hold.Names = map[string]map[netip.Addr]Known{}
	}
	known := hold.Names[domain]
	if known == nil {
		known = map[netip.Addr]Known{}
		hold.Names[domain] = known
	}
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		if !a.IsGlobalUnicast() || h.c.Limits.Unblockable(a) {
			continue
		}
		k, have := known[a]
		if !have && len(known) >= mostAddresses {
			continue
		}
		known[a] = Known{Until: max(k.Until, until)}
		if !have || until > k.Until+leastKnown/2 {
			hold.learnt++
		}
	}
}

// forget drops the addresses whose time is over.
func (h *Hands) forget(hold *Hold) (changed bool) {
	for _, known := range hold.Names {
		for a, k := range known {
			if k.Until < h.c.Boot() {
				delete(known, a)
				hold.learnt++
				changed = true
			}
		}
	}
	return changed
}

// ask asks the resolver for a few domains whose turn it is.
func (h *Hands) ask(ctx context.Context) {
	if h.c.Resolve == nil {
		return
	}
	for _, domain := range h.turn() {
		to, cancel := context.WithTimeout(ctx, 2*time.Second)
		addrs, err := h.c.Resolve(to, domain)
		cancel()
		if err != nil {
			h.c.Log.Debug("a blocked domain does not resolve", "domain", domain, "error", err)
			continue
		}
		if _, err := h.Saw(domain, nil, addrs, askAgain); err != nil {
			h.c.Log.Error("addresses of a blocked domain are not blocked", "domain", domain, "error", err)
		}
	}
}

func (h *Hands) turn() (due []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.c.Boot()
	for _, id := range h.state.ids() {
		hold := h.state.Holds[id]
		if hold.Directive.Kind != directive.Block {
			continue
		}
		for _, domain := range hold.Directive.Block.Domains {
			if at, ok := h.asked[domain]; (!ok || now-at >= askAgain) && len(due) < asksAtOnce {
				h.asked[domain] = now
				due = append(due, domain)
			}
		}
	}
	return due
}
