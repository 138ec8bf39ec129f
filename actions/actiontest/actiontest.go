// Package actiontest proves that an action keeps the contract of package actions. Every
// action runs through Conform against an honest server: one that refuses what the
// vendor refuses, and counts what really changed.
package actiontest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/actions"
)

// World is the honest server behind an action, with one target in it.
type World interface {
	// Changes counts what became different at the vendor, by anybody. A request that
	// changed nothing does not count, a failed one does not either.
	Changes() int
	// Look is the part of the world that the action is about, as anything that go-cmp can
	// compare. It does not go through the action.
	Look() any
	// Disturb is somebody else changing the target in a way the action must notice.
	Disturb()
	// Lie makes the vendor accept the writes from now on and keep nothing of them.
	Lie()
	// Fail makes the next n requests that match answer with this HTTP status; n < 0 for
	// all from now on. writes: only requests that would change something.
	Fail(status, n int, writes bool)
	// Secrets are the strings that may appear in no error, plan, receipt or proof.
	Secrets() []string
}

// Case is an action with its world, made anew for each part.
type Case struct {
	Name string
	Make func(t *testing.T) (actions.Action, World, actions.Input)
	// Unknown is a target that does not exist; "" where any name is one, as an address is.
	Unknown string
	// Unproven says that the vendor cannot show the effect: Verify's best is Unproven.
	Unproven bool
	// Blind says why a lying vendor cannot be found out, for deeds that leave nothing to
	// read, e.g. "Okta lists no sessions". It is printed, and goes into the documents.
	Blind string
	// Renews says why doing a reversible deed once more is a deed of its own, and never so
	// already: sessions that were begun since the last time, for instance.
	Renews string
	// Gone says why what was dealt with cannot be named once more although the deed can be
	// taken back: a key that is deleted has no title.
	Gone string
	// NoDisturb says why nobody else can change the target between plan and deed.
	NoDisturb string
	// Person does what only a person can do before an undo is whole, such as accepting an
	// invitation; nil where the undo itself restores. Until then Verify may not say that
	// it is in effect.
	Person func(w World)
}

// Conform runs every part of the contract.
func Conform(t *testing.T, c Case) {
	t.Helper()
	t.Run(c.Name, func(t *testing.T) {
		t.Run("its spec may be offered", c.spec)
		t.Run("plan writes nothing and says what would change", c.plan)
		t.Run("do changes the world once", c.once)
		t.Run("a stale plan fails and writes nothing", c.stale)
		t.Run("verify tells the truth both ways", c.truth)
		t.Run("a lying vendor is found out", c.lie)
		t.Run("undo restores what was found", c.undo)
		t.Run("undo asks when somebody else changed it", c.undoAsks)
		t.Run("what was so already is not undone", c.already)
		t.Run("every answer of the vendor is an error without secrets", c.statuses)
		t.Run("a missing right is named", c.rights)
		t.Run("patience is taken from the vendor", c.patience)
		t.Run("an unknown target is said", c.unknown)
		t.Run("the context is honoured", c.context)
		t.Run("evidence can be read", c.evidence)
	})
}

func (c Case) make(t *testing.T) (actions.Action, World, actions.Input) {
	t.Helper()
	a, w, in := c.Make(t)
	params, err := a.Spec().Complete(in.Params)
	if err != nil {
		t.Fatalf("the case's own parameters: %v", err)
	}
	in.Params = params
	if in.Key == "" {
		in.Key = "INC-0042.C1/3/1"
	}
	return a, w, in
}

func (c Case) spec(t *testing.T) {
	a, _, _ := c.make(t)
	if _, err := actions.NewCatalogue([]actions.Action{a}); err != nil {
		t.Fatal(err)
	}
	if a.Spec().Destroys != "" {
		if _, ok := a.(actions.Preserver); !ok {
			t.Error("it destroys something and cannot preserve it")
		}
	}
}

func (c Case) planned(t *testing.T, a actions.Action, in actions.Input) actions.Plan {
	t.Helper()
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	return p
}

func (c Case) done(t *testing.T, a actions.Action, p actions.Plan) actions.Receipt {
	t.Helper()
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatalf("do: %v", err)
	}
	return carried(t, r)
}

