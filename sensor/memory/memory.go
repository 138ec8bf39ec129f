// Package memory is what a host can be asked about: the events of the last while, and what
// /proc says at this moment. It changes nothing.
//
// Remember takes what the agent sees; Ask answers a question of package wire, row by row, for
// as long as somebody wants them. An answer out of memory reaches back as far as the ring does,
// some minutes on a busy host; what runs and listens now is read when it is asked for.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Options are where to look. The zero value is this host.
type Options struct {
	Events  int    // that are remembered; 0 is 16,384
	Proc    string // "" is /proc
	Cgroups string // "" is /sys/fs/cgroup
	Root    string // where package databases are; "" is /
}

// Memory answers. Its methods may be called at the same time.
type Memory struct {
	o      Options
	hashes hashes

	mu     sync.Mutex // guards what follows
	ring   []event.Event
	next   int
	called map[string]string // containers with a name, by the path of their cgroup
}

// mostCalled bounds the containers of which the name is remembered.
const mostCalled = 4096

// New makes one that remembers nothing yet.
func New(o Options) *Memory {
	if o.Events <= 0 {
		o.Events = 1 << 14
	}
	for at, usual := range map[*string]string{&o.Proc: "/proc", &o.Cgroups: "/sys/fs/cgroup", &o.Root: "/"} {
		if *at == "" {
			*at = usual
		}
	}
	return &Memory{o: o, called: map[string]string{}}
}

// Remember keeps a batch; the oldest events are forgotten for it.
func (m *Memory) Remember(batch []event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch {
		m.name(&batch[i].Container)
		if len(m.ring) < m.o.Events {
			m.ring = append(m.ring, batch[i])
			continue
		}
		m.ring[m.next] = batch[i]
		m.next = (m.next + 1) % len(m.ring)
	}
}

// name remembers what a container is called: of a process that runs its cgroup alone is to be
// read, and which of those bear the name of a container rightly the agent has found out.
func (m *Memory) name(c *event.Container) {
	if c.Image == "" && c.Name == "" {
		return
	}
	if _, known := m.called[c.Path]; known {
		return
	}
	if len(m.called) >= mostCalled {
		clear(m.called)
	}
	m.called[c.Path] = c.String()
}

// recall is what is remembered and wanted, the oldest first, at most the newest n; more is how
// many there were besides.
func (m *Memory) recall(n int, wanted func(*event.Event) bool) (found []event.Event, more uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.ring {
		if e := &m.ring[(m.next+i)%len(m.ring)]; wanted(e) {
			found = append(found, *e)
		}
	}
	slices.SortStableFunc(found, func(a, b event.Event) int { return a.At.Compare(b.At) }) // lanes overtake each other
	if over := len(found) - n; over > 0 {
		found, more = found[over:], uint64(over)
	}
	return found, more
}

// Children are the processes that were seen to be started by one: also those whose parent
// ended before anybody looked, and which /proc shows as somebody else's.
func (m *Memory) Children(of event.Key) (all []event.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	family := map[event.Key]bool{of: true}
	for grew := true; grew; {
		grew = false
		for i := range m.ring {
			e := &m.ring[i]
			if e.Kind == event.Exec && family[e.Parent.Key] && !family[e.Process.Key] {
				family[e.Process.Key], grew = true, true
				all = append(all, e.Process.Key)
			}
		}
	}
	return all
}

// Row takes one row of an answer. An error of it ends the answer.
type Row func(any) error

// ErrUnknown is a question that this agent knows nothing of; a newer server may ask one.
var ErrUnknown = errors.New("this agent does not know that question; is it older than the server?")

// Ask answers. more is how many rows there were besides; an error says why an answer is not whole.
func (m *Memory) Ask(ctx context.Context, q *wire.Question, row Row) (more uint64, err error) {
	switch q.GetWhat() {
	case wire.AskTimeline:
		found, more := m.recall(most(q), Wanted(q))
		return more, rows(found, row)
	case wire.AskHunt:
		return m.hunt(ctx, q, row)
	case wire.AskTree:
		return limited(q, row, func(row Row) error { return m.tree(ctx, q.GetSubject(), row) })
	case wire.AskFind:
		return limited(q, row, func(row Row) error { return m.find(ctx, q.GetSubject(), row) })
	case wire.AskConns, wire.AskListeners:
		return limited(q, row, func(row Row) error { return m.sockets(ctx, q.GetWhat() == wire.AskListeners, row) })
	case wire.AskFile:
		return 0, m.file(ctx, q.GetSubject(), row)
	case wire.AskContainer:
		return limited(q, row, func(row Row) error { return m.containers(ctx, q.GetSubject(), row) })
	}
	return 0, ErrUnknown
}

// Wanted says which events a timeline or a tail is about. Unknown kinds are nobody's.
func Wanted(q *wire.Question) func(*event.Event) bool {
	from, to := time.UnixMilli(q.GetFromMs()), time.UnixMilli(q.GetToMs())
	var kinds uint64
	for _, name := range q.GetKinds() {
		if k, ok := event.KindNamed(name); ok {
			kinds |= 1 << k
		}
	}
	with := ""
	if q.GetWhat() == wire.AskTail || q.GetWhat() == wire.AskTimeline {
		with = q.GetSubject()
	}
	return func(e *event.Event) bool {
		switch {
		case q.GetFromMs() != 0 && e.At.Before(from), q.GetToMs() != 0 && e.At.After(to),
			len(q.GetKinds()) > 0 && kinds&(1<<e.Kind) == 0,
			q.GetContainer() != "" && !e.Container.Is(q.GetContainer()),
			with != "" && !e.Mentions(with):
			return false
		}
		return true
	}
}

func most(q *wire.Question) int {
	if n := int(q.GetMost()); n > 0 {
		return min(n, wire.MostRows)
	}
	return wire.MostRows
}

// limited passes on so many rows and counts the others.
func limited(q *wire.Question, row Row, ask func(Row) error) (more uint64, err error) {
	left := most(q)
	err = ask(func(r any) error {
		if left == 0 {
			more++
			return nil
		}
		left--
		return row(r)
	})
	return more, err
}

func rows[T any](all []T, row Row) error {
	for i := range all {
		if err := row(all[i]); err != nil {
			return err
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
