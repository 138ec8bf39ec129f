package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

func TestSQLite(t *testing.T) {
	// A file each: one process per file is how SQLite is used.
	storetest.Run(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "tocsin.db") })
}

func TestPostgres(t *testing.T) {
	url := storetest.Postgres(t)
	storetest.Run(t, func(*testing.T) string { return url })
}

func TestPostgresPlannedOtherwise(t *testing.T) {
	storetest.Claims(t, storetest.Postgres(t)+"&enable_hashjoin=off&enable_hashagg=off&enable_sort=off&enable_material=off&enable_mergejoin=off")
}

func TestErasedFromTheFileItself(t *testing.T) {
	t.Parallel()
	storetest.ErasedFromFile(t, filepath.Join(t.TempDir(), "tocsin.db"))
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := store.Options{Key: bytes.Repeat([]byte{1}, 32)}
	for url, ok := range map[string]bool{
		filepath.Join(dir, "a ?b%20#.db"): true, "sqlite:" + filepath.Join(dir, "sub", "c.db"): true, ":memory:": true,
		"": false, "mysql://root:hunter2@db/x": false, "postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=1": false, "postgres://u:hunter2@[": false,
	} {
		db, err := store.Open(t.Context(), url, "w", key)
		if (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a password is in the error: %v", err)
			}
			continue
		}
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a ?b%20#.db")); err != nil {
		t.Errorf("the file is not where it was asked for: %v", err)
	}
}

// What a commit's caller does with their context does not tear the commit of another
// in the same transaction.
func TestACancelledCallerHurtsNobody(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), ":memory:", "w", store.Options{Key: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var wg sync.WaitGroup
	for room := range 8 {
		wg.Go(func() {
			s := incident.State{Stream: incident.NumberID(int64(room))}
			for n := range int64(20) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%4)*time.Millisecond)
				if room%2 == 0 {
					ctx = context.Background()
				}
				next, err := db.Commit(ctx, note(s, int64(room)*1000+n, time.Now()))
				cancel()
				switch {
				case err == nil:
					s = next
				case room%2 == 0 || !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("room %d: %v", room, err)
				}
			}
			v, err := db.Load(context.Background(), s.Stream)
			if err != nil || v.Version != s.Version {
				t.Errorf("room %d: told of version %d, there is %d, %v", room, s.Version, v.Version, err)
			}
		})
	}
	wg.Wait()
}
