package sigma

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Engine judges events and records by a Set, and remembers what correlations count. Any
// number of goroutines may use it at once.
type Engine struct {
	limits  Limits
	reloads sync.Mutex // one at a time
	events  atomic.Uint64
	now     atomic.Pointer[running]
}

// running is a Set with the memory of its correlations.
type running struct {
	set   *Set
	state []*correlator  // by place of the correlation
	rules []*compiled    // the correlations
	next  *atomic.Uint64 // numbers events that are counted
}

// NewEngine is an Engine that judges by a Set.
func NewEngine(s *Set, l Limits) *Engine {
	e := &Engine{limits: l}
	e.now.Store(&running{})
	e.Reload(s)
	return e
}

// Set is what the Engine judges by at the moment.
func (e *Engine) Set() *Set { return e.now.Load().set }

// Reload takes another Set. Every event is judged by the one or the other, none by neither.
// What a correlation has counted is kept if it and the rules it counts are what they were.
func (e *Engine) Reload(s *Set) {
	e.reloads.Lock()
	defer e.reloads.Unlock()
	before := e.now.Load()
	kept := map[string]*correlator{}
	for i, r := range before.rules {
		kept[r.rule.Digest] = before.state[i]
	}
	next := &running{set: s, next: &e.events}
	for _, r := range s.rules {
		if r.counts != nil {
			next.rules = append(next.rules, r)
		}
	}
	for _, r := range next.rules {
		c := kept[r.rule.Digest]
		if c == nil {
			c = newCorrelator(r.counts, e.limits, len(next.rules))
		} else {
			c.limited(r.counts, e.limits, len(next.rules))
		}
		next.state = append(next.state, c)
	}
	e.now.Store(next)
}

// Judge appends what fires for an event to found. The time is the one by which windows of
// correlations are measured: the event's own, unless its host's clock is not believed. An
// event for which nothing fires costs no allocation.
func (e *Engine) Judge(seen *event.Event, at time.Time, found []Match) []Match {
	run := e.now.Load()
	if int(seen.Kind) >= len(run.set.byKind) {
		return found
	}
	views := run.set.byKind[seen.Kind]
	if len(views) == 0 {
		return found
	}
	s := run.set.sights.Get().(*sight)
	s.next()
	s.event = seen
	for _, v := range views {
		if v.when != nil && !v.when(seen) {
			continue
		}
		s.view = v
		found = run.judge(s, v.index, at, found)
	}
	s.event, s.view = nil, nil
	run.set.sights.Put(s)
	return found
}

// JudgeRecord appends what fires for a record that is no event of the sensor.
func (e *Engine) JudgeRecord(r Record, at time.Time, found []Match) []Match {
	run := e.now.Load()
	s := run.set.sights.Get().(*sight)
	s.next()
	s.rec = r
	found = run.judge(s, run.set.records(), at, found)
	s.rec = nil
	run.set.sights.Put(s)
	return found
}

// judge asks the rules that an index finds about the record that s looks at.
func (run *running) judge(s *sight, x *index, at time.Time, found []Match) []Match {
	s.look()
	x.find(s)
	var from LogSource
	if s.rec != nil {
		from = s.rec.Source()
	}
	for _, c := range s.cands {
		r := x.rules[c]
		rule := run.set.rules[r.num]
		if s.fired[r.num] == s.round || s.rec != nil && !rule.rule.Source.Takes(from) || !r.cond.holds(s) {
			continue
		}
		s.fired[r.num] = s.round
		if !rule.quiet {
			found = append(found, Match{Rule: rule.rule, At: at})
		}
		if len(rule.feeds) > 0 {
			if s.number == 0 {
				s.number = run.next.Add(1)
			}
			found = run.count(rule, &hearing{at: at, event: s.number, sight: s}, found)
		}
	}
	return found
}

// count tells the correlations that count a rule that it matched.
func (run *running) count(r *compiled, h *hearing, found []Match) []Match {
	for i := range r.feeds {
		f := &r.feeds[i]
		for _, fire := range run.state[f.to.counts.at].hear(run.set, f, h, nil) {
			found = run.fire(f.to, fire, h, found)
		}
	}
	return found
}

func (run *running) fire(r *compiled, f fired, h *hearing, found []Match) []Match {
	if !r.quiet {
		found = append(found, Match{Rule: r.rule, At: f.at, Value: f.value, Group: f.group,
			First: time.UnixMilli(f.first).UTC(), Last: time.UnixMilli(f.last).UTC()})
	}
	if len(r.feeds) == 0 {
		return found
	}
	return run.count(r, &hearing{at: f.at, event: h.event, sight: h.sight, group: f.group}, found)
}

// Advance says how late it is, and appends what fires because a window ended: "fewer than
// so many within the hour" is known when the hour is over. Call it now and then.
func (e *Engine) Advance(at time.Time, found []Match) []Match {
	run := e.now.Load()
	for i, c := range run.state {
		c.mu.Lock()
		ended := c.ended(at.UnixMilli(), nil)
		c.mu.Unlock()
		for _, f := range ended {
			found = run.fire(run.rules[i], f, &hearing{at: f.at, event: e.events.Add(1)}, found)
		}
	}
	return found
}

// Memory is what correlations remember at the moment.
type Memory struct {
	Groups  int    // of all correlations
	Cells   int    // of 8 bytes, roughly
	Evicted uint64 // groups that were forgotten for want of room, ever
}

// Memory adds up what the correlations of the Set remember.
func (e *Engine) Memory() Memory {
	var m Memory
	for _, c := range e.now.Load().state {
		c.mu.Lock()
		m.Groups += len(c.by)
		m.Cells += c.cells
		m.Evicted += c.evicted
		c.mu.Unlock()
	}
	return m
}
