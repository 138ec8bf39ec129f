package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// Another process holds SQLite's write lock: whoever types is told within Slack's three
// seconds that nothing was done, reading goes on, a webhook that could not be taken
// comes again, and all is well once the lock is gone.
func TestDatabaseHeldByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tocsin.db")
	o := newOutage(t, app.DemoOptions{HTTPMode: true, Database: path}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	if why := o.ready(); why != "" {
		t.Fatalf("not ready to begin with: %s", why)
	}
	release := hold(t, path)
	defer release()
	const line = "/incident update the paste is gone"
	o.refused(line)
	o.refused("/incident declare p1 another one") // a room is to be numbered, too
	o.bobAnswers()
	if got := o.types(o.room, "/incident status"); !contains(got, "card numbers on a paste site") {
		t.Errorf("status: %q", got)
	}
	o.notReady("held by another process")
	release()
	o.recovered(line, "the paste is gone")
	if rooms := o.rooms(); rooms != 1 {
		t.Errorf("%d rooms", rooms)
	}
}

// The same on PostgreSQL: somebody has locked the tables.
func TestDatabaseLockedOnPostgres(t *testing.T) {
	t.Parallel()
	address := storetest.Postgres(t)
	o := newOutage(t, app.DemoOptions{HTTPMode: true, Database: address}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	release := lockTables(t, address)
	defer release()
	const line = "/incident update the paste is gone"
	o.refused(line)
	o.refused("/incident declare p1 another one")
	o.bobAnswers()
	if got := o.types(o.room, "/incident status"); !contains(got, "card numbers on a paste site") {
		t.Errorf("status: %q", got)
	}
	o.notReady("held by another process")
	release()
	o.recovered(line, "the paste is gone")
}

// PostgreSQL is gone and comes back, connections and all.
func TestPostgresGone(t *testing.T) {
	t.Parallel()
	wire := newWire(t, storetest.Postgres(t))
	o := newOutage(t, app.DemoOptions{HTTPMode: true, Database: wire.address}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	wire.cut()
	const line = "/incident update the paste is gone"
	o.refused(line)
	o.refused("/incident status")
	o.bobAnswers()
	o.notReady("does not take what is written")
	wire.mend()
	o.leasesEnd()
	o.recovered(line, "the paste is gone")
}

// The disk is full: a small file system of its own, filled to the brim. That takes
// root; a limit on the size of files would hit the log of the test, too, and is
// another error than a full disk.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		storetest.Missing(t, "no file system to fill: run as root, where mounting is allowed ("+err.Error()+")")
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	o := newOutage(t, app.DemoOptions{HTTPMode: true, Database: filepath.Join(dir, "tocsin.db")}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	brim := filepath.Join(dir, "brim")
	fill(t, brim)
	const line = "/incident update the paste is gone"
	// The log beside the database has room in it for a little more.
	o.until("the update is refused", func() bool {
		return !contains(o.types(o.room, "/incident note one more"), "Noted") && contains(o.whispered(), "nothing was changed")
	})
	o.refused(line)
	o.bobAnswers()
	o.notReady("does not take what is written")
	if got := o.types(o.room, "/incident status"); !contains(got, "card numbers on a paste site") {
		t.Errorf("status: %q", got)
	}
	if err := os.Remove(brim); err != nil {
		t.Fatal(err)
	}
	o.leasesEnd()
	o.recovered(line, "the paste is gone")
}

// fill writes until there is no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			size /= 2
		}
	}
}

// Redis is gone: nobody sees anything of it but in the figures.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	o := newOutage(t, app.DemoOptions{HTTPMode: true, Redis: redis.URL}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	redis.Stop()
	o.bobAnswers()
	o.until("bob's answer is in the room", func() bool { return o.said("acknowledged") == 1 })
	o.types(o.room, "/incident update the paste is gone")
	o.until("the update is in the room", func() bool { return o.said("the paste is gone") == 1 })
	if why := o.ready(); why != "" {
		t.Errorf("not ready: %s", why)
	}
	redis.Start(t)
	o.types(o.room, "/incident note it was cached elsewhere")
	o.until("the note is in the room", func() bool { return o.said("cached elsewhere") == 1 })
}
