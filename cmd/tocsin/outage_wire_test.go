package main

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// rooms counts the rooms there are.
func (o *outage) rooms() (n int) {
	for _, c := range o.view("").Channels {
		if strings.HasPrefix(c.Name, "inc-") {
			n++
		}
	}
	return n
}

// lockTables keeps others from writing, not from reading.
func lockTables(t *testing.T, address string) (release func()) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE incidents, effects, events, asked, counters IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(); _ = db.Close() }
}

// wire stands between Tocsin and PostgreSQL's socket, and can be cut: to Tocsin the
// server is then gone with all its connections, and nobody else is disturbed.
type wire struct {
	address string // for Tocsin
	at, to  string // sockets

	// mu guards everything that follows.
	mu    sync.Mutex
	door  net.Listener
	lines []net.Conn
}

func newWire(t *testing.T, address string) *wire {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(q.Get("host"), "/") {
		t.Skip("the PostgreSQL of this run is not on a socket")
	}
	dir, err := os.MkdirTemp("/tmp", "tocsin-wire-") // the name of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{at: filepath.Join(dir, ".s.PGSQL.5432"), to: filepath.Join(q.Get("host"), ".s.PGSQL.5432")}
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	w.address = u.String()
	w.mend()
	t.Cleanup(func() { w.cut(); _ = os.RemoveAll(dir) })
	return w
}

func (w *wire) mend() {
	door, err := net.Listen("unix", w.at)
	if err != nil {
		panic(err) // a directory of our own
	}
	w.mu.Lock()
	w.door = door
	w.mu.Unlock()
	go func() {
		for {
			in, err := door.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("unix", w.to)
			if err != nil {
				_ = in.Close()
				continue
			}
			w.mu.Lock()
			w.lines = append(w.lines, in, out)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.door.Close()
	for _, c := range w.lines {
		_ = c.Close()
	}
	w.lines = nil
}
