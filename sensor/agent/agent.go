// Package agent is the sensor on a host, from the kernel to whoever wants its events.
//
//	kernel rings ─▶ decode ─▶ process table, container, name ─▶ Judge ─▶ lane ─▶ Sink
//
// Everything up to the judge happens in one goroutine, in order, every few milliseconds;
// each lane then has a queue and a goroutine of its own, so that a slow sink for files
// and connections never holds up the start of a program.
//
// No event disappears: for each kind Health tells what the kernel saw, filtered and lost,
// and what became of all that was read. Open attaches the programs; Run watches until
// its context ends.
package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/runtimes"
)

// A Lane is which of two queues an event travels in.
type Lane = bpf.Lane

// The lanes: what must not be lost, and the rest.
const (
	Priority = bpf.Priority
	Bulk     = bpf.Bulk
)

// A Sink takes what was seen, to a terminal, a spool or the server. Each lane has a
// goroutine of its own; for one lane Take is called with one batch after the other. The
// batch is good until Take returns. An error counts all of it as refused: a sink that
// can try again does so before it returns.
type Sink interface {
	Take(ctx context.Context, lane Lane, batch []event.Event) error
}

// A Judge looks at each event before it is sent, in the order in which things happened
// on each CPU. It is called by one goroutine and must not wait for anything: the rings
// fill meanwhile. It may change the event.
type Judge interface {
	Judge(e *event.Event) Verdict
}

// Verdict is what a judge says. The zero value lets the event pass in its own lane.
type Verdict struct {
	Drop   bool   // nobody wants it; counted as dropped
	Urgent bool   // it travels in the priority lane, whatever its kind
	Rule   string // what it matched, when it did
}

// Options says what is watched and where it goes. Sink is required.
type Options struct {
	Host    string // as enrolled; empty is the host's own name
	Profile bpf.Profile
	Watch   bpf.Watch // files; the zero value is bpf.DefaultWatch
	Judge   Judge     // nil lets everything pass
	Sink    Sink
	Log     *slog.Logger  // nil is silent
	Every   time.Duration // how often the rings are looked at; 0 is 5 ms
	Queue   int           // batches that may wait for the sink in each lane; 0 is 64
	See     bool          // watch this process too
	Root    string        // of the host's disk; empty is where this process sees it
}

// Agent is a running sensor. Its exported methods may be called from any goroutine.
type Agent struct {
	opts   Options
	eyes   *bpf.Eyes
	reader *bpf.Reader
	watch  bpf.Watch
	since  time.Time
	lanes  [2]chan []event.Event
	tally  tally

	table      *table // these three are the reading goroutine's
	containers *containers
	names      *names
	users      users
	batch      [2][]event.Event

	free    sync.Pool
	mu      sync.Mutex // guards profile
	profile bpf.Profile
}

const (
	most       = 512 // events in a batch
	drainLimit = 8192
	patience   = 100 * time.Millisecond // how long the priority lane waits for a slow sink
)

