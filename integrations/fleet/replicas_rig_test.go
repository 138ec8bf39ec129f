package fleet_test

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/integrations/fleet/fleettest"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

// lines are the connections of a server, which can be cut as they are when it is killed.
type lines struct {
	net.Listener
	dead atomic.Bool

	mu   sync.Mutex // guards open
	open []net.Conn
}

func (l *lines) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.open = append(l.open, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// killed closes the door and every line: nobody says goodbye.
func (s *server) killed() {
	s.lines.dead.Store(true)
	_ = s.lines.Close()
	s.lines.cut()
}

// door is where the other replica comes to one; it can be shut while hosts come and go.
type door struct {
	at, behind string

	mu   sync.Mutex // guards what follows
	shut bool
	deaf atomic.Bool // nothing comes through, in either direction, and nobody is told
	open []net.Conn
}

func newDoor(t testing.TB) *door {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{at: l.Addr().String(), behind: free.Addr().String()}
	_ = free.Close()
	t.Cleanup(func() { _ = l.Close(); d.set(true) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.pass(c)
		}
	}()
	return d
}

func (d *door) pass(c net.Conn) {
	to, err := net.Dial("tcp", d.behind)
	d.mu.Lock()
	if err != nil || d.shut {
		d.mu.Unlock()
		_ = c.Close()
		if err == nil {
			_ = to.Close()
		}
		return
	}
	d.open = append(d.open, c, to)
	d.mu.Unlock()
	go d.carry(to, c)
	d.carry(c, to)
}

func (d *door) carry(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if d.deaf.Load() {
			n, err = 0, nil
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (d *door) set(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
	if shut {
		for _, c := range d.open {
			_ = c.Close()
		}
		d.open = nil
	}
}

// replicas are two servers with one book and one shelf, which reach each other. a is the one that asks the rooms.
func replicas(t testing.TB, change ...func(*fleet.Config)) (a, b *server) {
	t.Helper()
	all := several(t, 2, change...)
	return all[0], all[1]
}

// several are that many, in the order of their ids: the first asks the rooms.
func several(t testing.TB, n int, change ...func(*fleet.Config)) []*server {
	t.Helper()
	book, shelf := fleettest.NewBook(), fleettest.Shelf(t.TempDir())
	all := make([]*server, n)
	for i := range all {
		s := &server{door: newDoor(t)}
		all[i] = serveAs(t, s, append([]func(*fleet.Config){func(c *fleet.Config) {
			c.Book, c.Shelf, c.Peer = book, shelf, s.door.at
		}}, change...)...)
	}
	slices.SortFunc(all, func(a, b *server) int { return strings.Compare(a.ID(), b.ID()) })
	eventually(t, "they reach each other", func() bool {
		return !slices.ContainsFunc(all, func(s *server) bool { return s.Reaches() != n-1 })
	})
	return all
}

// moves has a host go to another server, as behind a balancer.
func (h *host) moves(t testing.TB, to *server) {
	t.Helper()
	h.stop()
	h.goes(t, to)
}

func (h *host) goes(t testing.TB, to *server) {
	t.Helper()
	id, err := link.Load(filepath.Join(h.dir, "link"))
	if err != nil {
		t.Fatal(err)
	}
	id.Server = to.at
	h.conf.Identity = id
	if h.link, err = link.New(h.conf); err != nil {
		t.Fatal(err)
	}
	h.run(t)
}
