package actiontest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/actions"
)

func (c Case) undo(t *testing.T) {
	a, w, in := c.make(t)
	u, ok := a.(actions.Undoer)
	if !ok {
		t.Log("there is no way back, and its spec says so")
		return
	}
	before := w.Look()
	r := c.done(t, a, c.planned(t, a, in))
	back, err := u.Undo(t.Context(), r)
	if err != nil {
		t.Fatalf("undo: %v", err)
	}
	back = carried(t, back)
	if c.Person != nil {
		if proof := c.verified(t, a, back); proof.Standing == actions.InEffect {
			t.Errorf("a person has not done their part yet, and verify says %q: %v", proof.Standing, proof.Seen)
		}
		c.Person(w)
	}
	if d := cmp.Diff(before, w.Look()); d != "" {
		t.Errorf("undo did not restore what was found (-found +restored):\n%s", d)
	}
	if !back.Undone || len(back.Done) == 0 {
		t.Errorf("the receipt does not say that it was undone: %+v", back)
	}
	if proof := c.verified(t, a, back); proof.Standing != c.best() {
		t.Errorf("it was undone, and verify says %q: %v", proof.Standing, proof.Seen)
	}
	n := w.Changes()
	if _, err := u.Undo(t.Context(), r); err != nil {
		t.Errorf("undone twice: %v", err)
	}
	if w.Changes() != n {
		t.Error("undone twice, and the world changed twice")
	}
}

func (c Case) undoAsks(t *testing.T) {
	a, w, in := c.make(t)
	u, ok := a.(actions.Undoer)
	if !ok || c.NoDisturb != "" {
		t.Log("not for this action: ", c.NoDisturb)
		return
	}
	r := c.done(t, a, c.planned(t, a, in))
	w.Disturb()
	n := w.Changes()
	var changed *actions.Changed
	if _, err := u.Undo(t.Context(), r); !errors.As(err, &changed) {
		t.Errorf("somebody else changed the target since; undo answered %v", err)
	}
	if w.Changes() != n {
		t.Error("undo overwrote what somebody else did")
	}
	r.Force = true
	if _, err := u.Undo(t.Context(), r); err != nil {
		t.Errorf("undo was insisted on: %v", err)
	}
}

func (c Case) already(t *testing.T) {
	a, w, in := c.make(t)
	c.done(t, a, c.planned(t, a, in))
	in.Key += "/other"
	p, err := a.Plan(t.Context(), in)
	var gone *actions.NoTarget
	if (!a.Spec().Reversible || c.Gone != "") && errors.As(err, &gone) {
		t.Log("it cannot be found any more: ", c.Gone)
		return
	}
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	if !p.Already {
		if a.Spec().Reversible && c.Renews == "" {
			t.Error("it is so already, and the plan does not say so")
		}
		return
	}
	n := w.Changes()
	r := c.done(t, a, p)
	if !r.Already || len(r.Done) > 0 || w.Changes() != n {
		t.Errorf("it was so already, and something was done: %+v", r)
	}
}
