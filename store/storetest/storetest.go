// Package storetest is what every engine of package store must pass, and the servers
// to try it on. Run takes the address of a database; what it claims of order, single
// claims and erasure it proves by reading that database, not by asking the code that
// wrote it.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// Run runs the suite against the databases whose addresses url gives: one for each
// test, or the same for all. Every test works in a workspace of its own, all at once,
// so that tests that share a database would notice each other.
func Run(t *testing.T, url func(t *testing.T) string) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *bench)
	}{
		{"a record is kept, numbered and chained", recordKept},
		{"a commit from the past is stale", staleCommit},
		{"a command asked twice is answered from the record", askedTwice},
		{"a refusal is remembered and moves nothing", refusalKept},
		{"what is over is kept for a week", overIsPruned},
		{"what is open or dead is kept for good", owedIsKept},
		{"any number is pruned, and nobody else's", manyPruned},
		{"a key belongs to one stream", claimsHeld},
		{"a command has one number", numbersReserved},
		{"a bug writes nothing", bugWritesNothing},
		{"loading equals folding from the first line", loadEqualsFold},
		{"a snapshot of another program is passed over, a projection rebuilt", strangeSnapshot},
		{"texts are nowhere in the database", textsSealed},
		{"an erased text is gone and the record is whole", textErased},
		{"a changed line is found", tampering},
		{"the wrong master key is refused", wrongKey},
		{"a lane has one head and keeps its order", laneOrder},
		{"ranks and times decide who is first", rankOrder},
		{"no more is claimed than was asked for", noMoreThanAsked},
		{"one effect, one worker, crashes included", singleClaim},
		{"a lost lease settles nothing", fencedSettle},
		{"an answer and its effect are settled together", settledTogether},
		{"a postponed effect keeps what it was owed with", postponed},
		{"what waits stands for what comes", refreshMerged},
		{"dead letters are found", deadLetters},
		{"a hundred thousand clocks slow nobody", manyClocks},
		{"eight at one incident", eightAtOne},
		{"eight at many incidents", eightAtMany},
		{"lists, roots, timelines", lists},
		{"more incidents than a page holds", eachOfMany},
		{"a register of holds is never listed", holdsUnlisted},
		{"what is in memory is given out while it is the present", rememberedWhilePresent},
		{"what is in memory is shared and unchanged", sharedUnchanged},
		{"the master key is changed", keyChanged},
		{"an outline has no texts until they are wanted", outlines},
		{"cache and plans", cacheAndPlans},
		{"tokens are kept, used and revoked", tokensKept},
		{"requests are taken up when their holder lets them lie", requestsTakenUp},
		{"requests are taken up once", requestsRace},
		{"replicas find each other", replicasFound},
		{"what is kept is changed by one at a time", cacheChanged},
		{"a token stays where it was written", tokensBound},
		{"a host enrols once for a token", sensorsEnrol},
		{"one of many enrols with a token", sensorsRace},
		{"orders to a host are numbered", sensorsNumbered},
		{"an agent stays where it was written", sensorsBound},
		{"two workspaces do not meet", workspacesApart},
		{"what was said is written down once", capturedOnce},
		{"comings and goings are written down once", capturedComings},
		{"what is seen is told once", capturedSightings},
		{"fill and live delivery in any order", capturedAnyOrder},
		{"a captured text is erased, its chain is whole", capturedErased},
		{"a changed captured line is found", capturedTampering},
		{"two replicas capture the same room", capturedTogether},
		{"an edit keeps the text before", capturedBefore},
		{"a thousand messages", capturedMany},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			c.f(t, newBench(t, url(t)))
		})
	}
}

// Claims runs the tests of the queue alone: for an engine whose planner was told to
// plan otherwise, since what a claim takes must not depend on its plan.
func Claims(t *testing.T, url string) {
	for i, f := range []func(*testing.T, *bench){laneOrder, rankOrder, noMoreThanAsked, singleClaim, fencedSettle} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { f(t, newBench(t, url)) })
	}
}

