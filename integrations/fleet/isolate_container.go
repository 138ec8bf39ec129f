package fleet

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return isolateContainer{holding{f, directive.Cut}} })
}

// isolateContainer cuts one container off. It is named for good by the number of its cgroup: a container
// that is started anew is another.
type isolateContainer struct{ holding }

func (isolateContainer) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.isolate-container", Title: "Isolate a container",
		Does: "The host's kernel lets nothing in or out of the container; it goes on running.",
		Kind: actions.KindContainer, Reversible: true, Blast: actions.BlastTeam, Rights: []string{string(directive.Cut)}, TTL: holdTTL,
		Params:  []actions.Param{stayOpen, onExpiry},
		Proof:   "The host reads its kernel's programs and maps back, and sends a packet from inside the container's cgroup that must be refused.",
		Example: "fleet.isolate-container web-3/4f66ad9a0b2e ttl=24h",
	}
}

// The vendor's id of a container is host, cgroup number and cgroup path: host/1234/system.slice/….
func (a isolateContainer) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	typed, name, err := split(in.Target, "/")
	if err != nil {
		return actions.Plan{}, err
	}
	h, err := a.named(typed)
	if err != nil {
		return actions.Plan{}, err
	}
	c, err := a.find(ctx, h.Name, name)
	if err != nil {
		return actions.Plan{}, err
	}
	t := actions.Target{Kind: actions.KindContainer, ID: fmt.Sprintf("%s/%d%s", h.Name, c.Cgroup, c.Path), Name: h.Name + "/" + short(c.ID)}
	p, err := a.plan(ctx, a.Spec(), in, h.Name, t, a.about(c.Path), "")
	if err != nil || p.Already {
		p.Steps = []string{t.Name + " is isolated already; nothing will change."}
		return p, err
	}
	p.Steps = []string{fmt.Sprintf("Cut container %s (%s) on %s off from the network.", short(c.ID), tame(c.Program), h.Name)}
	open, err := openings(in.Params[stayOpen.Name])
	for _, o := range open {
		p.Steps = append(p.Steps, "Leave open: "+sayOpening(o)+".")
	}
	return p, err
}

func short(id string) string {
	if len(id) == 64 {
		return id[:12]
	}
	return tame(id)
}

func (a isolateContainer) find(ctx context.Context, host, name string) (wire.Container, error) {
	all, err := ask[wire.Container](ctx, a.Fleet, host, &wire.Question{What: wire.AskContainer, Subject: name, Most: 64})
	switch {
	case err != nil:
		return wire.Container{}, err
	case len(all) == 0:
		return wire.Container{}, &actions.NoTarget{Kind: actions.KindContainer, Name: host + "/" + name, Hint: "A container is named by its id, or the beginning of it."}
	case len(all) > 1:
		var fits []string
		for _, c := range all {
			fits = append(fits, host+"/"+short(c.ID))
		}
		return wire.Container{}, &actions.Ambiguous{Kind: actions.KindContainer, Name: name, Fits: fits}
	}
	return all[0], nil
}

// part reads the id.
func (isolateContainer) part(id string) (host string, cut directive.CutOf, err error) {
	host, rest, err := split(id, "/")
	if err == nil {
		_, err = fmt.Sscanf(rest, "%d", &cut.Cgroup)
	}
	if err != nil {
		return "", cut, fmt.Errorf("read the container's id: %w", err)
	}
	_, path, err := split(rest, "/")
	cut.Path = "/" + path
	return host, cut, err
}

func (a isolateContainer) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		host, cut, err := a.part(id)
		if err != nil {
			return nil, err
		}
		ids, err := a.holds(ctx, host, a.about(cut.Path))
		return actions.StateOf(held{By: ids}), err
	}
}

func (a isolateContainer) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host, cut, err := a.part(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.do(ctx, p, host, []string{p.Target.Name + " is cut off from the network."}, a.read(p.Target.ID), func(d *directive.Directive) error {
		cut.Open, err = openings(p.Params[stayOpen.Name])
		d.Cut = &cut
		return err
	})
}

func (a isolateContainer) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	host, _, err := a.part(r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	return a.verify(ctx, r, host, a.read(r.Target.ID))
}

func (a isolateContainer) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	host, _, err := a.part(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.undo(ctx, r, host, r.Target.Name+" is on the network again.", r.Target.Name+" is isolated by others too.", a.read(r.Target.ID))
}
