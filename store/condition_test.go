package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// Looking tells what is there and makes nothing.
func TestLook(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tocsin.db")
	c, err := store.Look(t.Context(), path, "w")
	if err != nil || c.There {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("looking made a database")
	}
	lookedAt(t, path)
}

func TestLookAtPostgres(t *testing.T) {
	lookedAt(t, storetest.Postgres(t))
}

func lookedAt(t *testing.T, url string) {
	t.Helper()
	db, err := store.Open(t.Context(), url, "looked-at", store.Options{Key: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for range 2 { // the first leaves nothing behind that the second would stumble over
		c, err := store.Look(t.Context(), url, "looked-at")
		if err != nil || !c.Current() || !c.Writable || c.Empty {
			t.Errorf("%+v %v", c, err)
		}
	}
	list, err := db.Owing(t.Context(), time.Now())
	if err != nil || len(list) > 0 {
		t.Errorf("owed: %+v %v", list, err)
	}
}
