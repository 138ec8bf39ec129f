package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return killTree{holding{f, directive.Kill}} })
}

// killTree ends a process and all below it. What they had in memory is gone then, so the host is
// collected from first.
type killTree struct{ holding }

func (killTree) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.kill-tree", Title: "Kill a process and its descendants",
		Does: "The process and all its descendants are frozen and then killed.",
		Kind: actions.KindProcess, Blast: actions.BlastTeam, Rights: []string{string(directive.Kill), string(directive.Collect)},
		Destroys: "what the processes have in memory, their open files that have no name any more, and their sockets",
		Proof:    "The host looks whether the process runs, by its number and the moment it was started.",
		Example:  "fleet.kill-tree web-3/4242",
	}
}

// running is the state of a process: a number that somebody else has by now does not run.
type running struct {
	Runs bool `json:"runs"`
}

func (a killTree) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, proc, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Params: in.Params, Key: in.Key, Note: in.Note,
		Target: actions.Target{Kind: actions.KindProcess, ID: processID(h.Name, proc), Name: fmt.Sprintf("%s/%d %s", h.Name, proc.PID, tame(proc.Comm))},
		Found:  actions.StateOf(running{true}), Want: actions.StateOf(running{false}),
		Steps: []string{"Kill process " + program(proc) + " on " + h.Name + " with all its descendants."},
		Lost:  []string{"What they have in memory; freeze it instead (fleet.freeze-process) to keep that."},
	}
	if p.Dependants, err = a.below(ctx, h.Name, proc); err != nil {
		return p, err
	}
	return p, a.allowed(h.Name, 0)
}

func (a killTree) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		host, p, err := processOf(id)
		if err != nil {
			return nil, err
		}
		all, err := ask[wire.Process](ctx, a.Fleet, host, &wire.Question{What: wire.AskFind, Subject: fmt.Sprint(p.PID), Most: 8})
		if err != nil {
			return nil, err
		}
		is := running{}
		for _, got := range all {
			is.Runs = is.Runs || got.Key == event.Key{PID: p.PID, Start: p.Start}
		}
		return actions.StateOf(is), nil
	}
}

func (a killTree) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host, proc, err := processOf(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Do(ctx, p, []string{p.Target.Name + " and its descendants are killed."}, a.read(p.Target.ID), func(ctx context.Context) error {
		d := directed(a.kind, holdID(p.Key, a.kind, host), p.Key, p.Digest())
		d.Process = &proc
		_, err := a.order(ctx, host, d)
		return err
	})
}

func (a killTree) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	proof, err := deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		var is running
		if unpack(now, &is) == nil && is.Runs {
			return r.Target.Name + " runs."
		}
		return r.Target.Name + " does not run any more."
	})
	if err != nil {
		return a.unproven(ctx, err)
	}
	return proof, nil
}

// Preserve collects from the host: what runs, what is open, and the program itself.
func (a killTree) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	h, proc, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	var files []string
	if strings.HasPrefix(proc.Exe, "/") && !strings.HasSuffix(proc.Exe, " (deleted)") {
		files = []string{proc.Exe}
	}
	return a.preserved(ctx, h.Name, in.Key+"/before", "before "+in.Key, files)
}
