package fleet_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// BenchmarkReplicas asks a thousand hosts, and gives them indicators, through one replica that has them all and through one of
// three that has a third. Everything is in this process: what counts is how both compare. TOCSIN_BENCH_SENSORS is another
// number of hosts.
func BenchmarkReplicas(b *testing.B) {
	many := 1000
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_SENSORS")); err == nil {
		many = n
	}
	for _, n := range []int{1, 3} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				spread(b, n, many)
			}
		})
	}
}

func spread(b *testing.B, replicas, many int) {
	all := several(b, replicas, knowsChanges)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	dir := b.TempDir()
	for i := range many {
		s := all[i%replicas]
		h := benchHost(b, s.at, s.token(b, ""), dir, i)
		running.Go(func() { _ = h.link.Run(ctx) })
	}
	last := all[replicas-1]
	every := func(what string, is func(h fleet.Host) bool) time.Duration {
		began := time.Now()
		for time.Since(began) < 5*time.Minute {
			n := 0
			for _, h := range last.Hosts() {
				if is(h) {
					n++
				}
			}
			if n == many {
				return time.Since(began)
			}
			time.Sleep(20 * time.Millisecond)
		}
		b.Fatal("not every host ", what)
		return 0
	}
	every("is connected", func(h fleet.Host) bool { return h.Connected })
	time.Sleep(5 * time.Second)
	var first, whole []time.Duration
	for range 20 {
		began := time.Now()
		var row time.Duration
		sum, err := last.Ask(ctx, "all", &wire.Question{What: wire.AskHunt, Kind: wire.HuntIP, Subject: "198.51.100.7"}, func(p fleet.Part, _ fleet.Sum) {
			if row == 0 && len(p.Rows) > 0 {
				row = time.Since(began)
			}
		})
		if err != nil || sum.Answered != many {
			b.Errorf("%+v %v", sum, err)
		}
		first, whole = append(first, row), append(whole, time.Since(began))
	}
	b.Logf("%d replicas, hunt over %d hosts: first row p50 %v p95 %v, all answered p50 %v p95 %v", replicas, many, percentile(first, 50), percentile(first, 95), percentile(whole, 50), percentile(whole, 95))
	for v, body := range [][]byte{watchedFor(b, 20_000), watchedFor(b, 20_000, "203.0.113.7")} {
		if err := all[0].Publish("intel", uint64(v+1), body); err != nil {
			b.Fatal(err)
		}
		took := every("has it", func(h fleet.Host) bool { return len(h.Sets) == 1 && h.Sets[0].Version == uint64(v+1) })
		b.Logf("%d replicas: %s, in force at %d hosts after %v", replicas, []string{fmt.Sprintf("20,000 indicators (%d kB)", len(body)>>10), "one more"}[v], many, took.Round(time.Millisecond))
	}
}