// ErasedFromFile proves on a SQLite file that nobody else uses that what was erased
// is not in its bytes either.
func ErasedFromFile(t *testing.T, path string) {
	b := newBench(t, path)
	b.alone = true
	textErased(t, b)
}

// masterKey is the tests' key.
var masterKey = bytes.Repeat([]byte{7}, 32)

// t0 is when everything begins.
var t0 = time.Date(2026, 3, 29, 0, 59, 0, 123_000_000, time.UTC)

// bench is a store with a view of the tables below it.
type bench struct {
	url, workspace string
	db             *store.DB
	raw            *sql.DB
	alone          bool // nobody else uses this database
}

func newBench(t testing.TB, url string) *bench {
	t.Helper()
	b := &bench{url: url, workspace: "w" + strings.ToLower(rand.Text())}
	b.db = b.replica(t)
	driver := "sqlite"
	if strings.HasPrefix(url, "postgres") {
		driver = "pgx"
	} else {
		url = "file:" + url + "?_pragma=busy_timeout(10000)"
	}
	raw, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	raw.SetMaxOpenConns(2)
	b.raw = raw
	return b
}

// replica opens the same workspace again, as a second process would.
func (b *bench) replica(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), b.url, b.workspace, store.Options{Key: masterKey, Now: func() time.Time { return t0 }, Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// number asks the tables one number.
func (b *bench) number(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := b.raw.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (b *bench) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := b.raw.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (b *bench) load(t testing.TB, id incident.ID) incident.State {
	t.Helper()
	s, err := b.db.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// change is a Change by alice of events on top of s.
func change(s incident.State, events ...incident.Event) incident.Change {
	at := t0.Add(time.Duration(s.Version) * time.Second)
	c := incident.Change{Before: s, Asked: incident.Asked{
		ID: incident.CommandID("c-" + rand.Text()), By: incident.Person{ID: "alice"}, Via: incident.ViaSlack, At: at,
	}}
	c.Asked.Root = c.Asked.ID
	for i, e := range events {
		c.Events = append(c.Events, incident.Recorded{
			Stream: s.Stream, Seq: s.Seq + int64(i) + 1, At: at, Occurred: at.Add(-time.Minute),
			By: "alice", Via: incident.ViaSlack, Root: c.Asked.Root, Event: e,
		})
	}
	return c
}

// owes adds an effect that follows from the last event.
func owes(c incident.Change, lane string, rank incident.Rank, due time.Time, e incident.Effect) incident.Change {
	seq := c.Before.Seq + int64(len(c.Events))
	c.Effects = append(c.Effects, incident.Owed{
		ID:  incident.EffectID(fmt.Sprintf("%s/%d/%d", c.Before.Stream, seq, len(c.Effects)+1)),
		Seq: seq, Lane: string(c.Before.Stream) + "/" + lane, Rank: rank, Due: due, Effect: e,
	})
	return c
}

func (b *bench) commit(t testing.TB, c incident.Change) incident.State {
	t.Helper()
	s, err := b.db.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// declared is a fresh incident with a title.
func (b *bench) declared(t testing.TB, id incident.ID, title string) incident.State {
	t.Helper()
	return b.commit(t, change(b.load(t, id),
		incident.Met{Person: incident.Person{ID: "alice", Slack: "U1", Name: incident.Seal("Alice Liddell")}},
		incident.Declared{ID: id, Title: incident.Seal(title), Codename: "amber otter", Severity: incident.P2, Type: "intrusion", Plan: "d1"},
	))
}

func (b *bench) claim(t testing.TB, now time.Time, n int) []incident.Task {
	t.Helper()
	tasks, err := b.db.Claim(t.Context(), "w1", now, incident.RankRefresh, n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

var _ engine.Store = (*store.DB)(nil)
