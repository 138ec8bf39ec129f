package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

func init() {
	made = append(made,
		func(f *Fleet) actions.Action { return block{holding{f, directive.Block}, byAddress} },
		func(f *Fleet) actions.Action { return block{holding{f, directive.Block}, byDomain} })
}

// block blocks an address or a domain on many hosts: each is a hold of its own.
type block struct {
	holding
	by byWhat
}

type byWhat struct {
	name, title, does, proof, example string
	kind                              actions.Kind
	canonical                         func(typed string) (string, error)
	part                              func(id string) directive.BlockOf
}

var blockOn = actions.Param{Name: "hosts", Help: "on which hosts: a name, a pattern like web-*, or all", Default: "all", Max: 128}

var byAddress = byWhat{
	name: "fleet.block-address", title: "Block an address on hosts", kind: actions.KindAddress,
	does:    "The kernels of the hosts refuse every packet to and from the address or network, their own, their containers' and those they forward.",
	proof:   "Each host reads its kernel's maps back and sends a packet to the address that must be refused.",
	example: "fleet.block-address 198.51.100.7 hosts=web-* ttl=24h",
	canonical: func(typed string) (string, error) {
		p, err := netip.ParsePrefix(typed)
		if a, bad := netip.ParseAddr(typed); bad == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return "", &actions.NoTarget{Kind: actions.KindAddress, Name: tame(typed), Hint: "Write 198.51.100.7 or 198.51.100.0/24."}
		}
		if p.Addr().Is4In6() || p.Bits() < map[bool]int{true: 8, false: 16}[p.Addr().Is4()] || !p.Addr().IsGlobalUnicast() {
			return "", incident.GiveUp(fmt.Errorf("%s is too wide or no address of a peer: at most an IPv4 /8 or an IPv6 /16 is blocked at once", p))
		}
		return p.Masked().String(), nil
	},
	part: func(id string) directive.BlockOf {
		p, _ := netip.ParsePrefix(id) // it is canonical
		return directive.BlockOf{Prefixes: []netip.Prefix{p}}
	},
}

var byDomain = byWhat{
	name: "fleet.block-domain", title: "Block a domain on hosts", kind: actions.KindDomain,
	does:    "The kernels of the hosts refuse packets to every address that the domain and the names below it resolve to, as their sensors see the answers.",
	proof:   "Each host reads its kernel's maps back and sends a packet to an address of the domain that must be refused; while it knows none, nothing is proved.",
	example: "fleet.block-domain evil.example hosts=all ttl=24h",
	canonical: func(typed string) (string, error) {
		name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(typed), "."))
		if !strings.Contains(name, ".") || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			return "", &actions.NoTarget{Kind: actions.KindDomain, Name: tame(typed), Hint: "Write evil.example; other letters in their xn-- form."}
		}
		return name, nil
	},
	part: func(id string) directive.BlockOf { return directive.BlockOf{Domains: []string{id}} },
}

func (a block) Spec() actions.Spec {
	return actions.Spec{Name: a.by.name, Title: a.by.title, Does: a.by.does, Kind: a.by.kind, Reversible: true, Blast: actions.BlastAll,
		Rights: []string{string(directive.Block)}, TTL: holdTTL, Params: []actions.Param{blockOn, onExpiry}, Proof: a.by.proof, Example: a.by.example}
}

// everywhere is the state: which holds each host has on the target.
type everywhere map[string][]string

