//go:build linux

package nftables

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
)

// kernel is what the action needs of the packet filter.
type kernel interface {
	look(ctx context.Context) (view, error)
	add(ctx context.Context, p netip.Prefix) error
	remove(ctx context.Context, p netip.Prefix) error
}

func open(c Config) ([]actions.Action, error) {
	return []actions.Action{blockAddress{c, &netfilter{}, tryToReach}}, nil
}

// blockAddress drops what comes from an address or a range and what goes there.
type blockAddress struct {
	conf   Config
	kernel kernel
	try    func(context.Context, netip.Addr) effect
}

// is the state of an address: "open" or "blocked", which it is only when the rules that
// drop it are there too.
type is struct {
	Address string `json:"address"`
}

var isOpen, isBlocked = actions.StateOf(is{"open"}), actions.StateOf(is{"blocked"})

const capability = "CAP_NET_ADMIN"

func (blockAddress) Spec() actions.Spec {
	return actions.Spec{
		Name: "nftables.block-address", Title: "Block an address at this gateway",
		Does: "The gateway drops every packet from and to the address or range, forwarded ones and its own, connections that are open too.",
		Kind: actions.KindAddress, Reversible: true, Blast: actions.BlastAll,
		Rights: []string{capability}, TTL: 24 * time.Hour,
		Proof:   "The rules are read from the kernel again, and the gateway tries to send a packet there itself: the kernel refuses it.",
		Example: "nftables.block-address 203.0.113.0/24 ttl=24h",
	}
}

func (a blockAddress) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	p, err := a.resolve(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	v, err := a.kernel.look(ctx)
	if err != nil {
		return actions.Plan{}, err
	}
	name := nameOf(p)
	plan := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindAddress, ID: name, Name: name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Found: v.state(p), Want: isBlocked}
	if deed.Same(plan.Found, isBlocked) {
		plan.Already = true
		plan.Steps = []string{name + " is blocked at this gateway already; nothing will change."}
		return plan, nil
	}
	plan.Steps = []string{"Drop every packet from and to " + name + " at this gateway."}
	if wide, ok := v.covers(p); ok {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("%s is blocked already as part of %s, and stays so when this is taken back.", name, wide))
	}
	if v.flowtables {
		plan.Warnings = append(plan.Warnings, "This gateway has flowtables: connections that are in one pass the filter by until they end.")
	}
	return plan, nil
}

// resolve makes one range of what was typed, and refuses what would cut off the gateway.
func (a blockAddress) resolve(typed string) (netip.Prefix, error) {
	typed = strings.TrimSpace(typed)
	p, err := parse(typed)
	if err != nil {
		if len(typed) > 60 {
			typed = typed[:60]
		}
		return p, &actions.NoTarget{Kind: actions.KindAddress, Name: strings.ToValidUTF8(typed, "?"), Hint: "An address is 203.0.113.7 or 2001:db8::7, a range 203.0.113.0/24."}
	}
	least := 8
	if p.Addr().Is6() {
		least = 24
	}
	switch at := p.Addr(); {
	case p.Bits() < least:
		return p, incident.GiveUp(fmt.Errorf("%s is too much of the world: at least /%d", p, least))
	case at.IsLoopback(), at.IsMulticast(), at.IsUnspecified(), p.Overlaps(netip.MustParsePrefix("127.0.0.0/8")), p.Contains(netip.IPv6Loopback()):
		return p, incident.GiveUp(fmt.Errorf("%s is no address of anybody else", nameOf(p)))
	}
	for _, n := range a.conf.Never {
		if n.Overlaps(p) {
			return p, incident.GiveUp(fmt.Errorf("%s is never blocked: the configuration keeps %s open", nameOf(p), n))
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return p, fmt.Errorf("list the gateway's own addresses: %w", err)
	}
	for _, o := range own {
		if n, ok := o.(*net.IPNet); ok {
			if at, ok := netip.AddrFromSlice(n.IP); ok && p.Contains(at.Unmap()) {
				return p, incident.GiveUp(fmt.Errorf("%s is never blocked: it holds %s, an address of this gateway", nameOf(p), at.Unmap()))
			}
		}
	}
	return p, nil
}

// parse reads an address or a range. An IPv4 address in IPv6 clothes is IPv4.
func parse(s string) (netip.Prefix, error) {
	if at, err := netip.ParseAddr(s); err == nil && at.Zone() == "" {
		return netip.PrefixFrom(at.Unmap(), at.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() {
		return p, fmt.Errorf("%s is an IPv4 range in IPv6 clothes", p)
	}
	return p.Masked(), nil
}

func nameOf(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// read is how deed looks at one address.
func (a blockAddress) read(p netip.Prefix) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		v, err := a.kernel.look(ctx)
		if err != nil {
			return nil, err
		}
		return v.state(p), nil
	}
}

func (a blockAddress) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	at, err := a.resolve(p.Target.ID) // again: the gateway may have got the address meanwhile
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Do(ctx, p, []string{p.Target.Name + " is blocked at this gateway."}, a.read(at), func(ctx context.Context) error { return a.kernel.add(ctx, at) })
}

func (a blockAddress) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	at, err := parse(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, incident.GiveUp(fmt.Errorf("the receipt names no address: %w", err))
	}
	back, changed := []string{r.Target.Name + " is open at this gateway again."}, r.Target.Name+" was changed since."
	return deed.Undo(ctx, r, back, changed, a.read(at), func(ctx context.Context) error { return a.kernel.remove(ctx, at) })
}

// Verify reads the kernel's rules and then lets the kernel judge a packet. Nothing is sent
// where the rules are not there: a packet to an attacker is a word to an attacker.
func (a blockAddress) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	at, err := parse(r.Target.ID)
	if err != nil {
		return actions.Proof{}, incident.GiveUp(fmt.Errorf("the receipt names no address: %w", err))
	}
	v, err := a.kernel.look(ctx)
	if err != nil {
		return actions.Proof{}, err
	}
	name, now := r.Target.Name, v.state(at)
	wide, covered := v.covers(at)
	switch {
	case !deed.Same(now, deed.Wanted(r)) && deed.Same(now, isOpen):
		return actions.Refuted("The kernel has no rule that drops " + name + "."), nil
	case !deed.Same(now, deed.Wanted(r)):
		return actions.Refuted("The kernel still drops " + name + "."), nil
	case deed.Same(now, isOpen) && covered:
		return actions.Stored(name + " is no longer blocked by itself, but it is as part of " + wide.String() + "."), nil
	case deed.Same(now, isOpen):
		return actions.Proven("No rule of Tocsin's table drops " + name + "."), nil
	}
	rules := "The kernel has the rules that drop " + name + "."
	switch a.try(ctx, within(at)) {
	case refused:
		return actions.Proven(rules, "A packet that the gateway tried to send there was refused by the kernel."), nil
	case left:
		return actions.Refuted(rules, "A packet left for there nevertheless."), nil
	}
	return actions.Stored(rules, "No packet could be tried: this gateway has no way there."), nil
}

// within is an address of the range that a host can have.
func within(p netip.Prefix) netip.Addr {
	if p.IsSingleIP() || p.Bits() == p.Addr().BitLen()-1 {
		return p.Addr()
	}
	return p.Addr().Next()
}

// Check returns a line when the capability is missing.
func (a blockAddress) Check(ctx context.Context) ([]string, error) {
	_, err := a.kernel.look(ctx)
	var missing *actions.MissingRight
	if errors.As(err, &missing) {
		return []string{missing.Error()}, nil
	}
	return nil, err
}
