package sigma

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What an event costs that matches nothing, by the number of rules. -benchtime 20000x is
// enough for steady figures.
func BenchmarkSigmaAim(b *testing.B) {
	for _, c := range []struct {
		rules int
		aim   time.Duration
	}{{144, 3 * time.Microsecond}, {1_000, 5 * time.Microsecond}, {3_700, 20 * time.Microsecond}} {
		b.Run(fmt.Sprint(c.rules), func(b *testing.B) {
			measure(b, synthetic(c.rules, 7), fmt.Sprintf("Sigma, %d synthetic rules, per event", c.rules), c.aim)
		})
	}
	b.Run("pack", func(b *testing.B) {
		files, err := Read(os.DirFS("../rules"))
		if err != nil {
			b.Fatal(err)
		}
		measure(b, files, fmt.Sprintf("Sigma, the starter pack (%d files), per event", len(files)), 3*time.Microsecond)
	})
	b.Run("corpus", func(b *testing.B) {
		files := corpus(b)
		measure(b, files, fmt.Sprintf("Sigma, %d rules of files, per event", len(files)), 3*time.Microsecond)
	})
}

func measure(b *testing.B, files []File, what string, aim time.Duration) {
	set, problems := Compile(files, Options{})
	for _, p := range problems {
		if !p.Warning {
			b.Fatal(p)
		}
	}
	engine, events := NewEngine(set, Limits{}), workload()
	found := make([]Match, 0, 16)
	for i := range events {
		found = engine.Judge(&events[i], events[i].At, found[:0])
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := processor()
	for i := range b.N {
		e := &events[i%len(events)]
		found = engine.Judge(e, e.At, found[:0])
	}
	b.StopTimer()
	per := (processor() - before) / time.Duration(b.N)
	b.ReportMetric(float64(per.Nanoseconds()), "cpu-ns/op")
	b.Logf("%s: %s, aim under %s", what, per, aim)
	kept(b, what, fmt.Sprintf("under %s", aim), per.String())
}

// processor is the time this process has been computing: what an event costs, however many
// others want the machine.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// How long a Set takes to make, and what it keeps in memory.
func BenchmarkSigmaLoad(b *testing.B) {
	for _, n := range []int{144, 3_700} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := synthetic(n, 7)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var set *Set
			began := processor()
			for range b.N {
				set, _ = Compile(files, Options{})
			}
			b.StopTimer()
			per := (processor() - began) / time.Duration(b.N)
			b.ReportMetric(per.Seconds()*1e3, "cpu-ms/op")
			runtime.GC()
			runtime.ReadMemStats(&after)
			mb := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
			b.ReportMetric(mb, "MB-kept")
			kept(b, fmt.Sprintf("Sigma, %d rules compiled; memory kept", n), "none", fmt.Sprintf("%s; %.1f MB", per, mb))
			runtime.KeepAlive(set)
		})
	}
}

// kept writes a figure beside its aim for the table at the end of `make bench`.
func kept(b *testing.B, what, aim, measured string) {
	b.Helper()
	dir := os.Getenv("TOCSIN_BENCH_DIR")
	if dir == "" {
		return
	}
	name := filepath.Join(dir, "results.txt")
	before, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(before)) {
		if !strings.HasPrefix(line, what+" | ") {
			lines = append(lines, line)
		}
	}
	lines = append(lines, fmt.Sprintf("%s | %s | %s\n", what, aim, measured))
	if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o644); err != nil {
		b.Fatal(err)
	}
}