func (a block) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	id, err := a.by.canonical(in.Target)
	if err == nil {
		err = endsItself(in)
	}
	if err != nil {
		return actions.Plan{}, err
	}
	talks, away, err := a.meant(in.Params[blockOn.Name])
	if err != nil {
		return actions.Plan{}, &actions.BadParam{Name: blockOn.Name, Why: err.Error()}
	}
	p := actions.Plan{Action: a.by.name, Target: actions.Target{Kind: a.by.kind, ID: id, Name: id}, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
	if len(talks) == 0 {
		return p, errors.New("no host that is meant is connected")
	}
	var hosts []string
	for _, s := range talks {
		if no := a.allowed(s.agent.Host, a.lasts(in.Until)); no != nil {
			p.Warnings = append(p.Warnings, "Not on "+s.agent.Host+": "+no.Error()+".")
			err = no
			continue
		}
		hosts = append(hosts, s.agent.Host)
	}
	if len(hosts) == 0 {
		return p, err
	}
	found, err := a.now(ctx, hosts, id)
	if err != nil {
		return p, err
	}
	want, todo := everywhere{}, 0
	for _, h := range hosts {
		if want[h] = found[h]; len(found[h]) == 0 {
			want[h] = []string{holdID(in.Key, a.kind, h)}
			todo++
		}
	}
	p.Found, p.Want, p.Already = actions.StateOf(found), actions.StateOf(want), todo == 0
	p.Steps = []string{fmt.Sprintf("Block %s on %s: %s.", id, many(todo, "host"), listed(hosts, found))}
	if p.Already {
		p.Steps = []string{id + " is blocked on all of them already; nothing will change."}
	}
	if len(away) > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Not connected, and not blocked there: %s.", some(away)))
	}
	return p, nil
}

func listed(hosts []string, found everywhere) string {
	var out []string
	for _, h := range hosts {
		if len(found[h]) == 0 {
			out = append(out, h)
		}
	}
	return some(out)
}

