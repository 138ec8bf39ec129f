package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

const day = 24 * time.Hour

func (b *bench) prune(t testing.TB, now time.Time) store.Pruned {
	t.Helper()
	p, err := b.db.Prune(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *bench) answered(t testing.TB, id incident.CommandID) bool {
	t.Helper()
	_, ok, err := b.db.Asked(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func overIsPruned(t *testing.T, b *bench) {
	for _, cmd := range []incident.CommandID{"first", "lost", "second", "last"} {
		if _, err := b.db.Reserve(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	c := owes(change(b.load(t, "INC-0001"), incident.Declared{ID: "INC-0001", Title: incident.Seal("x")}), "room", incident.RankSay, t0, incident.OpenRoom{})
	b.commit(t, c)
	if err := b.db.Settle(t.Context(), b.claim(t, t0, 1)[0], done); err != nil {
		t.Fatal(err)
	}
	b.declared(t, "INC-0003", "INC-0002 was never used")
	if p := b.prune(t, t0.Add(6*day)); p != (store.Pruned{}) || !b.answered(t, c.Asked.ID) {
		t.Fatalf("after six days %+v were dropped", p)
	}
	late := change(b.load(t, "INC-0004"), incident.Declared{ID: "INC-0004", Title: incident.Seal("y")})
	late.Asked.At, late.Events[0].At = t0.Add(3*day), t0.Add(3*day)
	b.commit(t, late)
	if p, want := b.prune(t, t0.Add(8*day)), (store.Pruned{Answers: 2, Effects: 1, Numbers: 3}); p != want {
		t.Fatalf("after eight days %+v were dropped, want %+v", p, want)
	}
	if b.answered(t, c.Asked.ID) || !b.answered(t, late.Asked.ID) {
		t.Error("the answer of eight days ago is there, or the one of five days ago is not")
	}
	if id, err := b.db.Reserve(t.Context(), "last"); id != "INC-0004" || err != nil {
		t.Errorf("the number of five days ago is now %s, %v", id, err)
	}
	if id, err := b.db.Reserve(t.Context(), "new"); id != "INC-0005" || err != nil {
		t.Errorf("the next number is %s, %v: one was given twice", id, err)
	}
	for _, id := range []incident.ID{"INC-0001", "INC-0003", "INC-0004"} {
		if v, err := b.db.Verify(t.Context(), id); err != nil || v.Lines == 0 {
			t.Errorf("the record of %s: %+v, %v", id, v, err)
		}
	}
}

// An effect that is owed through a long outage has told another incident already; if
// its answer were gone it would tell again.
func owedIsKept(t *testing.T, b *bench) {
	c := change(b.load(t, "INC-0001"), incident.Noted{})
	for _, lane := range []string{"open", "open", "dead", "done"} { // the second is queued
		c = owes(c, lane, incident.RankSay, t0, incident.OpenRoom{})
	}
	b.commit(t, c)
	for _, task := range b.claim(t, t0, 10) {
		o := map[string]incident.Outcome{
			"INC-0001/open": {Retry: t0.Add(time.Hour), Error: "503"}, "INC-0001/dead": {Done: true, Dead: true, Error: "gone"}, "INC-0001/done": done,
		}[task.Lane]
		if err := b.db.Settle(t.Context(), task, o); err != nil {
			t.Fatal(err)
		}
	}
	var told []incident.CommandID
	for n := 1; n <= 4; n++ {
		tell := change(b.load(t, "INC-0002"), incident.LinkedTo{To: "INC-0001"})
		tell.Asked.ID = incident.CommandID(fmt.Sprintf("INC-0001/1/%d#tell", n))
		b.commit(t, tell)
		told = append(told, tell.Asked.ID)
	}
	if p, want := b.prune(t, t0.Add(400*day)), (store.Pruned{Answers: 3, Effects: 1}); p != want {
		t.Errorf("%+v were dropped, want %+v", p, want)
	}
	for i, kept := range []bool{true, true, false, false} {
		if b.answered(t, told[i]) != kept {
			t.Errorf("the answer to %s is there: %v", told[i], !kept)
		}
	}
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1`, b.workspace); n != 3 {
		t.Errorf("%d effects are left, want the open, the queued and the dead one", n)
	}
	if dead, err := b.db.Dead(t.Context(), 10); err != nil || len(dead) != 1 {
		t.Errorf("dead letters: %+v, %v", dead, err)
	}
}

func manyPruned(t *testing.T, b *bench) {
	other := newBench(t, b.url)
	const n = 2300
	for _, b := range []*bench{b, other} {
		c := change(b.load(t, "INC-0001"), incident.Noted{})
		for i := range n {
			c = owes(c, fmt.Sprint("l", i), incident.RankSay, t0, incident.OpenRoom{})
		}
		b.commit(t, c)
		b.exec(t, `UPDATE effects SET state = 'done', settled = $2 WHERE workspace = $1 AND id <> 'INC-0001/1/1500'`, b.workspace, t0.UnixMilli())
		b.exec(t, `INSERT INTO asked (workspace, command, answer, at) SELECT workspace, id || '#answer', '{}', settled FROM effects WHERE workspace = $1`, b.workspace)
		b.exec(t, `INSERT INTO reservations (workspace, command, n) SELECT workspace, id, ord FROM effects WHERE workspace = $1`, b.workspace)
		last := change(b.load(t, incident.NumberID(n)), incident.Noted{})
		b.commit(t, last)
	}
	// Numbers before the last that was used, as far as one page of them reaches.
	if p, want := b.prune(t, t0.Add(8*day)), (store.Pruned{Answers: n + 1, Effects: n - 1, Numbers: 300 + 1}); p != want {
		t.Errorf("%+v were dropped, want %+v", p, want)
	}
	for table, left := range map[string]int64{"effects": n, "asked": n + 2, "reservations": n} {
		if n := b.number(t, `SELECT count(*) FROM `+table+` WHERE workspace = $1`, other.workspace); n != left {
			t.Errorf("%d rows of %s are left in the other workspace, want %d", n, table, left)
		}
	}
}

func eachOfMany(t *testing.T, b *bench) {
	const n = 450
	for i := 1; i <= n; i++ {
		id := incident.NumberID(int64(i))
		s := b.commit(t, change(b.load(t, id), incident.Declared{ID: id, Title: incident.Seal(fmt.Sprint("t", i)), Severity: incident.P3}))
		if i%9 == 0 {
			b.commit(t, change(s, incident.WasResolved{}))
		}
	}
	for want, statuses := range map[int][]incident.Status{n: nil, n / 9: {incident.Resolved}, n - n/9: {incident.Open}, 0: {incident.Merged}} {
		seen := map[incident.ID]bool{}
		err := b.db.Each(t.Context(), statuses, func(s incident.State) error {
			if seen[s.Stream] || s.Title.Text == "" {
				t.Errorf("%s twice, or without its title", s.Stream)
			}
			seen[s.Stream] = true
			return nil
		})
		if err != nil || len(seen) != want {
			t.Errorf("%v: %d of %d incidents, %v", statuses, len(seen), want, err)
		}
	}
}
