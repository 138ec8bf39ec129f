package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return isolateHost{holding{f, directive.Isolate}} })
}

// isolateHost cuts a host off from everything but its control channel.
type isolateHost struct{ holding }

var stayOpen = actions.Param{Name: "open", Max: 2000, Help: "conversations that stay possible: 10.0.0.5:53/udp,in:10.1.1.1:22/tcp; in: the other end calls, and the port is this host's"}

func (isolateHost) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.isolate-host", Title: "Isolate a host",
		Does: "The kernel of the host lets nothing in or out but its control channel and what the plan names; connections that are open end.",
		Kind: actions.KindHost, Reversible: true, Blast: actions.BlastTeam, Rights: []string{string(directive.Isolate)}, TTL: holdTTL,
		Params:  []actions.Param{stayOpen, onExpiry},
		Proof:   "The host reads its kernel's programs and maps back, and sends packets that they must refuse.",
		Example: "fleet.isolate-host web-3 ttl=24h",
	}
}

func (a isolateHost) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.named(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	open, err := openings(in.Params[stayOpen.Name])
	if err != nil {
		return actions.Plan{}, err
	}
	p, err := a.plan(ctx, a.Spec(), in, h.Name, actions.Target{Kind: actions.KindHost, ID: h.Name, Name: h.Name}, a.about(""), "")
	if err != nil || p.Already {
		p.Steps = []string{h.Name + " is isolated already; nothing will change."}
		return p, err
	}
	p.Steps = []string{"Cut " + h.Name + " off from the network, except for its control channel."}
	for _, o := range open {
		p.Steps = append(p.Steps, "Leave open: "+sayOpening(o)+".")
	}
	p.Dependants, err = a.bystanders(ctx, h.Name)
	p.Warnings = append(p.Warnings, "Name resolution, DHCP and time servers are cut too, unless open= names them.")
	return p, err
}

// bystanders are what listens there.
func (a isolateHost) bystanders(ctx context.Context, host string) (out []string, err error) {
	all, err := ask[wire.Socket](ctx, a.Fleet, host, &wire.Question{What: wire.AskListeners, Most: 500})
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Proto == "tcp" && !s.Local.Addr().IsLoopback() {
			program := tame(s.Program)
			if program == "" {
				program = "a program"
			}
			out = append(out, fmt.Sprintf("%s is no longer reachable on port %d.", program, s.Local.Port()))
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if more := len(out) - 20; more > 0 {
		out = append(out[:20], fmt.Sprintf("%d more listeners.", more))
	}
	return out, nil
}

func (a isolateHost) read(host string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		ids, err := a.holds(ctx, host, a.about(""))
		return actions.StateOf(held{By: ids}), err
	}
}

func (a isolateHost) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host := p.Target.ID
	return a.do(ctx, p, host, []string{host + " is cut off from the network."}, a.read(host), func(d *directive.Directive) error {
		open, err := openings(p.Params[stayOpen.Name])
		d.Isolate = &directive.IsolateOf{Open: open}
		return err
	})
}

func (a isolateHost) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return a.verify(ctx, r, r.Target.ID, a.read(r.Target.ID))
}

func (a isolateHost) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	host := r.Target.ID
	return a.undo(ctx, r, host, host+" is on the network again.", host+" is isolated by others too, or was let go by somebody else.", a.read(host))
}

// openings reads what stays open.
func openings(text string) (all []directive.Opening, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		rest, inbound := strings.CutPrefix(part, "in:")
		at, proto, ok := strings.Cut(rest, "/")
		peer, bad := netip.ParseAddrPort(at)
		if bad != nil || !ok || proto != "tcp" && proto != "udp" || !peer.Addr().IsValid() || peer.Port() == 0 {
			return nil, &actions.BadParam{Name: stayOpen.Name, Why: fmt.Sprintf("has %q, which is not like 10.0.0.5:53/udp", tame(part))}
		}
		all = append(all, directive.Opening{Peer: netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()), Proto: proto, Inbound: inbound})
	}
	if len(all) > directive.MostOpenings {
		return nil, errors.New("more stays open than a host takes")
	}
	return all, nil
}

func sayOpening(o directive.Opening) string {
	if o.Inbound {
		return fmt.Sprintf("%s may call port %d over %s", o.Peer.Addr(), o.Peer.Port(), o.Proto)
	}
	return fmt.Sprintf("calls to %s over %s", o.Peer, o.Proto)
}
