package sigma

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// Limits bound what correlations remember. Zero values take the defaults.
type Limits struct {
	Groups int // of one correlation; 10,000
	Cells  int // of all correlations together, of 8 bytes each; 1,000,000
}

// correlator is what one correlation remembers. When there is too much of it, the group
// that heard nothing for longest is forgotten, and counted.
type correlator struct {
	// mu guards everything that follows
	mu      sync.Mutex
	counts  *counted
	groups  int // limit
	limit   int // of cells
	by      map[string]*group
	oldest  *group // the next to be forgotten, or to be judged when its window ends
	newest  *group
	cells   int
	evicted uint64
	key     []byte
}

// group is what a correlation remembers of one group of events.
type group struct {
	key         string
	fields      []Field
	first, last int64
	tally       tally
	held        bool // the condition held when it was last judged
	prev, next  *group
}

func newCorrelator(c *counted, l Limits, correlations int) *correlator {
	return (&correlator{by: map[string]*group{}}).limited(c, l, correlations)
}

// limited gives a correlation its part of the memory, and at least what one group needs. It
// is called again for the Set that comes next, so that nothing of the last one is held on to.
func (c *correlator) limited(counts *counted, l Limits, correlations int) *correlator {
	if l.Groups <= 0 {
		l.Groups = 10_000
	}
	if l.Cells <= 0 {
		l.Cells = 1_000_000
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts, c.groups = counts, l.Groups
	c.limit = max(l.Cells/max(1, correlations), 4*c.counts.need()+64)
	return c
}

// hearing is an event on its way into correlations: where its fields are.
type hearing struct {
	at    time.Time
	event uint64  // its number
	sight *sight  // nil when a window ended
	group []Field // of the correlation that fired, which the next one may group by
}

// text appends the text of a field; it says no when there is none.
func (h *hearing) text(dst []byte, set *Set, field int) ([]byte, bool) {
	for _, f := range h.group {
		if f.Name == set.fields.names[field] {
			return append(dst, f.Value...), true
		}
	}
	if h.sight == nil {
		return dst, false
	}
	f := h.sight.slot(field)
	switch f.val.kind {
	case kindAbsent, kindNull:
		return dst, false
	case kindMany:
		return append(dst, f.val.String()...), true
	}
	return append(dst, h.sight.raw(f)...), true
}

func (h *hearing) number(set *Set, field int) float64 {
	text, ok := h.text(nil, set, field)
	if v := Text(string(text)); ok {
		if n, is := v.number(); is {
			return n
		}
	}
	return math.NaN()
}

var seed = maphash.MakeSeed()

// hear counts an event, and appends what fired to found. An event without one of the
// fields that are grouped by, or without the one that is counted, is not counted: nobody
// can say where it belongs.
func (c *correlator) hear(set *Set, f *feed, h *hearing, found []fired) []fired {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := told{at: h.at.UnixMilli(), event: h.event, rule: f.as}
	found = c.ended(t.at, found)
	c.key = c.key[:0]
	for _, n := range f.group {
		from := len(c.key)
		var ok bool
		if c.key, ok = h.text(append(c.key, 0, 0, 0, 0), set, n); !ok {
			return found
		}
		binary.LittleEndian.PutUint32(c.key[from:], uint32(len(c.key)-from))
	}
	if f.value >= 0 {
		var few [64]byte
		text, ok := h.text(few[:0], set, f.value)
		if !ok {
			return found
		}
		t.value, t.num = maphash.Bytes(seed, text), h.number(set, f.value)
	}
	g := c.by[string(c.key)]
	if g == nil {
		g = c.open(h, set, f, t.at)
	}
	c.cells -= g.tally.cells()
	g.tally.add(t)
	c.cells += g.tally.cells()
	g.first, g.last = min(g.first, t.at), max(g.last, t.at)
	if c.counts.capped() {
		return c.bounded(g, found)
	}
	c.unlink(g)
	c.append(g)
	return c.bounded(g, c.judge(g, h.at, found))
}

// judge holds a group against the condition. Counts begin anew once they fired; a mean or
// a percentile fires when it comes to hold, and the share of a value for each event.
func (c *correlator) judge(g *group, at time.Time, found []fired) []fired {
	v := g.tally.value(g.last)
	met := c.counts.met(v)
	before := g.held
	g.held = met
	if !met {
		return found
	}
	switch g.tally.(type) {
	case *share:
	case *ranked:
		if before {
			return found
		}
	case *sums:
		if c.counts.Type == "value_avg" {
			if before {
				return found
			}
			break
		}
		c.forget(g)
	default:
		c.forget(g)
	}
	return append(found, fired{c.counts, v, g.fields, g.first, g.last, at})
}

// ended closes the windows that are over at that time.
func (c *correlator) ended(at int64, found []fired) []fired {
	span := c.counts.Timespan.Milliseconds()
	capped := c.counts.capped()
	for g := c.oldest; g != nil; g = c.oldest {
		if capped && at < g.first+span || !capped && at <= g.last+span {
			break
		}
		if c.forget(g); capped {
			if v := g.tally.value(g.last); c.counts.met(v) {
				found = append(found, fired{c.counts, v, g.fields, g.first, g.last, time.UnixMilli(g.first + span).UTC()})
			}
		}
	}
	return found
}

func (c *correlator) open(h *hearing, set *Set, f *feed, at int64) *group {
	g := &group{key: string(c.key), tally: c.counts.newTally(), first: at, last: at}
	for i, n := range f.group {
		text, _ := h.text(nil, set, n)
		g.fields = append(g.fields, Field{c.counts.GroupBy[i], string(text)})
	}
	c.by[g.key] = g
	c.append(g)
	c.cells += g.tally.cells() + 16
	return g
}

// bounded forgets groups until there is room, all but the one that was just told.
func (c *correlator) bounded(but *group, found []fired) []fired {
	for g := c.oldest; g != nil && (len(c.by) > c.groups || c.cells > c.limit); {
		next := g.next
		if g != but {
			c.forget(g)
			c.evicted++
		}
		g = next
	}
	return found
}

func (c *correlator) forget(g *group) {
	delete(c.by, g.key)
	c.unlink(g)
	c.cells -= g.tally.cells() + 16
}

func (c *correlator) append(g *group) {
	if g.prev, g.next = c.newest, nil; c.newest != nil {
		c.newest.next = g
	} else {
		c.oldest = g
	}
	c.newest = g
}

func (c *correlator) unlink(g *group) {
	if g.prev != nil {
		g.prev.next = g.next
	} else if c.oldest == g {
		c.oldest = g.next
	}
	if g.next != nil {
		g.next.prev = g.prev
	} else if c.newest == g {
		c.newest = g.prev
	}
	g.prev, g.next = nil, nil
}

// fired is a correlation whose condition holds.
type fired struct {
	counts      *counted
	value       float64
	group       []Field
	first, last int64
	at          time.Time
}
