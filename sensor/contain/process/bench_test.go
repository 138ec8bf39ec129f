package process_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
)

// BenchmarkAimProcess prints how long a tree of processes takes to be frozen and killed.
// SENSOR.md measured cgroup.freeze at 1.6 ms and cgroup.kill at 4 ms for one process.
func BenchmarkAimProcess(b *testing.B) {
	h := process.Hands{Root: containtest.Root(b)}
	for _, n := range []int{1, 10, 100} {
		var freeze, thaw, kill []time.Duration
		for i := range 10 {
			cgroup := containtest.Cgroup(b)
			script := fmt.Sprintf("for i in $(seq %d); do sleep 1000 & done; wait", n-1)
			if n == 1 {
				script = "exec sleep 1000"
			}
			key, cmd := tree(b, cgroup, script)
			awaits(b, "the tree stands", func() bool { return len(procs(b, cgroup)) >= n })
			time.Sleep(20 * time.Millisecond)
			name := fmt.Sprint("bench-", i)
			began := time.Now()
			held, err := h.Freeze(name, key)
			if err != nil {
				b.Fatal(err)
			}
			freeze = append(freeze, time.Since(began))
			began = time.Now()
			if err := h.Thaw(held); err != nil {
				b.Fatal(err)
			}
			thaw = append(thaw, time.Since(began))
			go func() { _ = cmd.Wait() }()
			began = time.Now()
			if _, err := h.KillTree(name, key); err != nil {
				b.Fatal(err)
			}
			kill = append(kill, time.Since(began))
		}
		for what, took := range map[string][]time.Duration{"freeze": freeze, "thaw": thaw, "kill": kill} {
			slices.Sort(took)
			b.Logf("%-6s of %3d processes: p50 %v, longest %v", what, n, took[len(took)/2], took[len(took)-1])
		}
	}
}
