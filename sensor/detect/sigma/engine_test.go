package sigma

import (
	"testing"
)

// Generations of slots go round after four thousand million records; nothing of long ago
// looks fresh then.
func TestGenerationsGoRound(t *testing.T) {
	set := compiles(t, rule("    s: {a: 1}\n    condition: s\n"), Options{})
	s := newSight(set)
	s.rec = NewRecord(LogSource{Product: "test"}, map[string]any{"a": "1"})
	s.look()
	s.slot(set.fields.numbers["a"])
	s.gen = ^uint32(0)
	s.rec = NewRecord(LogSource{Product: "test"}, map[string]any{"a": "2"})
	s.look()
	if f := s.slot(set.fields.numbers["a"]); f.val.text != "2" {
		t.Errorf("the field holds %q", f.val.text)
	}
	s.round = ^uint32(0)
	s.fired[0] = 0
	if s.next(); s.fired[0] == s.round {
		t.Error("the rule looks as if it had fired")
	}
}
