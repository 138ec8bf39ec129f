package fleet_test

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

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
	go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
	_, _ = io.Copy(c, to)
	_ = c.Close()
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

// replicas are two servers with one book and one shelf, which reach each other.
func replicas(t testing.TB, change ...func(*fleet.Config)) (a, b *server) {
	t.Helper()
	book, shelf := fleettest.NewBook(), fleettest.Shelf(t.TempDir())
	one := func() *server {
		s := &server{door: newDoor(t)}
		return serveAs(t, s, append([]func(*fleet.Config){func(c *fleet.Config) {
			c.Book, c.Shelf, c.Peer = book, shelf, s.door.at
		}}, change...)...)
	}
	a, b = one(), one()
	if b.ID() < a.ID() { // a is the first by its id: the one that asks the rooms
		a, b = b, a
	}
	eventually(t, "they reach each other", func() bool { return a.Reaches() == 1 && b.Reaches() == 1 })
	return a, b
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
