package contain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// BenchmarkAimIsolate is an order from its arrival at the agent to its receipt: checked,
// written down on the disk, in effect, live sockets closed. The aim is under 50 ms from the
// click on, the network left aside.
func BenchmarkAimIsolate(b *testing.B) {
	g := newGround(b)
	g.talk(b, g.cgroup)
	a := g.agent(b)
	time.Sleep(500 * time.Millisecond)
	var took, after []time.Duration
	for range 100 {
		env := g.signed(b, directive.Isolate, nil)
		var d done
		began := time.Now()
		a.Ask(order{Envelope: env}, &d)
		took, after = append(took, time.Since(began)), append(after, d.Receipt.After)
		if d.Refused != "" {
			b.Fatal(d.Refused)
		}
		a.Ask(order{Envelope: g.signed(b, directive.Release, release(d.Receipt.ID))}, &d)
	}
	slices.Sort(took)
	slices.Sort(after)
	b.Logf("order to enforced: p50 %v, p99 %v (n=%d)  aim: under 50 ms p99", after[50], after[99], len(after))
	b.Logf("order to receipt: p50 %v, p99 %v (n=%d)", took[50], took[99], len(took))
}
