//go:build !race

// The race detector makes sync.Pool, on which regular expressions lean, forget at random.
package sigma

import "testing"

// An event for which nothing fires allocates nothing: neither for its fields, nor for the
// rules that were asked.
func TestQuietEventsAllocateNothing(t *testing.T) {
	set, _ := Compile(append(synthetic(300, 5), corpus(t)...), Options{})
	run := NewEngine(set, Limits{}).now.Load()
	s := newSight(set)
	found := make([]Match, 0, 8)
	for _, e := range workload() {
		judge := func() {
			s.next()
			s.event = &e
			for _, v := range set.byKind[e.Kind] {
				s.view = v
				found = run.judge(s, v.index, e.At, found[:0])
			}
		}
		judge() // buffers grow once
		if len(found) > 0 {
			continue // the starter pack counts some of these
		}
		if n := testing.AllocsPerRun(20, judge); n > 0 {
			t.Errorf("%s %v: %v allocations", e.Kind, e.Process.Args, n)
		}
	}
}
