package fleet_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/judge"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

// watchedFor is the set of n addresses, and of others.
func watchedFor(t testing.TB, n int, others ...string) []byte {
	t.Helper()
	var b intel.Builder
	add := func(address string) {
		if err := b.Add(intel.Indicator{Type: intel.IP, Value: address, Source: "people", Confidence: 90}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		add(netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)}).String())
	}
	for _, address := range others {
		add(address)
	}
	return b.Set().Encode(nil)
}

// listener is a host's judge, and what it was given.
type listener struct {
	*judge.Judge
	mu      sync.Mutex
	whole   [][]byte // bodies, as they came or as they came of a change
	changes [][]byte
	deaf    bool // it can make nothing of changes
}

func (l *listener) listens(c *link.Config) {
	l.Judge = judge.New(time.Now)
	c.Install = map[string]func([]byte) error{"intel": func(b []byte) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.whole = append(l.whole, b)
		return l.Intel(b)
	}}
	c.Change = map[string]func([]byte) ([]byte, error){"intel": func(b []byte) ([]byte, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.deaf {
			return nil, errors.New("it cannot be read")
		}
		l.changes = append(l.changes, b)
		return l.ChangeIntel(b)
	}}
}

// took is what it has, whole, and how many bytes of changes it took for that.
func (l *listener) took() (last []byte, sets, changes, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.changes {
		size += len(c)
	}
	if len(l.whole) > 0 {
		last = l.whole[len(l.whole)-1]
	}
	return last, len(l.whole), len(l.changes), size
}

func knowsChanges(c *fleet.Config) {
	c.Changes = map[string]func(from, to []byte) ([]byte, error){"intel": intel.Change}
}

// A host that has a set is told what changed; one that has another, or can make nothing of it, is given all.
func TestAHostIsToldWhatChanged(t *testing.T) {
	s := serve(t, knowsChanges)
	var l listener
	h := join(t, s, "web-3", setup{change: l.listens})
	give := func(version uint64, body []byte, sets, changes int) {
		t.Helper()
		if err := s.Publish("intel", version, body); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprint("it has ", version), func() bool {
			is, _ := s.Host("web-3")
			return len(is.Behind) == 0 && is.Sets[0].Version == version
		})
		if last, n, c, size := l.took(); !bytes.Equal(last, body) || n != sets || c != changes || size > 400*changes {
			t.Errorf("version %d: %d sets, %d changes of %d bytes, the right one: %t", version, n, c, size, bytes.Equal(last, body))
		}
	}
	give(1, watchedFor(t, 40_000), 1, 0) // in parts
	give(2, watchedFor(t, 40_000, "203.0.113.7"), 2, 1)
	give(3, watchedFor(t, 40_000, "203.0.113.8"), 3, 2)
	give(4, watchedFor(t, 40_000, "203.0.113.8"), 4, 3) // the same, with another number
	h.stop()
	for v, address := range []string{"203.0.113.9", "203.0.113.10"} {
		if err := s.Publish("intel", uint64(v+5), watchedFor(t, 40_000, address)); err != nil {
			t.Fatal(err)
		}
	}
	h.open(t, setup{change: l.listens}) // it reads what it has from its disk, and is told what changed since
	h.run(t)
	eventually(t, "it has the newest", func() bool { is, _ := s.Host("web-3"); return is.Connected && len(is.Behind) == 0 })
	give(7, watchedFor(t, 40_000, "203.0.113.11"), 7, 5)

	l.mu.Lock()
	l.deaf = true
	l.mu.Unlock()
	give(8, watchedFor(t, 40_000, "203.0.113.12"), 8, 5)
	l.mu.Lock()
	l.deaf = false
	l.mu.Unlock()
	give(9, watchedFor(t, 40_000, "203.0.113.13"), 9, 6)
	if is, _ := s.Host("web-3"); len(is.Trouble) > 0 || is.Sets[0].Trouble != "" {
		t.Errorf("%+v", is)
	}
}

// Replicas find out for themselves what changed, and a server that began again does not know: what a host has is
// right in each case.
func TestWhatChangedIsKnownAnew(t *testing.T) {
	s := serve(t, knowsChanges)
	var l listener
	h := join(t, s, "web-3", setup{change: l.listens})
	first, second := watchedFor(t, 1000), watchedFor(t, 1001)
	if err := s.Publish("intel", 1, first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has the first", func() bool { last, _, _, _ := l.took(); return bytes.Equal(last, first) })
	s.stop()
	eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	back := &server{book: s.book, clock: &clock{}}
	c := fleet.Config{Workspace: "acme", Book: s.book, Directives: orderKey, Authority: authorityKey, Names: []string{"127.0.0.1"}}
	knowsChanges(&c)
	var err error
	if back.Fleet, err = fleet.New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	back.listen(t, s.at)
	h.connected(t, back)
	if err := back.Publish("intel", 2, second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has the second", func() bool { last, _, _, _ := l.took(); return bytes.Equal(last, second) })
	if _, sets, changes, _ := l.took(); sets != 2 || changes != 0 {
		t.Errorf("%d sets, %d changes", sets, changes)
	}
}
