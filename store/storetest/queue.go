package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

var done = incident.Outcome{Done: true}

func laneOrder(t *testing.T, b *bench) {
	c := change(b.load(t, "INC-0001"), incident.Noted{})
	for range 5 {
		c = owes(c, "room", incident.RankSay, t0, incident.Say{To: incident.PlaceRoom})
	}
	s := b.commit(t, c)
	// A later change, due earlier and of a higher rank, still comes after them.
	b.commit(t, owes(change(s, incident.Noted{}), "room", incident.RankPage, t0.Add(-time.Hour), incident.DressRoom{}))
	var got []incident.EffectID
	for range 6 {
		tasks := b.claim(t, t0, 10)
		if len(tasks) != 1 {
			t.Fatalf("%d claimed of one lane", len(tasks))
		}
		if more := b.claim(t, t0, 10); len(more) != 0 {
			t.Fatalf("claimed beside the head: %v", more[0].ID)
		}
		got = append(got, tasks[0].ID)
		if err := b.db.Settle(t.Context(), tasks[0], done); err != nil {
			t.Fatal(err)
		}
	}
	want := "[INC-0001/1/1 INC-0001/1/2 INC-0001/1/3 INC-0001/1/4 INC-0001/1/5 INC-0001/2/1]"
	if fmt.Sprint(got) != want {
		t.Errorf("order %v, want %s", got, want)
	}
	if open, err := b.db.OpenEffects(t.Context(), "INC-0001"); len(open) != 0 || err != nil {
		t.Errorf("left over: %v, %v", open, err)
	}
}

func rankOrder(t *testing.T, b *bench) {
	c := change(b.load(t, "INC-0001"), incident.Noted{})
	for i, o := range []struct {
		rank incident.Rank
		due  time.Duration
	}{{incident.RankSay, -4}, {incident.RankPage, -1}, {incident.RankAct, -1}, {incident.RankPage, -2}, {incident.RankPage, 5}, {incident.RankRefresh, -9}} {
		c = owes(c, fmt.Sprintf("l%d", i), o.rank, t0.Add(o.due*time.Second), incident.OpenRoom{})
	}
	b.commit(t, c)
	if next, err := b.db.NextDue(t.Context()); err != nil || !next.Equal(t0.Add(-9*time.Second)) {
		t.Errorf("next due %v, %v", next, err)
	}
	pages, err := b.db.Claim(t.Context(), "pager", t0, incident.RankPage, 1, time.Minute)
	if err != nil || len(pages) != 1 || pages[0].ID != "INC-0001/1/4" {
		t.Fatalf("first page: %+v, %v", pages, err)
	}
	var got []incident.EffectID
	for _, task := range b.claim(t, t0, 10) {
		got = append(got, task.ID)
	}
	if want := "[INC-0001/1/2 INC-0001/1/3 INC-0001/1/1 INC-0001/1/6]"; fmt.Sprint(got) != want {
		t.Errorf("order %v, want %s", got, want)
	}
	if next, err := b.db.NextDue(t.Context()); err != nil || !next.Equal(t0.Add(5*time.Second)) {
		t.Errorf("next due after all were claimed: %v, %v", next, err)
	}
}

// noMoreThanAsked: a planner that looks again for every row it updates would find the
// next one each time. Both orders of insertion, for it may walk the table in either.
func noMoreThanAsked(t *testing.T, b *bench) {
	up, down := change(b.load(t, "INC-0001"), incident.Noted{}), change(b.load(t, "INC-0002"), incident.Noted{})
	for i := range 20 {
		lane := fmt.Sprint("l", i)
		up = owes(up, lane, incident.RankSay, t0.Add(time.Duration(i-60)*time.Second), incident.OpenRoom{})
		down = owes(down, lane, incident.RankAct, t0.Add(time.Duration(-i)*time.Second), incident.OpenRoom{})
	}
	b.commit(t, up)
	b.commit(t, down)
	for left := 40; left > 0; left -= 2 {
		if n := len(b.claim(t, t0, 2)); n != 2 {
			t.Fatalf("%d claimed, want 2 of %d", n, left)
		}
		if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND owner = ''`, b.workspace); n != int64(left-2) {
			t.Fatalf("%d are left, want %d", n, left-2)
		}
	}
}

func fencedSettle(t *testing.T, b *bench) {
	b.commit(t, owes(owes(change(b.load(t, "INC-0001"), incident.Noted{}), "room", incident.RankSay, t0, incident.OpenRoom{}),
		"room", incident.RankSay, t0, incident.DressRoom{}))
	lost := b.claim(t, t0, 1)[0]
	if got := b.claim(t, t0.Add(59*time.Second), 1); len(got) != 0 {
		t.Fatal("claimed again within the lease")
	}
	mine := b.claim(t, t0.Add(time.Minute), 1)[0]
	if mine.ID != lost.ID || mine.Attempt != 2 || lost.Attempt != 1 {
		t.Fatalf("after the lease: %+v", mine)
	}
	for _, o := range []incident.Outcome{done, {Retry: t0}, {Done: true, Dead: true}} {
		if err := b.db.Settle(t.Context(), lost, o); !errors.Is(err, engine.ErrLost) {
			t.Errorf("settling a lost lease: %v", err)
		}
	}
	c := change(b.load(t, "INC-0001"), incident.RoomOpened{Channel: "C1"})
	c.Settles = &incident.Settles{Task: lost, Outcome: done}
	if _, err := b.db.Commit(t.Context(), c); !errors.Is(err, engine.ErrLost) {
		t.Errorf("answering from a lost lease: %v", err)
	}
	if s := b.load(t, "INC-0001"); s.Room.Channel != "" || s.Version != 1 {
		t.Errorf("the answer from the lost lease was believed: %+v", s.Room)
	}
	if err := b.db.Settle(t.Context(), mine, done); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Settle(t.Context(), mine, done); !errors.Is(err, engine.ErrLost) {
		t.Errorf("settled twice: %v", err)
	}
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND state = 'open'`, b.workspace); n != 1 {
		t.Errorf("%d open", n)
	}
}

