package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

var engines = map[string]func(*testing.B) string{
	"sqlite":   func(b *testing.B) string { return filepath.Join(b.TempDir(), "bench.db") },
	"postgres": func(b *testing.B) string { return storetest.Postgres(b) },
}

func open(b *testing.B, url string) *store.DB {
	b.Helper()
	db, err := store.Open(b.Context(), url, "bench", store.Options{Key: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

func note(s incident.State, n int64, at time.Time) incident.Change {
	id := incident.CommandID(fmt.Sprint("c", n))
	return incident.Change{
		Before: s,
		Asked:  incident.Asked{ID: id, Root: id, By: incident.Person{ID: "alice"}, Via: incident.ViaSlack, At: at},
		Events: []incident.Recorded{{Stream: s.Stream, Seq: s.Seq + 1, At: at, Occurred: at, By: "alice", Via: incident.ViaSlack, Root: id,
			Event: incident.Noted{Text: incident.Seal("something was seen in the logs of web-3")}}},
		Effects: []incident.Owed{{ID: incident.EffectID(fmt.Sprint(s.Stream, "/", s.Seq+1, "/1")), Seq: s.Seq + 1, Lane: string(s.Stream) + "/room",
			Rank: incident.RankSay, Due: at, Effect: incident.Say{To: incident.PlaceRoom}}},
	}
}

// BenchmarkCommit: 16 rooms at once, each with one command after the other: load,
// one event with a text, one effect.
func BenchmarkCommit(b *testing.B) {
	for name, url := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b, url(b))
			var room, n atomic.Int64
			at := time.Now()
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				id := incident.NumberID(room.Add(1))
				for pb.Next() {
					s, err := db.Load(context.Background(), id)
					if err == nil {
						_, err = db.Commit(context.Background(), note(s, n.Add(1), at))
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			measured(b, "commands of 16 rooms at once, "+name, "commits/s")
		})
	}
}

// BenchmarkClaim: 8 workers claim and settle one effect at a time from 64 lanes.
func BenchmarkClaim(b *testing.B) {
	for name, url := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b, url(b))
			at := time.Now()
			for l := range int64(64) {
				s := incident.State{Stream: incident.NumberID(l + 1)}
				c := note(s, l, at)
				for i := range b.N/64 + 1 {
					o := c.Effects[0]
					o.ID += incident.EffectID(fmt.Sprint(i))
					c.Effects = append(c.Effects, o)
				}
				if _, err := db.Commit(context.Background(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					tasks, err := db.Claim(context.Background(), "w", at, incident.RankRefresh, 1, time.Minute)
					for _, t := range tasks {
						err = db.Settle(context.Background(), t, incident.Outcome{Done: true})
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			measured(b, "claims, each settled, by 8 workers from 64 lanes, "+name, "claims/s")
		})
	}
}

// measured reports how many there were in a second, and keeps it for the table at the
// end of `make bench`. The last run of a bench is its longest, so it counts.
func measured(b *testing.B, what, unit string) {
	b.Helper()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, unit)
	dir := os.Getenv("TOCSIN_BENCH_DIR")
	if dir == "" || b.N < 1000 {
		return
	}
	name := filepath.Join(dir, "results.txt")
	before, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(before)) {
		if !strings.HasPrefix(line, what+" | ") {
			kept = append(kept, line)
		}
	}
	kept = append(kept, fmt.Sprintf("%s | none | %.0f %s\n", what, rate, unit))
	if err := os.WriteFile(name, []byte(strings.Join(kept, "")), 0o644); err != nil {
		b.Fatal(err)
	}
}
