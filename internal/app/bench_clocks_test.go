package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
	"github.com/tocsin-ir/tocsin/templates"
)

// Of the clocks that wait one of each incident rings, so many a second.
const (
	clockRooms     = 1000
	ringsPerSecond = 20
)

// BenchmarkAimClocks: 100,000 clocks of 1,000 incidents wait, and twenty a second fall
// due for fifty seconds; each is a breach on the record, told to its owners and the
// room. A clock is late by the time from when it was due to when its breach was on disk.
func BenchmarkAimClocks(b *testing.B) {
	for _, e := range []struct {
		name string
		url  func(*testing.B) string
	}{
		{"sqlite", func(b *testing.B) string { return filepath.Join(b.TempDir(), "clocks.db") }},
		{"postgres", func(b *testing.B) string { return storetest.Postgres(b) }},
	} {
		b.Run(e.name, func(b *testing.B) {
			waiting := max(clockRooms, sized(100_000))
			late := ring(b, e.url(b), waiting)
			p50, p99 := late[len(late)/2], late[len(late)*99/100]
			b.ReportMetric(p99.Seconds(), "s/p99")
			measured(b, fmt.Sprintf("lateness of clocks, %d waiting, %d a second falling due, %s", waiting, ringsPerSecond, e.name), "p99 under 1 s",
				fmt.Sprintf("p50 %s, p99 %s, worst %s; %d rang", ms(p50), ms(p99), ms(late[len(late)-1]), len(late)))
		})
	}
}

func ring(b *testing.B, url string, waiting int) []time.Duration {
	ctx := b.Context()
	db, err := store.Open(ctx, url, benchWorkspace, store.Options{Key: benchKey})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	agreed, err := plan.NewCurrent(ctx, templates.DemoPlan(), keeper{db})
	if err != nil {
		b.Fatal(err)
	}
	all := func(f func(n int) error) {
		var wg sync.WaitGroup
		slots := make(chan struct{}, 8)
		for n := range clockRooms {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := f(n); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		if b.Failed() {
			b.FailNow()
		}
	}
	began := time.Now()
	tomorrow := began.Add(24 * time.Hour)
	all(func(n int) error {
		return setClocks(ctx, db, agreed.Now(), int64(n+1), waiting/clockRooms-1, "waits", tomorrow)
	})
	first := time.Now().Add(5*time.Second + time.Since(began)/time.Duration(max(1, waiting/clockRooms/10)))
	all(func(n int) error {
		return setClocks(ctx, db, agreed.Now(), int64(n+1), 1, "rings", first.Add(time.Duration(n)*time.Second/ringsPerSecond))
	})
	if left := time.Until(first); left < 0 {
		b.Logf("the clocks took longer to set than thought: the first are %s late for that", -left)
	}
	e := engine.New(db, func() incident.Rules { return agreed.Now() }, clock.Real{}, slog.New(slog.DiscardHandler))
	rang := &bells{}
	e.Observer = rang
	performers := map[string]engine.Performer{"say": mute{}, "refresh": mute{}, "page": mute{}}
	run, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	b.ResetTimer()
	go func() {
		defer close(done)
		_ = (&engine.Runner{Engine: e, Performers: performers, Owner: "bench", Workers: 8, Urgent: 4}).Run(run)
	}()
	for rang.count() < clockRooms && time.Since(first) < 3*time.Minute {
		time.Sleep(50 * time.Millisecond)
	}
	b.StopTimer()
	cancel()
	<-done
	if rang.count() == 0 {
		b.Fatal("no clock rang")
	}
	slices.Sort(rang.late)
	return rang.late
}

// setClocks gives an incident clocks of tasks; it is declared when it is not there.
func setClocks(ctx context.Context, db *store.DB, rules incident.Rules, n int64, clocks int, kind string, due time.Time) error {
	id, at := incident.NumberID(n), time.Now()
	s, err := db.Load(ctx, id)
	if err != nil {
		return err
	}
	root := incident.CommandID(fmt.Sprint(kind, "-", n))
	c := incident.Change{Before: s, Asked: incident.Asked{ID: root, Root: root,
		By: incident.Person{ID: "alice", Slack: "U0ALICE01"}, Via: incident.ViaSlack, At: at, What: incident.Declare{Title: "clocks", Severity: incident.P4}}}
	if !s.Exists {
		if c, err = incident.Decide(s, c.Asked, rules); err != nil {
			return err
		}
		c.Effects = nil
	}
	seq := s.Seq + int64(len(c.Events))
	for k := range clocks {
		seq++
		name := incident.ClockName(fmt.Sprintf("task/%s%d", kind, k+1))
		c.Events = append(c.Events, incident.Recorded{Stream: id, Seq: seq, At: at, Occurred: at, By: "alice", Via: incident.ViaSlack, Root: root,
			Event: incident.ClockSet{Clock: name, Due: due}})
		c.Effects = append(c.Effects, incident.Owed{ID: incident.EffectID(fmt.Sprintf("%s/%d/1", id, seq)), Seq: seq, Lane: fmt.Sprintf("%s/clock/%s/%d", id, name, seq),
			Rank: incident.RankAct, Due: due, Effect: incident.Wake{Clock: name, Stage: incident.StageDue}})
	}
	_, err = db.Commit(ctx, c)
	return err
}

// bells hears clocks ring.
type bells struct {
	mu   sync.Mutex
	late []time.Duration
}

func (*bells) Handled(string, engine.HandleEnd, time.Duration) {}

func (r *bells) Settled(_ incident.Task, kind string, end engine.TaskEnd, late time.Duration) {
	if kind != "wake" || end != engine.Done {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = append(r.late, late)
}

func (r *bells) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.late)
}

// mute performs anything at once.
type mute struct{}

func (mute) Perform(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error) {
	return nil, nil
}