func settledTogether(t *testing.T, b *bench) {
	s := b.commit(t, owes(owes(change(b.load(t, "INC-0001"), incident.Noted{}), "room", incident.RankSay, t0, incident.OpenRoom{}),
		"room", incident.RankSay, t0, incident.DressRoom{}))
	task := b.claim(t, t0, 1)[0]
	c := change(s, incident.RoomOpened{Channel: "C1", Name: "inc"})
	c.Claims, c.Settles = []string{"slack:C1"}, &incident.Settles{Task: task, Outcome: done}
	stale := c
	stale.Before.Version--
	if _, err := b.db.Commit(t.Context(), stale); !errors.Is(err, engine.ErrStale) {
		t.Fatal(err)
	}
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND state = 'done'`, b.workspace); n != 0 {
		t.Fatal("the stale answer settled its effect")
	}
	b.commit(t, c)
	if next := b.claim(t, t0, 5); len(next) != 1 || next[0].Effect != (incident.DressRoom{}) {
		t.Fatalf("next of the lane: %+v", next)
	}
	// An answer that another stream takes settles the effect of this one.
	tell := b.commit(t, owes(change(b.load(t, "INC-0001"), incident.Noted{}), "tell", incident.RankAct, t0, incident.Tell{Stream: "INC-0002", Command: incident.TakeRelated{}}))
	task = b.claim(t, t0, 5)[0]
	if _, ok := task.Effect.(incident.Tell); !ok || task.Incident != tell.Stream {
		t.Fatalf("claimed %+v", task)
	}
	c = change(b.declared(t, "INC-0002", "y"), incident.LinkedTo{To: "INC-0001"})
	c.Settles = &incident.Settles{Task: task, Outcome: done}
	b.commit(t, c)
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND state = 'done'`, b.workspace); n != 2 {
		t.Fatalf("%d effects are done", n)
	}
}

func postponed(t *testing.T, b *bench) {
	c := owes(change(b.load(t, "INC-0001"), incident.Noted{}), "page", incident.RankPage, t0, incident.Page{Page: "p"})
	c.Effects[0].NotAfter = t0.Add(time.Hour)
	b.commit(t, c)
	same := func(task incident.Task, attempt int) {
		t.Helper()
		if task.Attempt != attempt || !task.Due.Equal(t0) || !task.NotAfter.Equal(t0.Add(time.Hour)) || task.Seq != 1 || task.Rank != incident.RankPage || task.Incident != "INC-0001" || task.Lane != "INC-0001/page" {
			t.Fatalf("claimed %+v", task)
		}
	}
	settle := func(task incident.Task, o incident.Outcome) {
		t.Helper()
		if err := b.db.Settle(t.Context(), task, o); err != nil {
			t.Fatal(err)
		}
	}
	task := b.claim(t, t0, 1)[0]
	same(task, 1)
	settle(task, incident.Outcome{Retry: t0.Add(10 * time.Second), Error: "503"})
	if got := b.claim(t, t0.Add(9*time.Second), 1); len(got) != 0 {
		t.Fatal("claimed before the retry was due")
	}
	task = b.claim(t, t0.Add(10*time.Second), 1)[0]
	same(task, 2)
	// A wait that the vendor named does not count.
	settle(task, incident.Outcome{Retry: t0.Add(20 * time.Second), Free: true, Error: "429"})
	again := b.claim(t, t0.Add(20*time.Second), 1)[0]
	same(again, 2)
	if err := b.db.Settle(t.Context(), task, done); !errors.Is(err, engine.ErrLost) {
		t.Fatalf("the former claim of the same attempt settled this one: %v", err)
	}
	settle(again, done)
}

