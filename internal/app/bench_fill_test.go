package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// The benches of this package hold what docs/performance.md aims at against what is
// measured. Each says its sizes; TOCSIN_BENCH_DIVIDE makes them smaller (`make bench`
// says 1), and what was made at great cost is kept in TOCSIN_BENCH_CACHE.

// sized is a size of the aims, divided as the environment says.
func sized(n int) int {
	by, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_DIVIDE"))
	if err != nil || by < 1 {
		by = 100
	}
	return max(1, n/by)
}

// benchKey wraps the texts of databases that hold nothing.
var benchKey = bytes.Repeat([]byte{0x5a}, 32)

const benchWorkspace = "bench"

// measured prints an aim beside what was measured, and keeps the line for the table at
// the end of `make bench`. Nothing is ever asserted of speed.
func measured(b *testing.B, what, aim, found string) {
	b.Helper()
	line := fmt.Sprintf("%s | %s | %s", what, aim, found)
	b.Log(line)
	dir := os.Getenv("TOCSIN_BENCH_DIR")
	if dir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(dir, "results.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := fmt.Fprintln(f, line); err != nil {
		b.Fatal(err)
	}
}

// bigFile is a SQLite database of so many incidents of so many events each, the first
// half of them open. It is made through Commit as the server makes it, only that one
// command leads to a thousand events: notes, every tenth with a text.
func bigFile(b *testing.B, incidents, events int) string {
	b.Helper()
	dir := os.Getenv("TOCSIN_BENCH_CACHE")
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("%dx%d.db", incidents, events))
	if _, err := os.Stat(path + ".whole"); err == nil {
		return path
	}
	if err := errors.Join(os.RemoveAll(path), os.RemoveAll(path+"-wal"), os.RemoveAll(path+"-shm")); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	fillDatabase(b, path, incidents, events)
	b.Logf("%d events made in %s", incidents*events, time.Since(began).Round(time.Second))
	if err := os.WriteFile(path+".whole", nil, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func fillDatabase(b *testing.B, url string, incidents, events int) {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, url, benchWorkspace, store.Options{Key: benchKey})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	agreed, err := plan.NewCurrent(ctx, templates.DemoPlan(), keeper{db})
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(incidents); n = next.Add(1) {
				if err := oldIncident(ctx, db, agreed.Now(), n, events, n <= int64(incidents+1)/2); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	// So that its number is not given to the next declaration.
	for n := range incidents {
		if _, err := db.Reserve(ctx, incident.CommandID(fmt.Sprint("reserve-", n))); err != nil {
			b.Fatal(err)
		}
	}
}

// oldIncident is declared by the rules, with their clocks, and then lives long.
func oldIncident(ctx context.Context, db *store.DB, rules incident.Rules, n int64, events int, open bool) error {
	id := incident.NumberID(n)
	at := time.Now().Add(-time.Hour)
	alice := incident.Person{ID: "alice", Slack: "U0ALICE01", Name: incident.Seal("Alice Archer")}
	asked := incident.Asked{ID: incident.CommandID(fmt.Sprint("declare-", n)), Root: incident.CommandID(fmt.Sprint("declare-", n)), By: alice,
		Via: incident.ViaSlack, At: at, What: incident.Declare{Title: fmt.Sprint("the long one ", n), Severity: incident.P4}}
	change, err := incident.Decide(incident.State{Stream: id}, asked, rules)
	if err != nil {
		return err
	}
	kept := change.Effects[:0]
	for _, o := range change.Effects {
		if _, clock := o.Effect.(incident.Wake); clock {
			o.Due = at.Add(365 * 24 * time.Hour)
			kept = append(kept, o)
		}
	}
	change.Effects = kept
	s, err := db.Commit(ctx, change)
	for part := 0; err == nil && s.Seq < int64(events); part++ {
		asked.ID = incident.CommandID(fmt.Sprintf("live-%d-%d", n, part))
		asked.Root = asked.ID
		c := incident.Change{Before: s, Asked: asked}
		for seq := s.Seq + 1; seq <= int64(events) && len(c.Events) < 1000; seq++ {
			at = at.Add(300 * time.Millisecond)
			note := incident.Noted{}
			if seq%10 == 0 {
				note.Text = incident.Seal(fmt.Sprintf("line %d of what was seen in the logs of web-%d between midnight and one", seq, seq%97))
			}
			c.Events = append(c.Events, incident.Recorded{Stream: id, Seq: seq, At: at, Occurred: at, By: alice.ID, Via: incident.ViaSlack, Root: asked.Root, Event: note})
		}
		if !open && s.Seq+int64(len(c.Events)) >= int64(events) {
			c.Events[len(c.Events)-1].Event = incident.WasResolved{}
		}
		s, err = db.Commit(ctx, c)
	}
	return err
}
