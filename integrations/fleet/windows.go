package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// windows gather signals into groups, and ask the rooms for something when a group crosses a
// threshold. Streams of signals never enter an incident; a crossing does.
type windows struct {
	fleet *Fleet
	judge chan string   // groups to look at
	all   chan struct{} // every group is to be looked at
	asks  func() noise.Thresholds

	mu     sync.Mutex // guards what follows
	groups *noise.Grouper
	was    map[string]noise.Asked // by group
	missed uint64                 // groups that had to wait for their next signal, because the rooms are slow
}

func newWindows(f *Fleet, asks func() noise.Thresholds) (*windows, error) {
	groups, err := noise.NewGrouper(f.c.Windows)
	if err != nil {
		return nil, fmt.Errorf("open the windows for signals: %w", err)
	}
	if asks == nil {
		asks = func() noise.Thresholds { return noise.Thresholds{} }
	}
	if err := asks().Check(); err != nil {
		return nil, err
	}
	return &windows{fleet: f, groups: groups, asks: asks, was: map[string]noise.Asked{}, judge: make(chan string, 256), all: make(chan struct{}, 1)}, nil
}

// take reads the events of a batch. What speaks of another host than the one it came from is refused:
// a host is believed about itself.
// With ask, this replica asks the rooms about what it finds; else another one does.
func (w *windows) take(s *session, b *wire.Batch, ask bool) Received {
	host := s.agent.Host
	got := Received{Batches: 1, LostBefore: b.GetLostBefore()}
	for i, raw := range b.GetEvents() {
		var e event.Event
		switch {
		case i >= wire.MostEvents || len(raw) > wire.MostRow || json.Unmarshal(raw, &e) != nil:
			got.Unreadable++
		case e.Host != host:
			got.Refused++
		default:
			got.Events++
			seen := Seen{Host: host, Mirror: s.peer != nil}
			for n, rule := range e.Rules() {
				seen.Excepted = append(seen.Excepted, w.signal(&e, rule, n, ask))
			}
			seen.Event = e
			w.fleet.pass(seen)
			w.unusual(&e, seen.Mirror, ask)
		}
	}
	return got
}

// signal takes what the nth rule of an event found into its group; it says which exception keeps it quiet.
func (w *windows) signal(e *event.Event, name string, n int, ask bool) (excepted string) {
	rule, ok := w.fleet.c.Rule(name)
	if !ok { // a rule that this server does not know, for instance one that was just taken back
		rule = Rule{Level: noise.Low, Title: name}
	}
	s := noise.Signal{ID: SignalID(e, n), Rule: name, Level: rule.Level, Techniques: rule.Techniques,
		At: e.At, Host: e.Host, Image: e.Container.Image, Program: e.Process.Exe, User: e.Process.User, Entities: entities(e), Why: sentence(e, rule)}
	return w.gather(s, ask)
}

// gather takes a signal into its group, unless an exception keeps it quiet; it says which.
func (w *windows) gather(s noise.Signal, ask bool) (excepted string) {
	if w.fleet.c.Excepted != nil {
		if by := w.fleet.c.Excepted(s); by != "" {
			return by
		}
	}
	w.mu.Lock()
	change := w.groups.Add(s, w.fleet.c.Now())
	for _, gone := range change.Merged {
		if was, ok := w.was[gone]; ok {
			w.was[change.Group] = stronger(w.was[change.Group], was)
			delete(w.was, gone)
		}
	}
	w.mu.Unlock()
	if change.Again || change.Group == "" || !ask {
		return ""
	}
	select {
	case w.judge <- change.Group:
	default:
		w.mu.Lock()
		w.missed++
		w.mu.Unlock()
	}
	return ""
}

// SignalID names what the nth rule of an event found.
func SignalID(e *event.Event, n int) string {
	id := fmt.Sprintf("%s/%s/%d/%d/%d", e.Host, e.Kind, e.CPU, e.Seq, e.At.UnixNano())
	if n > 0 {
		id += fmt.Sprintf("/%d", n)
	}
	return id
}

func stronger(a, b noise.Asked) noise.Asked {
	out := noise.Asked{What: max(a.What, b.What), Incident: a.Incident, Level: max(a.Level, b.Level), Techniques: max(a.Techniques, b.Techniques)}
	if out.Incident == "" {
		out.Incident = b.Incident
	}
	return out
}

