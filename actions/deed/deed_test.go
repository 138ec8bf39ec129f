package deed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

// door is a world of one word, and a count of those who changed it.
type door struct {
	is     string
	writes int
	broken error
}

func (d *door) read(context.Context) (actions.State, error) { return actions.StateOf(d.is), d.broken }

func (d *door) becomes(to string) deed.Write {
	return func(context.Context) error { d.is, d.writes = to, d.writes+1; return d.broken }
}

func plan(already bool) actions.Plan {
	p := actions.Plan{Action: "door.shut", Target: actions.Target{ID: "1", Name: "the door"}, Found: actions.StateOf("open"), Want: actions.StateOf("shut"), Already: already}
	if already {
		p.Found = p.Want
	}
	return p
}

func TestDo(t *testing.T) {
	for name, c := range map[string]struct {
		is      string
		already bool
		after   string
		writes  int
		stale   bool
		done    int
	}{
		"as it was found":                  {is: "open", after: "shut", writes: 1, done: 1},
		"as it is wanted":                  {is: "shut", after: "shut", done: 1},
		"neither":                          {is: "ajar", after: "ajar", stale: true},
		"so already":                       {is: "shut", already: true, after: "shut"},
		"so already, and opened meanwhile": {is: "open", already: true, after: "open", stale: true},
	} {
		d := &door{is: c.is}
		r, err := deed.Do(t.Context(), plan(c.already), []string{"shut."}, d.read, d.becomes("shut"))
		if errors.Is(err, actions.ErrStale) != c.stale || d.is != c.after || d.writes != c.writes || len(r.Done) != c.done || err == nil && r.Already != c.already {
			t.Errorf("%s: %+v, %v; the door is %s after %d writes", name, r, err, d.is, d.writes)
		}
	}
}

func TestUndo(t *testing.T) {
	for name, c := range map[string]struct {
		is             string
		already, force bool
		after          string
		changed        bool
		done           int
	}{
		"as it was left":                 {is: "shut", after: "open", done: 1},
		"as it was found":                {is: "open", after: "open", done: 1},
		"changed since":                  {is: "ajar", after: "ajar", changed: true},
		"changed since, and insisted on": {is: "ajar", force: true, after: "open", done: 1},
		"so before, by somebody else":    {is: "shut", already: true, after: "shut"},
	} {
		d := &door{is: c.is}
		r := plan(c.already).Receipt()
		r.Force = c.force
		back, err := deed.Undo(t.Context(), r, []string{"open."}, "somebody moved it", d.read, d.becomes("open"))
		var changed *actions.Changed
		if errors.As(err, &changed) != c.changed || d.is != c.after || len(back.Done) != c.done || err == nil && !back.Undone {
			t.Errorf("%s: %+v, %v; the door is %s", name, back, err, d.is)
		}
	}
}

func TestVerifyReadsTheWorld(t *testing.T) {
	d := &door{is: "shut"}
	say := func(now actions.State) string { return string(now) }
	r := plan(false).Receipt()
	if p, err := deed.Verify(t.Context(), r, d.read, say); err != nil || p.Standing != actions.InEffect {
		t.Errorf("%+v, %v", p, err)
	}
	r.Undone = true
	if p, err := deed.Verify(t.Context(), r, d.read, say); err != nil || p.Standing != actions.NotInEffect {
		t.Errorf("not open again: %+v, %v", p, err)
	}
	d.broken = errors.New("nobody answers")
	if _, err := deed.Verify(t.Context(), r, d.read, say); err == nil {
		t.Error("nobody answered, and that is a proof")
	}
}
