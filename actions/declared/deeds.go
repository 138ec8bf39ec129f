package declared

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

// is the state of a target as it is stored in plans and receipts.
type is struct {
	State string `json:"state"`
	// File is the digest of the file that a plan was made by. It is in what the plan wants,
	// so that an approval of one file does not run what another says.
	File string `json:"file,omitempty"`
}

func (a *action) Spec() actions.Spec { return a.spec }

func (a *action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	id, err := a.target.resolve(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	v := a.values(id, in.Params, in.Key, in.Note)
	now, err := a.state(ctx, a.look, v)
	if err != nil {
		return actions.Plan{}, err
	}
	if now == NoTarget {
		return actions.Plan{}, &actions.NoTarget{Kind: a.spec.Kind, Name: id}
	}
	p := actions.Plan{Action: a.spec.Name, Target: actions.Target{Kind: a.spec.Kind, ID: id, Name: id},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until,
		Warnings: said(a.says.warnings, v), Lost: said(a.says.lost, v),
		Found: actions.StateOf(is{State: now}), Want: actions.StateOf(is{a.want, a.file})}
	if now == a.want {
		p.Already = true
		p.Steps = []string{id + " is " + a.want + " already; nothing will change."}
		return p, nil
	}
	p.Steps = said(a.says.plan, v)
	return p, nil
}

// reading is how deed looks at the world: by the part read, or by the part verify.
func (a *action) reading(p Part, v Values) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		s, err := a.state(ctx, p, v)
		return actions.StateOf(is{State: s}), err
	}
}

func (a *action) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	if !deed.Same(p.Want, actions.StateOf(is{a.want, a.file})) {
		return actions.Receipt{}, fmt.Errorf("%s, or what the file says of it: %w", p.Target.Name, actions.ErrStale)
	}
	p.Want = actions.StateOf(is{State: a.want}) // a receipt outlives the file
	v := a.values(p.Target.ID, p.Params, p.Key, p.Note)
	r, err := deed.Do(ctx, p, said(a.says.done, v), a.reading(a.look, v), func(ctx context.Context) error { return a.act.Run(ctx, v) })
	if err != nil {
		return actions.Receipt{}, err
	}
	if p.Note != "" {
		r.Ref = map[string]string{"note": p.Note} // the way back may name it too
	}
	return r, nil
}

// Verify is only as good as the file says it is: without a part that sees the effect the
// best it finds is Unproven.
func (a *action) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	v := a.values(r.Target.ID, r.Params, r.Key, r.Ref["note"])
	now, err := a.state(ctx, a.verify, v)
	if err != nil {
		return actions.Proof{}, err
	}
	wanted, err := stateIn(deed.Wanted(r))
	if err != nil {
		return actions.Proof{}, err
	}
	seen := fmt.Sprintf("%s is %s.", r.Target.Name, now)
	switch {
	case now != wanted:
		return actions.Refuted(seen), nil
	case a.effect:
		return actions.Proven(seen), nil
	}
	return actions.Stored(seen), nil
}

func (a *action) undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	v := a.values(r.Target.ID, r.Params, r.Key, r.Ref["note"])
	found, err := stateIn(r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	v.Found = found
	changed := r.Target.Name + " is neither as it was left nor as it was found: somebody changed it since."
	return deed.Undo(ctx, r, said(a.says.undone, v), changed, a.reading(a.look, v), func(ctx context.Context) error { return a.back.Run(ctx, v) })
}

func (a *action) preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	id, err := a.target.resolve(in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	kept, err := a.keep.Keep(ctx, a.values(id, in.Params, in.Key, in.Note))
	if err != nil {
		return actions.Evidence{}, err
	}
	return actions.Evidence{Items: []actions.Item{{
		Name: fileName(a.spec.Name + "-" + id), From: a.spec.Name + " of " + id, Type: "application/octet-stream",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept)), nil },
	}}}, nil
}

type reversible struct{ *action }

func (a reversible) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return a.undo(ctx, r)
}

type keeping struct{ *action }

func (a keeping) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.preserve(ctx, in)
}

type reversibleAfterKeeping struct{ reversible }

func (a reversibleAfterKeeping) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.preserve(ctx, in)
}
