package sigma

import (
	"container/list"
	"math"
	"slices"
	"sort"
)

// told is one event that a correlation counts.
type told struct {
	at    int64   // unix milliseconds
	event uint64  // which event, of the Engine's; one may be told for several rules
	rule  int     // which of the correlation's rules matched
	value uint64  // hash of the counted field's text
	num   float64 // the counted field as a number
}

// tally is what a correlation remembers of one group. Every kind is bounded, whatever is told.
type tally interface {
	add(t told)
	// value is what the condition is held against, now that the newest event is at now.
	value(now int64) float64
	cells() int // how much it remembers
}

// Bounds of one group's memory.
const (
	maxValues  = 8_192 // values of a percentile; the oldest is forgotten
	maxBuckets = 1_024 // sums; neighbours are added up when there are more
)

// need is how many events or values a group has to remember for its condition.
func (c *Correlation) need() int {
	n := 1.0
	for _, b := range c.Bounds {
		n = max(n, b.Value+1)
	}
	return int(min(n, maxCount+1))
}

func (c *counted) newTally() tally {
	span := c.Timespan.Milliseconds()
	capped := c.capped()
	switch c.Type {
	case "event_count":
		if capped {
			return new(plainCount)
		}
		return &recent{span: span, need: c.need()}
	case "value_count":
		if capped {
			span = math.MaxInt64 / 4
		}
		return &distinct{span: span, need: c.need(), by: map[uint64]*list.Element{}}
	case "value_sum":
		if capped {
			span = math.MaxInt64 / 4
		}
		return &sums{span: span}
	case "value_avg":
		return &sums{span: span, mean: true}
	case "value_percentile":
		if math.IsNaN(c.Rank) {
			return &share{span: span, by: map[uint64]int{}}
		}
		return &ranked{span: span, rank: c.Rank}
	case "temporal":
		return &together{span: span, last: make([]int64, len(c.rules))}
	}
	return newInOrder(span, len(c.rules))
}

// plainCount counts the events of a window that ends for all of them at once.
type plainCount int

func (p *plainCount) add(told)            { *p++ }
func (p *plainCount) value(int64) float64 { return float64(*p) }
func (p *plainCount) cells() int          { return 1 }

// recent counts the events of the last while; of as many as matter it remembers the times.
type recent struct {
	span  int64
	need  int
	times []int64 // in order
}

func (r *recent) add(t told) {
	i, _ := slices.BinarySearch(r.times, t.at+1)
	r.times = slices.Insert(r.times, i, t.at)
	if len(r.times) > 2*r.need+16 {
		r.times = append(r.times[:0], r.times[len(r.times)-r.need:]...)
	}
}

func (r *recent) value(now int64) float64 {
	from, _ := slices.BinarySearch(r.times, now-r.span)
	return float64(len(r.times) - from)
}

func (r *recent) cells() int { return len(r.times) }

// distinct counts different values; of each it remembers when it was last seen.
type distinct struct {
	span int64
	need int
	by   map[uint64]*list.Element
	seen list.List // the longest ago first
}

type lastSeen struct {
	value uint64
	at    int64
}

func (d *distinct) add(t told) {
	d.forget(t.at)
	if e, ok := d.by[t.value]; ok {
		e.Value = lastSeen{t.value, t.at}
		d.seen.MoveToBack(e)
	} else if len(d.by) < d.need {
		d.by[t.value] = d.seen.PushBack(lastSeen{t.value, t.at})
	}
}

func (d *distinct) forget(now int64) {
	for e := d.seen.Front(); e != nil && e.Value.(lastSeen).at < now-d.span; e = d.seen.Front() {
		delete(d.by, e.Value.(lastSeen).value)
		d.seen.Remove(e)
	}
}

func (d *distinct) value(int64) float64 { return float64(len(d.by)) }
func (d *distinct) cells() int          { return 4 * len(d.by) }

// sums adds values up, or takes their mean. When there are many it adds neighbours up, so
// that what is near the beginning of the window leaves it a little late; nothing is lost.
type sums struct {
	span    int64
	mean    bool
	buckets []bucket
}

type bucket struct {
	at  int64 // of the newest in it
	sum float64
	n   int
}

func (s *sums) add(t told) {
	if math.IsNaN(t.num) {
		return
	}
	if len(s.buckets) >= maxBuckets {
		half := s.buckets[:0]
		for i := 0; i+1 < len(s.buckets); i += 2 {
			a, b := s.buckets[i], s.buckets[i+1]
			half = append(half, bucket{max(a.at, b.at), a.sum + b.sum, a.n + b.n})
		}
		s.buckets = half
	}
	s.buckets = append(s.buckets, bucket{t.at, t.num, 1})
	keep := s.buckets[:0]
	for _, b := range s.buckets {
		if b.at >= t.at-s.span {
			keep = append(keep, b)
		}
	}
	s.buckets = keep
}