func some(names []string) string {
	if more := len(names) - 20; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:20], ", "), more)
	}
	return strings.Join(names, ", ")
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// each does something for each host, many at once, and returns what went wrong by host.
func each(hosts []string, do func(host string) error) map[string]error {
	var mu sync.Mutex
	var all sync.WaitGroup
	failed, slots := map[string]error{}, make(chan struct{}, 64)
	for _, h := range hosts {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := do(h); err != nil {
				mu.Lock()
				failed[h] = err
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

// now reads the state of several hosts. One that cannot be read makes all of it unknown.
func (a block) now(ctx context.Context, hosts []string, id string) (everywhere, error) {
	var mu sync.Mutex
	out := everywhere{}
	failed := each(hosts, func(h string) error {
		ids, err := a.holds(ctx, h, a.about(id))
		mu.Lock()
		defer mu.Unlock()
		out[h] = ids
		return err
	})
	return out, first(failed)
}

func first(failed map[string]error) error {
	var hosts []string
	for h := range failed {
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 {
		return nil
	}
	return failed[slices.Min(hosts)]
}

func (w everywhere) hosts() (out []string) {
	for h := range w {
		out = append(out, h)
	}
	slices.Sort(out)
	return out
}

func states(found, want actions.State) (f, w everywhere, err error) {
	err = errors.Join(unpack(found, &f), unpack(want, &w))
	return f, w, err
}

// Do blocks host by host: asked again it goes on where it stopped. A host that is neither as the plan
// found it nor as it wants it stops all of it before anything is written.
func (a block) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	found, want, err := states(p.Found, p.Want)
	if err != nil {
		return actions.Receipt{}, incident.GiveUp(err)
	}
	now, err := a.now(ctx, want.hosts(), p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	var todo []string
	for _, h := range want.hosts() {
		switch {
		case slices.Equal(now[h], want[h]):
		case slices.Equal(now[h], found[h]) && !p.Already:
			todo = append(todo, h)
		default:
			return actions.Receipt{}, fmt.Errorf("%s on %s: %w", p.Target.Name, h, actions.ErrStale)
		}
	}
	r := p.Receipt()
	if p.Already {
		return r, nil
	}
	failed := each(todo, func(h string) error {
		d := directed(a.kind, holdID(p.Key, a.kind, h), p.Key, p.Digest())
		d.TTL, d.OnExpiry = a.ends(p.Params, p.Until)
		part := a.by.part(p.Target.ID)
		d.Block = &part
		_, err := a.order(ctx, h, d)
		return err
	})
	var not []string
	for _, h := range want.hosts() {
		switch {
		case failed[h] != nil:
			not = append(not, h)
		case !slices.Equal(found[h], want[h]):
			r.Done = append(r.Done, fmt.Sprintf("%s is blocked on %s.", p.Target.Name, h))
		}
	}
	if len(not) > 0 && len(r.Done) > 0 {
		return r, &actions.Partial{Receipt: r, NotDone: not, Err: first(failed)}
	}
	return r, first(failed)
}

// Verify asks every host. One that is not in effect makes all of it so; one that is silent leaves it
// unproven.
func (a block) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	found, left, err := states(r.Found, r.Left)
	if err != nil {
		return actions.Proof{}, incident.GiveUp(err)
	}
	hosts := left.hosts()
	var mu sync.Mutex
	proofs := map[string]actions.Proof{}
	failed := each(hosts, func(h string) error {
		p, err := a.proofAt(ctx, r, h, found[h], left[h])
		mu.Lock()
		defer mu.Unlock()
		proofs[h] = p
		return err
	})
	if err := first(failed); err != nil {
		return actions.Proof{}, err
	}
	all := actions.Proof{Standing: actions.InEffect}
	count := map[actions.Standing]int{}
	for _, h := range hosts {
		p := proofs[h]
		count[p.Standing]++
		all.Again = max(all.Again, p.Again)
		if p.Standing != actions.InEffect || len(all.Seen) < 10 {
			all.Seen = append(all.Seen, p.Seen...)
		}
	}
	switch {
	case count[actions.NotInEffect] > 0:
		all.Standing = actions.NotInEffect
	case count[actions.Unproven] > 0:
		all.Standing = actions.Unproven
	}
	all.Seen = append([]string{fmt.Sprintf("%d of %s: in effect.", count[actions.InEffect], many(len(hosts), "host"))}, all.Seen[:min(len(all.Seen), 40)]...)
	return all, nil
}

func (a block) proofAt(ctx context.Context, r actions.Receipt, host string, found, left []string) (actions.Proof, error) {
	if !r.Undone {
		return a.proof(ctx, host, left[0])
	}
	now, err := a.holds(ctx, host, a.about(r.Target.ID))
	switch {
	case err != nil:
		return a.unproven(ctx, err)
	case slices.Contains(now, holdID(r.Key, a.kind, host)) || !r.Force && !slices.Equal(now, found):
		return actions.Refuted(host + " is not as it was found."), nil
	}
	return actions.Proven(host + " holds what it held before, and nothing of ours."), nil
}

// Prolong tells every host that holds ours.
func (a block) Prolong(ctx context.Context, r actions.Receipt, until time.Time) error {
	found, left, err := states(r.Found, r.Left)
	if err != nil {
		return incident.GiveUp(err)
	}
	hosts := slices.DeleteFunc(left.hosts(), func(h string) bool { return slices.Equal(found[h], left[h]) })
	return first(each(hosts, func(h string) error { return a.prolong(ctx, r, h, until) }))
}

// Undo releases what is ours on every host, and asks first where somebody else changed something.
func (a block) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, left, err := states(r.Found, r.Left)
	if err != nil {
		return actions.Receipt{}, incident.GiveUp(err)
	}
	back := r
	back.Undone, back.Done = true, nil
	if r.Already {
		return back, nil
	}
	now, err := a.now(ctx, left.hosts(), r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	var todo []string
	for _, h := range left.hosts() {
		ours := slices.Contains(now[h], holdID(r.Key, a.kind, h))
		if !slices.Equal(now[h], found[h]) && !slices.Equal(now[h], left[h]) && !r.Force {
			return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("%s is blocked on %s by others too.", r.Target.Name, h)}
		}
		if ours {
			todo = append(todo, h)
		}
	}
	failed := each(todo, func(h string) error { return a.released(ctx, h, holdID(r.Key, a.kind, h), r.Key) })
	var not []string
	for _, h := range left.hosts() {
		if failed[h] != nil {
			not = append(not, h)
		} else {
			back.Done = append(back.Done, fmt.Sprintf("%s is no longer blocked on %s by us.", r.Target.Name, h))
		}
	}
	if len(not) > 0 {
		return back, &actions.Partial{Receipt: back, NotDone: not, Err: first(failed)}
	}
	return back, nil
}