// carried is a value after a night in the database: nothing may live only in memory.
func carried[T any](t *testing.T, v T) T {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (c Case) plan(t *testing.T) {
	a, w, in := c.make(t)
	before, n := w.Look(), w.Changes()
	p := c.planned(t, a, in)
	if w.Changes() != n {
		t.Error("planning changed the world")
	}
	if d := cmp.Diff(before, w.Look()); d != "" {
		t.Errorf("planning changed the world (-before +after):\n%s", d)
	}
	if p.Action != a.Spec().Name || p.Key != in.Key || p.Target.ID == "" || p.Target.Name == "" || p.Target.Kind != a.Spec().Kind {
		t.Errorf("the plan does not say what it is for: %+v", p)
	}
	if len(p.Steps) == 0 || p.Found == nil || p.Want == nil || p.Already {
		t.Errorf("the plan does not say what would change: %+v", p)
	}
	for range 3 {
		if again := c.planned(t, a, in); again.Digest() != p.Digest() {
			t.Errorf("the same world gives another plan (-first +second):\n%s", cmp.Diff(p, again))
		}
	}
	c.quiet(t, w, p)
}

func (c Case) once(t *testing.T) {
	a, w, in := c.make(t)
	p := carried(t, c.planned(t, a, in))
	n := w.Changes()
	first := c.done(t, a, p)
	if w.Changes() == n {
		t.Fatal("nothing changed")
	}
	if len(first.Done) == 0 || first.Key != p.Key || first.Already || first.Undone {
		t.Errorf("the receipt does not say what was done: %+v", first)
	}
	n, after := w.Changes(), w.Look()
	second := c.done(t, a, p)
	if w.Changes() != n {
		t.Errorf("the same plan changed the world twice: %d changes more", w.Changes()-n)
	}
	if d := cmp.Diff(after, w.Look()); d != "" {
		t.Errorf("the same plan changed the world twice (-once +twice):\n%s", d)
	}
	if string(second.Found) != string(first.Found) || second.Already {
		t.Errorf("the second receipt could not undo what the first did: %+v, %+v", first, second)
	}
	c.quiet(t, w, first)
}

func (c Case) stale(t *testing.T) {
	if c.NoDisturb != "" {
		t.Log(c.NoDisturb)
		return
	}
	a, w, in := c.make(t)
	p := carried(t, c.planned(t, a, in))
	w.Disturb()
	n := w.Changes()
	if _, err := a.Do(t.Context(), p); !errors.Is(err, actions.ErrStale) {
		t.Errorf("somebody changed the target after the plan; do answered %v", err)
	}
	if w.Changes() != n {
		t.Error("a stale plan changed the world")
	}
}

func (c Case) best() actions.Standing {
	if c.Unproven {
		return actions.Unproven
	}
	return actions.InEffect
}

func (c Case) verified(t *testing.T, a actions.Action, r actions.Receipt) actions.Proof {
	t.Helper()
	p, err := a.Verify(t.Context(), r)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if len(p.Seen) == 0 {
		t.Error("the proof does not say what was seen")
	}
	return p
}

func (c Case) truth(t *testing.T) {
	a, w, in := c.make(t)
	p := c.planned(t, a, in)
	if c.Blind == "" {
		if proof := c.verified(t, a, p.Receipt()); proof.Standing != actions.NotInEffect {
			t.Errorf("nothing was done, and verify says %q: %v", proof.Standing, proof.Seen)
		}
	}
	r := c.done(t, a, p)
	n := w.Changes()
	proof := c.verified(t, a, r)
	if proof.Standing != c.best() {
		t.Errorf("it was done, and verify says %q: %v", proof.Standing, proof.Seen)
	}
	if w.Changes() != n {
		t.Error("verifying changed the world")
	}
	c.quiet(t, w, proof)
}

func (c Case) lie(t *testing.T) {
	if c.Blind != "" {
		t.Log(c.Blind)
		return
	}
	a, w, in := c.make(t)
	p := c.planned(t, a, in)
	w.Lie()
	r, err := a.Do(t.Context(), p)
	if err != nil {
		return // found out by Do itself
	}
	if proof := c.verified(t, a, r); proof.Standing != actions.NotInEffect {
		t.Errorf("the vendor kept nothing, and verify says %q: %v", proof.Standing, proof.Seen)
	}
}

// quiet fails where a secret can be read.
func (c Case) quiet(t *testing.T, w World, v any) {
	t.Helper()
	var text string
	switch v := v.(type) {
	case nil:
		return
	case error:
		text = v.Error()
	default:
		b, _ := json.Marshal(v)
		text = string(b)
	}
	for _, s := range w.Secrets() {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("a secret can be read in %.60s…", text)
		}
	}
}