func (s *sums) value(now int64) float64 {
	sum, n := 0.0, 0
	for _, b := range s.buckets {
		if b.at >= now-s.span {
			sum, n = sum+b.sum, n+b.n
		}
	}
	if !s.mean {
		return sum
	}
	if n == 0 {
		return math.NaN() // satisfies nothing but neq
	}
	return sum / float64(n)
}

func (s *sums) cells() int { return 3 * len(s.buckets) }

// share is how many of the events, of a hundred, had the value of the last one.
type share struct {
	span   int64
	events []told
	by     map[uint64]int
	last   uint64
}

func (s *share) add(t told) {
	s.events = append(s.events, t)
	s.by[t.value]++
	s.last = t.value
	old := 0
	for old < len(s.events) && (s.events[old].at < t.at-s.span || len(s.events)-old > maxValues) {
		if v := s.events[old].value; s.by[v] > 1 {
			s.by[v]--
		} else {
			delete(s.by, v)
		}
		old++
	}
	s.events = dropped(s.events, old)
}

func (s *share) value(int64) float64 { return 100 * float64(s.by[s.last]) / float64(len(s.events)) }
func (s *share) cells() int          { return 4*len(s.events) + 2*len(s.by) }

// ranked is a percentile of the values: the least value that so many of a hundred do not exceed.
type ranked struct {
	span   int64
	rank   float64
	events []told
	sorted []float64
}

func (r *ranked) add(t told) {
	if math.IsNaN(t.num) {
		return
	}
	r.events = append(r.events, t)
	r.sorted = slices.Insert(r.sorted, sort.SearchFloat64s(r.sorted, t.num), t.num)
	old := 0
	for old < len(r.events) && (r.events[old].at < t.at-r.span || len(r.events)-old > maxValues) {
		i := sort.SearchFloat64s(r.sorted, r.events[old].num)
		r.sorted = slices.Delete(r.sorted, i, i+1)
		old++
	}
	r.events = dropped(r.events, old)
}

func (r *ranked) value(int64) float64 {
	n := len(r.sorted)
	if n == 0 {
		return math.NaN()
	}
	return r.sorted[min(n-1, max(0, int(math.Ceil(r.rank/100*float64(n)))-1))]
}

func (r *ranked) cells() int { return 5 * len(r.events) }

// dropped is the list without its first n. It moves the rest seldom.
func dropped(list []told, n int) []told {
	if n == 0 {
		return list
	}
	if cap(list) > 2*len(list) {
		return append(make([]told, 0, len(list)), list[n:]...)
	}
	return list[n:]
}

// together counts how many of the rules matched in the last while.
type together struct {
	span int64
	last []int64 // by rule; 0: never
}

func (g *together) add(t told) { g.last[t.rule] = max(g.last[t.rule], t.at, 1) }

func (g *together) value(now int64) float64 {
	n := 0
	for _, at := range g.last {
		if at > 0 && at >= now-g.span {
			n++
		}
	}
	return float64(n)
}

func (g *together) cells() int { return len(g.last) }

// inOrder counts how many of the rules matched in their order, the last of them now. For
// every rule and length it remembers the chain that began last: no other can outlive it.
// One event is never two links of a chain, whatever rules it matches.
type inOrder struct {
	span  int64
	rules int
	began [][]int64 // [rule][length-1]; 0: no such chain
	old   [][]int64 // the same, before the rule's last event
	event []uint64  // the rule's last event
	last  int       // rule that matched last
}

func newInOrder(span int64, rules int) *inOrder {
	o := &inOrder{span: span, rules: rules, began: make([][]int64, rules), old: make([][]int64, rules), event: make([]uint64, rules)}
	for i := range o.began {
		o.began[i], o.old[i] = make([]int64, i+1), make([]int64, i+1)
	}
	return o
}

func (o *inOrder) add(t told) {
	mine := o.began[t.rule]
	if o.event[t.rule] != t.event {
		copy(o.old[t.rule], mine)
	}
	for before := range t.rule {
		chains := o.began[before]
		if o.event[before] == t.event {
			chains = o.old[before]
		}
		for length, began := range chains {
			if began > 0 && began >= t.at-o.span {
				mine[length+1] = max(mine[length+1], began)
			}
		}
	}
	mine[0], o.last, o.event[t.rule] = max(t.at, 1), t.rule, t.event
}

func (o *inOrder) value(now int64) float64 {
	for length := o.last + 1; length > 0; length-- {
		if b := o.began[o.last][length-1]; b > 0 && b >= now-o.span {
			return float64(length)
		}
	}
	return 0
}

func (o *inOrder) cells() int { return o.rules * (o.rules + 2) }
