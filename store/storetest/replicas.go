package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/store"
)

// Replicas are found as long as they say that they are there, and nobody without the key
// has one call at another address.
func replicasFound(t *testing.T, b *bench) {
	ctx, other := t.Context(), b.replica(t)
	seen := func(id, address string, at time.Time) {
		t.Helper()
		if err := b.db.ReplicaSeen(ctx, store.Replica{ID: id, Address: address, Seen: at}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(since time.Time) (all string) {
		t.Helper()
		got, err := other.Replicas(ctx, since)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			all += r.ID + "=" + r.Address + " "
		}
		return all
	}
	seen("a", "10.0.0.1:8443", t0)
	seen("b", "10.0.0.2:8443", t0.Add(time.Minute))
	if got := list(t0); got != "a=10.0.0.1:8443 b=10.0.0.2:8443 " {
		t.Error(got)
	}
	if got := list(t0.Add(time.Second)); got != "b=10.0.0.2:8443 " {
		t.Error(got)
	}
	seen("a", "10.0.0.3:8443", t0.Add(time.Minute))
	if got := list(t0.Add(time.Second)); got != "a=10.0.0.3:8443 b=10.0.0.2:8443 " {
		t.Error(got)
	}
	if err := errors.Join(other.ReplicaLeaves(ctx, "a"), other.ReplicaLeaves(ctx, "a")); err != nil {
		t.Error(err)
	}
	seen("c", "10.0.0.4:8443", t0.Add(48*time.Hour))
	if got := list(time.Time{}); got != "c=10.0.0.4:8443 " {
		t.Errorf("those that were away for long are there: %s", got)
	}
	theirs := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-other"}
	if got, err := theirs.replica(t).Replicas(ctx, time.Time{}); len(got) != 0 || err != nil {
		t.Errorf("another workspace finds ours: %+v, %v", got, err)
	}
	seen("d", "10.0.0.5:8443", t0.Add(48*time.Hour))
	if _, err := b.raw.ExecContext(ctx, `UPDATE replicas SET kept = (SELECT kept FROM replicas WHERE workspace = $1 AND id = 'd') WHERE workspace = $2 AND id = 'c'`, b.workspace, b.workspace); err != nil {
		t.Fatal(err)
	}
	if got, err := other.Replicas(ctx, time.Time{}); len(got) != 1 || err == nil {
		t.Errorf("one at an address that was put there: %+v, %v", got, err)
	}
}

// Several replicas change the same at once: nothing that one did is lost, and no time is
// given twice.
func cacheChanged(t *testing.T, b *bench) {
	ctx, dbs := t.Context(), []*store.DB{b.db, b.replica(t)}
	var mu sync.Mutex
	times := map[time.Time]bool{}
	var all sync.WaitGroup
	const each = 10
	for _, db := range dbs {
		for range each {
			all.Go(func() {
				at, err := db.CacheChange(ctx, "counts", "n", t0, func(was []byte) ([]byte, error) {
					n, _ := strconv.Atoi(string(was))
					return []byte(strconv.Itoa(n + 1)), nil
				})
				mu.Lock()
				defer mu.Unlock()
				if err != nil || times[at] {
					t.Error(at, err)
				}
				times[at] = true
			})
		}
	}
	all.Wait()
	failed := errors.New("no")
	if _, err := b.db.CacheChange(ctx, "counts", "n", t0, func([]byte) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	got, at, ok, err := dbs[1].CacheGet(ctx, "counts", "n")
	if string(got) != fmt.Sprint(len(dbs)*each) || !ok || err != nil || at.Before(t0) {
		t.Errorf("%q at %v, %v, %v", got, at, ok, err)
	}
}
