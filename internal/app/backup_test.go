package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/store"
)

// A copy taken while four people write is of one moment: every incident in it has a
// whole chain, and its texts open with the key that was kept apart. A Tocsin that
// starts from it finds the world as it is and does nothing twice.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, "tocsin.db")
	d, err := StartDemo(t.Context(), DemoOptions{Database: database, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	alice, _ := d.App().PlanPerson("alice")
	var ids []incident.ID
	for i := range 4 {
		answer, err := d.App().Engine().Handle(t.Context(), "", incident.Asked{ID: incident.CommandID(fmt.Sprintf("declare/%d", i)), By: alice,
			Via: incident.ViaCLI, What: incident.Declare{Title: "stolen laptop", Severity: incident.P3}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, answer.Stream)
	}
	writing, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			for n := 0; writing.Err() == nil; n++ {
				_, err := d.App().Engine().Handle(t.Context(), id, incident.Asked{ID: incident.CommandID(fmt.Sprintf("%s/%d", id, n)), By: alice,
					Via: incident.ViaCLI, What: incident.AddNote{Text: fmt.Sprintf("note %d", n)}})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var copies []store.Copied
	for i := range 3 {
		time.Sleep(50 * time.Millisecond) // let some be written
		c, err := store.Backup(t.Context(), database, filepath.Join(dir, fmt.Sprintf("copy%d", i)))
		if err != nil {
			t.Error(err)
		}
		copies = append(copies, c)
	}
	stop()
	wg.Wait()
	if copies[0].Events >= copies[1].Events || copies[1].Events >= copies[2].Events {
		t.Errorf("nothing was written meanwhile: %+v", copies)
	}
	if _, err := store.Backup(t.Context(), database, filepath.Join(dir, "copy0")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a copy was written over: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "copy0")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := store.Restore(t.Context(), filepath.Join(dir, "copy1"), database); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a database was written over: %v", err)
	}
	eventually(t, "the rooms are open", func() bool { return !d.busyWith(t.Context(), "open_room") })
	rooms := len(d.World.Slack.View("U0ALICE01", everyRoom).Channels)

	// The disk is lost; only a copy and the key are left.
	if err := d.Halt(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(database + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if _, err := store.Restore(t.Context(), filepath.Join(dir, "copy1"), database); err != nil {
		t.Fatal(err)
	}
	if err := d.Begin(); err != nil {
		t.Fatal(err)
	}
	// The copy may have been made while a room was being opened: nobody does that again
	// before the lease is over.
	d.Clock.Advance(engine.Lease + time.Second)
	list, err := d.App().db.List(t.Context(), store.Filter{})
	if err != nil || len(list) != len(ids) {
		t.Fatalf("%d incidents, %v", len(list), err)
	}
	for _, s := range list {
		if s.Title.Text != "stolen laptop" {
			t.Errorf("%s is called %q", s.Stream, s.Title.Text)
		}
		if v, err := d.App().db.Verify(t.Context(), s.Stream); err != nil || v.Lines < 2 || v.Erased > 0 {
			t.Errorf("%s: %+v %v", s.Stream, v, err)
		}
	}
	eventually(t, "the rooms are known", func() bool { return !d.busyWith(t.Context(), "open_room") })
	if n := len(d.World.Slack.View("U0ALICE01", everyRoom).Channels); n != rooms {
		t.Errorf("%d rooms, there were %d", n, rooms)
	}
}

// What is no copy of Tocsin's, or not whole, becomes no database.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database, text := filepath.Join(dir, "tocsin.db"), filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is not a database, it only says so, for long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), text, database); err == nil {
		t.Error("a text was restored")
	}
	if _, err := store.Restore(t.Context(), filepath.Join(dir, "nothing"), database); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := store.Backup(t.Context(), filepath.Join(dir, "nothing"), filepath.Join(dir, "copy")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := store.Backup(t.Context(), "postgres://u:p@h/d", filepath.Join(dir, "copy")); !errors.Is(err, store.ErrNotAFile) {
		t.Error(err)
	}
	if err := os.WriteFile(database+"-wal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), text, database); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a log was left beside: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*part*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
}

var everyRoom = slack.ViewOptions{}