// Open attaches the programs and learns what runs already. The caller closes the agent,
// after Run has returned.
func Open(o Options) (*Agent, error) {
	if o.Sink == nil {
		return nil, fmt.Errorf("open the agent: no sink")
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.Every == 0 {
		o.Every = 5 * time.Millisecond
	}
	if o.Queue == 0 {
		o.Queue = 64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if !bpf.HostPIDs() {
		o.Log.Warn("this sensor has a pid namespace of its own: processes that were there before it stay unknown, and it watches itself; in Kubernetes set hostPID")
	}
	if o.Root == "" {
		o.Root = runtimes.Root()
	}
	root, v1 := cgroupTree()
	a := &Agent{opts: o, since: time.Now(), watch: o.Watch, profile: o.Profile, table: newTable(), containers: newContainers(root, o.Root),
		names: newNames(), lanes: [2]chan []event.Event{make(chan []event.Event, o.Queue), make(chan []event.Event, o.Queue)}}
	if a.watch.IsZero() {
		a.watch = bpf.DefaultWatch()
	}
	a.free.New = func() any { s := make([]event.Event, 0, most); return &s }
	eyes, err := bpf.Open(bpf.Options{Profile: o.Profile, Watch: a.watch, V1: v1, See: o.See})
	if err != nil {
		return nil, err
	}
	a.eyes = eyes
	if a.reader, err = eyes.NewReader(); err != nil {
		_ = eyes.Close()
		return nil, err
	}
	// Attached first, looked around second: whoever starts in between is told twice
	// rather than not at all.
	for _, p := range running() {
		a.table.seed(p)
		if err := eyes.Remember(p.PID, p.UID, p.EUID, p.caps); err != nil {
			o.Log.Warn("remember a process", "pid", p.PID, "err", err)
		}
	}
	return a, nil
}

// Run watches until ctx ends, then detaches the programs, empties rings and queues, and
// returns nil: from then on the accounts do not move, and every event is in them. Any
// other return means that the rings cannot be read. The sink gets a context without an
// end, so that it can still take what was left.
func (a *Agent) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	for lane := range a.lanes {
		senders.Go(func() { a.send(context.WithoutCancel(ctx), Lane(lane)) })
	}
	defer senders.Wait()
	defer func() {
		for _, l := range a.lanes {
			close(l)
		}
	}()
	tick := time.NewTicker(a.opts.Every)
	defer tick.Stop()
	for {
		if err := a.drain(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return a.last()
		case <-tick.C:
		}
	}
}

// last empties the rings when nothing comes in any more.
func (a *Agent) last() error {
	if err := a.eyes.Detach(); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	time.Sleep(10 * time.Millisecond) // whoever is inside a program leaves it
	return a.drain()
}

// drain takes what there is out of the rings and hands it on.
func (a *Agent) drain() error {
	boot := bootTime()
	for {
		n := 0
		err := a.reader.Drain(drainLimit, func(lane Lane, b []byte) {
			n++
			a.one(lane, b, boot)
		})
		if err != nil {
			return fmt.Errorf("read the rings: %w", err)
		}
		a.flush(Priority)
		a.flush(Bulk)
		if n < drainLimit {
			now := time.Now()
			a.table.sweep(now)
			a.containers.called.again(now)
			return nil
		}
	}
}

// one takes an event through the whole pipeline, to the batch of its lane.
func (a *Agent) one(lane Lane, b []byte, boot time.Time) {
	e, err := bpf.Decode(b, boot)
	if err != nil {
		a.tally.malformed.Add(1)
		a.opts.Log.Debug("decode", "err", err)
		return
	}
	a.tally.read(&e)
	e.Host = a.opts.Host
	a.know(&e)
	if e.Kind == event.File && e.File.Inode == 0 && !a.watch.Covers(*e.File) {
		a.tally.kinds[e.Kind].unwatched.Add(1)
		return
	}
	if a.opts.Judge != nil {
		v := a.opts.Judge.Judge(&e)
		if v.Drop {
			a.tally.kinds[e.Kind].dropped.Add(1)
			return
		}
		if v.Rule != "" {
			e.Rule = v.Rule
		}
		if v.Urgent {
			lane = Priority
		}
	}
	if a.batch[lane] == nil {
		a.batch[lane] = (*a.free.Get().(*[]event.Event))[:0]
	}
	a.batch[lane] = append(a.batch[lane], e)
	if len(a.batch[lane]) >= most {
		a.flush(lane)
	}
}

// flush queues a batch. The bulk lane never waits; the priority lane waits a little, and
// meanwhile the ring in the kernel keeps what comes.
func (a *Agent) flush(lane Lane) {
	batch := a.batch[lane]
	if len(batch) == 0 {
		return
	}
	a.batch[lane] = nil
	select {
	case a.lanes[lane] <- batch:
		return
	default:
	}
	if lane == Priority {
		wait := time.NewTimer(patience)
		defer wait.Stop()
		select {
		case a.lanes[lane] <- batch:
			return
		case <-wait.C:
		}
	}
	for i := range batch {
		a.tally.kinds[batch[i].Kind].overflowed.Add(1)
	}
	a.recycle(batch)
}

func (a *Agent) send(ctx context.Context, lane Lane) {
	for batch := range a.lanes[lane] {
		err := a.opts.Sink.Take(ctx, lane, batch)
		if err != nil {
			a.opts.Log.Warn("hand on events", "lane", lane, "events", len(batch), "err", err)
		}
		for i := range batch {
			k := &a.tally.kinds[batch[i].Kind]
			if err != nil {
				k.refused.Add(1)
			} else {
				k.delivered.Add(1)
			}
		}
		a.recycle(batch)
	}
}

func (a *Agent) recycle(batch []event.Event) {
	clear(batch)
	batch = batch[:0]
	a.free.Put(&batch)
}

// SetProfile changes what the kernel side lets through, without a gap.
func (a *Agent) SetProfile(p bpf.Profile) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.eyes.SetProfile(p); err != nil {
		return err
	}
	a.profile = p
	return nil
}

// Hooks says what is attached.
func (a *Agent) Hooks() []bpf.Hook { return a.eyes.Hooks }

// Eyes are the loaded programs, for measuring.
func (a *Agent) Eyes() *bpf.Eyes { return a.eyes }

// Close detaches the programs.
func (a *Agent) Close() error {
	err := a.reader.Close()
	if e := a.eyes.Close(); err == nil {
		err = e
	}
	_ = a.containers.called.disk.Close()
	return err
}
