package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return freezeProcess{holding{f, directive.Freeze}} })
}

// freezeProcess stops a process and all below it where they are.
type freezeProcess struct{ holding }

func (freezeProcess) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.freeze-process", Title: "Freeze a process",
		Does: "The process and all its descendants stop where they are, with memory, files and sockets as they were, and go on when released.",
		Kind: actions.KindProcess, Reversible: true, Blast: actions.BlastTeam, Rights: []string{string(directive.Freeze)}, TTL: holdTTL,
		Params:  []actions.Param{onExpiry},
		Proof:   "The host looks whether each of the processes is frozen.",
		Example: "fleet.freeze-process web-3/4242",
	}
}

// resolve finds the one process that a person named: web-3/4242, web-3/nginx.
func (f *Fleet) resolve(ctx context.Context, target string) (Host, wire.Process, error) {
	typed, name, err := split(target, "/")
	if err != nil {
		return Host{}, wire.Process{}, err
	}
	h, err := f.named(typed)
	if err != nil {
		return h, wire.Process{}, err
	}
	all, err := ask[wire.Process](ctx, f, h.Name, &wire.Question{What: wire.AskFind, Subject: name, Most: 64})
	switch {
	case err != nil:
		return h, wire.Process{}, err
	case len(all) == 0:
		return h, wire.Process{}, &actions.NoTarget{Kind: actions.KindProcess, Name: target, Hint: "It may have ended; /signals tree " + h.Name + " shows what runs."}
	case len(all) > 1:
		var fits []string
		for _, p := range all {
			fits = append(fits, fmt.Sprintf("%s/%d", h.Name, p.PID))
		}
		return h, wire.Process{}, &actions.Ambiguous{Kind: actions.KindProcess, Name: target, Fits: fits}
	}
	return h, all[0], nil
}

// processID names a process for good: web-3/4242/83790000000.
func processID(host string, p wire.Process) string {
	return fmt.Sprintf("%s/%d/%d", host, p.PID, p.Start)
}

func processOf(id string) (host string, p directive.ProcessOf, err error) {
	host, rest, err := split(id, "/")
	if err == nil {
		_, err = fmt.Sscanf(rest, "%d/%d", &p.PID, &p.Start)
	}
	if err != nil {
		return "", p, fmt.Errorf("read the id of the process: %w", err)
	}
	return host, p, nil
}

// program says what a process is, for people.
func program(p wire.Process) string {
	text := tame(strings.Join(p.Args, " "))
	if text == "" {
		text = tame(p.Comm)
	}
	if r := []rune(text); len(r) > 80 {
		text = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%d (%s)", p.PID, text)
}

// below are the descendants, as sentences.
func (f *Fleet) below(ctx context.Context, host string, p wire.Process) (out []string, err error) {
	all, err := ask[wire.Process](ctx, f, host, &wire.Question{What: wire.AskTree, Subject: fmt.Sprint(p.PID), Most: 500})
	if err != nil {
		return nil, err
	}
	n := 0
	for _, d := range all {
		if d.Depth <= 0 {
			continue
		}
		if n++; n <= 20 {
			out = append(out, "With it: process "+program(d)+".")
		}
	}
	if n > 20 {
		out = append(out, fmt.Sprintf("With it: %d more processes.", n-20))
	}
	return out, nil
}

func (a freezeProcess) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, proc, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	t := actions.Target{Kind: actions.KindProcess, ID: processID(h.Name, proc), Name: fmt.Sprintf("%s/%d %s", h.Name, proc.PID, tame(proc.Comm))}
	p, err := a.plan(ctx, a.Spec(), in, h.Name, t, a.about(fmt.Sprintf("%d/%d", proc.PID, proc.Start)), "")
	if err != nil || p.Already {
		p.Steps = []string{t.Name + " is frozen already; nothing will change."}
		return p, err
	}
	p.Steps = []string{"Freeze process " + program(proc) + " on " + h.Name + " with all its descendants."}
	p.Dependants, err = a.below(ctx, h.Name, proc)
	return p, err
}

func (a freezeProcess) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		host, p, err := processOf(id)
		if err != nil {
			return nil, err
		}
		ids, err := a.holds(ctx, host, a.about(fmt.Sprintf("%d/%d", p.PID, p.Start)))
		return actions.StateOf(held{By: ids}), err
	}
}

func (a freezeProcess) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host, proc, err := processOf(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.do(ctx, p, host, []string{p.Target.Name + " is frozen."}, a.read(p.Target.ID), func(d *directive.Directive) error {
		d.Process = &proc
		return nil
	})
}

func (a freezeProcess) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	host, _, err := processOf(r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	return a.verify(ctx, r, host, a.read(r.Target.ID))
}

func (a freezeProcess) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	host, _, err := processOf(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.undo(ctx, r, host, r.Target.Name+" goes on.", r.Target.Name+" is frozen by others too.", a.read(r.Target.ID))
}
