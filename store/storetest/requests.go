package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/store"
)

// A request is its holder's until a time, then whoever's takes it up first, and nobody's
// once its outcome was told.
func requestsTakenUp(t *testing.T, b *bench) {
	ctx, at := t.Context(), t0.Truncate(time.Millisecond)
	ask := store.Request{ID: "r1", Kind: "slash", Payload: []byte(`{"text":"sev p1"}`), At: at}
	for _, r := range []store.Request{ask, {ID: "r2", Kind: "click", At: at}, {ID: "r1", Kind: "other", At: at}} {
		if err := b.db.KeepRequest(ctx, r, at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.DropRequest(ctx, "r2"); err != nil {
		t.Fatal(err)
	}
	if err := b.db.DropRequest(ctx, "nobody's"); err != nil {
		t.Error(err)
	}
	take := func(db *store.DB, after time.Duration) []store.Request {
		t.Helper()
		got, err := db.TakeRequests(ctx, at.Add(after), at.Add(after+time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := take(b.db, time.Minute); len(got) != 0 {
		t.Errorf("taken from whoever is at it: %+v", got)
	}
	other := b.replica(t)
	ask.Tries = 1
	if d := cmp.Diff([]store.Request{ask}, take(other, 2*time.Minute)); d != "" {
		t.Error(d)
	}
	if got := take(b.db, 2*time.Minute); len(got) != 0 {
		t.Errorf("taken by two: %+v", got)
	}
	theirs := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-other"}
	if got := take(theirs.replica(t), time.Hour); len(got) != 0 {
		t.Errorf("another workspace has our requests: %+v", got)
	}
	if got := take(b.db, 4*time.Minute); len(got) != 1 || got[0].Tries != 2 {
		t.Errorf("the second time: %+v", got)
	}
	if _, err := b.raw.ExecContext(ctx, `UPDATE requests SET id = 'r9', until = 0 WHERE workspace = $1`, b.workspace); err != nil {
		t.Fatal(err)
	}
	if got, err := b.db.TakeRequests(ctx, at, at); len(got) != 0 || err == nil {
		t.Errorf("a row that was moved: %+v, %v", got, err)
	}
}

// However many replicas take up what lies, each request is taken up once.
func requestsRace(t *testing.T, b *bench) {
	ctx := t.Context()
	const n = 40
	for i := range n {
		if err := b.db.KeepRequest(ctx, store.Request{ID: fmt.Sprint("r", i), At: t0}, t0); err != nil {
			t.Fatal(err)
		}
	}
	other := b.replica(t)
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for i := range 6 {
		db := b.db
		if i%2 == 1 {
			db = other
		}
		all.Go(func() {
			got, err := db.TakeRequests(ctx, t0.Add(time.Second), t0.Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, r := range got {
				seen[r.ID]++
			}
		})
	}
	all.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was taken up %d times", id, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d were taken up", len(seen), n)
	}
}
