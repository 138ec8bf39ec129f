package signals

import (
	"testing"
	"time"
)

// A server that starts again numbers its sets above what hosts have, whatever feeds said in between, and never above what people
// say next.
func TestSetsAreNumberedOnAcrossRestarts(t *testing.T) {
	said := time.UnixMilli(1_700_000_000_000)
	number := func(at time.Time, newest uint64) uint64 {
		t.Helper()
		v, ok := version(uint64(said.UnixMilli()), at, newest)
		if !ok {
			t.Fatal("it is not given")
		}
		return v
	}
	last := number(said, 0)
	for i := range 100 { // feeds, each a few minutes after the one before; some at once
		next := number(said.Add(time.Duration(i/2)*3*time.Minute), last)
		if next <= last {
			t.Fatal(i, next, last)
		}
		last = next
	}
	started := number(said.Add(3*time.Hour), 0) // it has forgotten what it gave
	if started <= last {
		t.Error("what hosts have is", last, "and it begins with", started)
	}
	century := number(said.Add(100*365*24*time.Hour), 0)
	if people, _ := version(uint64(said.UnixMilli()+1), said, 0); people <= century {
		t.Error("what people said next is numbered", people, "below", century)
	}
	if back := number(said.Add(-time.Hour), 0); back>>editions != uint64(said.UnixMilli()) { // the clock was set back
		t.Error(back)
	}
	if _, ok := version(uint64(said.UnixMilli()), said, uint64(said.UnixMilli()+1)<<editions); ok {
		t.Error("another replica knows more of what people said")
	}
}