func refreshMerged(t *testing.T, b *bench) {
	refresh := func(s incident.State, due time.Time) incident.State {
		c := owes(change(s, incident.Noted{}), "room", incident.RankRefresh, due, incident.Refresh{View: incident.ViewSummary})
		c.Effects[0].Merge = "summary"
		return b.commit(t, c)
	}
	count := func() int64 {
		return b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND state IN ('open', 'queued')`, b.workspace)
	}
	s := refresh(b.load(t, "INC-0001"), t0.Add(time.Minute))
	s = refresh(refresh(s, t0), t0.Add(time.Hour))
	if n := count(); n != 1 {
		t.Fatalf("%d wait, want one for all three", n)
	}
	if next, _ := b.db.NextDue(t.Context()); !next.Equal(t0) {
		t.Fatalf("the one that waits is due %v, want the earliest", next)
	}
	task := b.claim(t, t0, 5)[0]
	s = refresh(s, t0)
	if n := count(); n != 2 {
		t.Fatalf("%d, want one claimed and one waiting: the claimed one may have read already", n)
	}
	s = refresh(s, t0)
	if n := count(); n != 2 {
		t.Fatalf("%d: a queued one stands for the next", n)
	}
	if err := b.db.Settle(t.Context(), task, done); err != nil {
		t.Fatal(err)
	}
	// Another lane is another message.
	c := owes(change(s, incident.Noted{}), "announce", incident.RankRefresh, t0, incident.Refresh{View: incident.ViewAnnounce})
	c.Effects[0].Merge = "summary"
	b.commit(t, c)
	if n := count(); n != 2 {
		t.Fatalf("%d open at the end", n)
	}
}

func deadLetters(t *testing.T, b *bench) {
	s := b.commit(t, owes(owes(change(b.load(t, "INC-0001"), incident.Noted{}), "room", incident.RankSay, t0, incident.OpenRoom{}),
		"room", incident.RankSay, t0, incident.DressRoom{}))
	dead := incident.Outcome{Done: true, Dead: true, Error: "channel_name_taken"}
	c := change(s, incident.EffectDied{Kind: "open_room", Why: "the name is taken"})
	c.Settles = &incident.Settles{Task: b.claim(t, t0, 1)[0], Outcome: dead}
	b.commit(t, c)
	got, err := b.db.Dead(t.Context(), 10)
	if err != nil || len(got) != 1 || got[0].Error != dead.Error || !got[0].At.Equal(c.Asked.At) || got[0].Task.Effect != (incident.OpenRoom{}) {
		t.Fatalf("dead letters: %+v, %v", got, err)
	}
	if next := b.claim(t, t0, 5); len(next) != 1 || next[0].Effect != (incident.DressRoom{}) {
		t.Fatalf("a dead head holds up its lane: %+v", next)
	}
}

func manyClocks(t *testing.T, b *bench) {
	const clocks = 100_000
	b.commit(t, owes(change(b.load(t, "INC-0001"), incident.Noted{}), "room", incident.RankRefresh, t0, incident.OpenRoom{}))
	b.exec(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO effects (workspace, id, incident, lane, ord, seq, rank, kind, body, due, due_at, not_after, merge_key, state)
		SELECT $1, 'clock/' || CAST(i AS TEXT), 'INC-0001', 'clock/' || CAST(i AS TEXT), i, 1, i % 2, 'wake', '{"clock":"rung","stage":"due"}', CAST($3 AS BIGINT) + i, CAST($3 AS BIGINT) + i, 0, '', 'open' FROM n`,
		b.workspace, clocks, t0.Add(time.Hour).UnixMilli())
	start := time.Now()
	const rounds = 20
	for range rounds {
		task := b.claim(t, t0, 10)
		if len(task) != 1 {
			t.Fatalf("claimed %d", len(task))
		}
		if err := b.db.Settle(t.Context(), task[0], incident.Outcome{Retry: t0, Free: true}); err != nil {
			t.Fatal(err)
		}
		if next, err := b.db.NextDue(t.Context()); err != nil || !next.Equal(t0) {
			t.Fatalf("next due %v, %v", next, err)
		}
	}
	// Far above what it takes here; a scan of the clocks takes longer still.
	if each := time.Since(start) / rounds; each > time.Second {
		t.Errorf("a claim, a settling and a look ahead take %s among %d clocks", each, clocks)
	}
}
