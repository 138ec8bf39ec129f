package agent

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// table knows the processes of the host: those that were there when the agent came, and
// every program that was started since. A process that ended is remembered for a while,
// because what it did may still be in a ring; meanwhile its pid may be somebody else's.
type table struct {
	byKey  map[event.Key]*known
	latest map[uint32]*known // by pid
	ended  []ending          // oldest first
	looked time.Time         // when it was last looked for processes whose end was not told
	n      atomic.Int64
}

// known is a process in the table. approximate means that Start has the resolution of
// /proc, a hundredth of a second; the first event of the process brings the exact one.
type known struct {
	event.Process
	parent      event.Key
	container   *event.Container
	approximate bool
	caps        uint64
	known       time.Time // since
}

type ending struct {
	key event.Key
	at  time.Time
}

const (
	remembered = 30 * time.Second
	mostEnded  = 8192
	mostKnown  = 65536
	keptArgs   = 1024 // bytes of arguments that are kept with a process
	clockTick  = uint64(10 * time.Millisecond)
)

func newTable() *table {
	return &table{byKey: map[event.Key]*known{}, latest: map[uint32]*known{}}
}

func (t *table) size() int { return int(t.n.Load()) }

// seed takes a process that was there before the agent, unless an event told of it.
func (t *table) seed(p known) {
	if t.latest[p.PID] == nil {
		t.put(&p)
	}
}

func (t *table) put(p *known) {
	if len(t.byKey) >= mostKnown {
		for _, p := range t.byKey { // any: the table is far larger than a host's processes
			t.forget(p)
			break
		}
	}
	p.known = time.Now()
	before := t.latest[p.PID]
	t.byKey[p.Key] = p
	if before == nil || before.Start <= p.Start {
		t.latest[p.PID] = p
		if before != nil && before.Key != p.Key { // its end was not told
			t.ended = append(t.ended, ending{before.Key, time.Now()})
		}
	}
	t.n.Store(int64(len(t.byKey)))
}

func (t *table) forget(p *known) {
	delete(t.byKey, p.Key)
	if t.latest[p.PID] == p {
		delete(t.latest, p.PID)
	}
}

// find is the process with that key. A pid that is used again is somebody else.
func (t *table) find(k event.Key) *known {
	if p := t.byKey[k]; p != nil {
		return p
	}
	p := t.latest[k.PID]
	if p == nil || !p.approximate || p.Start/clockTick != k.Start/clockTick {
		return nil
	}
	delete(t.byKey, p.Key)
	p.Start, p.approximate = k.Start, false
	t.byKey[k] = p
	return p
}

// executed notes that a process became another program.
func (t *table) executed(e *event.Event) *known {
	p := &known{Process: e.Process, parent: e.Parent.Key}
	if e.Process.ArgsLen > keptArgs {
		p.Args, p.Cut = shorten(p.Args, keptArgs), true
	}
	t.put(p)
	return p
}

// shorten copies the first n bytes of arguments, so that the rest can be freed.
func shorten(args []string, n int) []string {
	var kept []string
	for _, a := range args {
		if n <= 0 {
			break
		}
		if len(a) > n {
			a = a[:n]
		}
		n -= len(a) + 1
		kept = append(kept, string([]byte(a)))
	}
	return kept
}

// forked is a process that is the same program as its parent: it never called exec.
func (t *table) forked(e *event.Event) *known {
	parent := t.find(e.Parent.Key)
	if parent == nil {
		return nil
	}
	p := &known{Process: parent.Process, parent: parent.Key, container: parent.container}
	p.Key = e.Process.Key
	t.put(p)
	return p
}

func (t *table) exited(k event.Key, at time.Time) {
	if t.byKey[k] != nil {
		t.ended = append(t.ended, ending{k, at})
	}
}

// sweep forgets processes that ended a while ago.
func (t *table) sweep(now time.Time) {
	n := 0
	for n < len(t.ended) && (len(t.ended)-n > mostEnded || now.Sub(t.ended[n].at) > remembered) {
		if p := t.byKey[t.ended[n].key]; p != nil {
			t.forget(p)
		}
		n++
	}
	t.ended = append(t.ended[:0], t.ended[n:]...)
	if now.Sub(t.looked) > time.Second {
		t.looked = now
		t.look(now)
	}
	t.n.Store(int64(len(t.byKey)))
}

// look checks some processes, any: where the profile leaves out exits, or one was lost,
// nobody else tells that they are gone.
func (t *table) look(now time.Time) {
	n := 0
	for _, p := range t.byKey {
		if n++; n > 64 {
			return
		}
		if _, err := os.Stat("/proc/" + strconv.FormatUint(uint64(p.PID), 10)); errors.Is(err, fs.ErrNotExist) && now.Sub(p.known) > remembered {
			t.forget(p)
		}
	}
}