// entities are what an event is about, as incidents name what is affected.
func entities(e *event.Event) (all []string) {
	add := func(kind, name string) {
		if name != "" {
			all = append(all, kind+"/"+name)
		}
	}
	add("container", e.Container.ID)
	if e.Container.Pod != "" {
		add("pod", e.Container.Namespace+"/"+e.Container.Pod)
	}
	if e.Net != nil && public(e.Net.Remote.Addr()) {
		add("address", e.Net.Remote.Addr().String())
		add("domain", e.Net.Name)
	}
	if e.DNS != nil {
		add("domain", e.DNS.Name)
	}
	if e.Exec != nil {
		add("hash", e.Exec.SHA256)
	}
	return all
}

func public(a netip.Addr) bool {
	return a.IsValid() && a.IsGlobalUnicast() && !a.IsPrivate()
}

// sentence says what was seen.
func sentence(e *event.Event, r Rule) string {
	what := e.Process.Exe
	if what == "" {
		what = e.Process.Comm
	}
	text := fmt.Sprintf("%s on %s: %s %s", r.Title, e.Host, e.Kind, what)
	switch {
	case e.Net != nil && e.Net.Remote.IsValid():
		text += " " + e.Net.Remote.String()
	case e.DNS != nil:
		text += " " + e.DNS.Name
	case e.File != nil:
		text += " " + e.File.Path
	}
	return tame(text)
}

// run asks the rooms, one crossing after the other.
func (w *windows) run(ctx context.Context) {
	tidy := time.NewTicker(time.Minute)
	defer tidy.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tidy.C:
			w.tidy()
		case <-w.all:
			w.mu.Lock()
			open := w.groups.IDs()
			w.mu.Unlock()
			for _, id := range open {
				if err := w.look(ctx, id); err != nil && ctx.Err() == nil {
					w.fleet.c.Log.Error("ask for something about signals", "group", id, "err", err)
				}
			}
		case id := <-w.judge:
			if err := w.look(ctx, id); err != nil && ctx.Err() == nil {
				w.fleet.c.Log.Error("ask for something about signals", "group", id, "err", err)
			}
		}
	}
}

// again looks at every group, if this replica is the one to ask now that another is gone: what that
// one was to ask it may have taken with it. What it did ask is asked twice, which the rooms know.
func (w *windows) again() {
	if all := w.fleet.sharing(); len(all) > 0 && compare(all[0].id, w.fleet.id) < 0 {
		return
	}
	select {
	case w.all <- struct{}{}:
	default:
	}
}

// tidy forgets groups that are over.
func (w *windows) tidy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.groups.Closed(w.fleet.c.Now()) {
		delete(w.was, g.ID)
	}
}

// look judges a group and asks for what it crossed. When asking fails it is as if it had not been: the
// group's next signal asks again.
func (w *windows) look(ctx context.Context, id string) error {
	f := w.fleet
	if f.c.Rooms == nil {
		return nil
	}
	w.mu.Lock()
	g, ok := w.groups.Group(id)
	was := w.was[id]
	w.mu.Unlock()
	if !ok {
		return nil
	}
	open, err := f.c.Rooms.Open(ctx)
	if err != nil {
		return fmt.Errorf("list the open incidents: %w", err)
	}
	c, now, crossed := w.asks().Judge(g, was, open, nil)
	if crossed {
		said := Said{Group: g, Why: c.Why, Also: slices.Clone(c.Also), Key: fmt.Sprintf("signals:%s:%s:%d:%d", id, c.Ask, now.Level, now.Techniques)}
		switch {
		case c.Ask == noise.Declare:
			now.Incident, err = f.c.Rooms.Declare(ctx, c.Severity, said)
		case c.Ask == noise.Link:
			err = f.c.Rooms.Link(ctx, c.Incident, said)
		case c.Incident != "":
			err = f.c.Rooms.Note(ctx, c.Incident, said)
		}
		if err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.was[id] = now
	return nil
}

// Group is a group of signals that is open.
func (f *Fleet) Group(id string) (noise.Group, bool) {
	for _, w := range []*windows{f.windows, f.odd} {
		w.mu.Lock()
		g, ok := w.groups.Group(id)
		w.mu.Unlock()
		if ok {
			return g, true
		}
	}
	return noise.Group{}, false
}
