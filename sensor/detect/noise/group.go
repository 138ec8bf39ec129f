package noise

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Windows say how signals are grouped. The zero value of a field takes the default
// beside it.
type Windows struct {
	Gap     time.Duration // a group ends when nothing came for so long; 15 minutes
	Longest time.Duration // and after so long in any case; 4 hours
	MaxOpen int           // groups that are open at once; 2,000
}

// The bounds of a group. Beyond them signals are counted, not listed.
const (
	maxSamples       = 20
	maxGroupRules    = 200
	maxGroupEntities = 500
	maxTechniques    = 100
	maxGroupHosts    = 1000
)

// Group is signals that share an entity, directly or through each other, as one.
type Group struct {
	ID          string    // of its first signal
	First, Last time.Time // of the server's clock
	Count       int
	Level       Level // the highest
	Techniques  []string
	Rules       []RuleCount // the most frequent first
	Hosts       []string
	Entities    []string
	Samples     []Signal // the first, up to 20
	Rises       []Signal // those that raised level or techniques, the first among them
	More        int      // rules, hosts and entities that are not listed
	Drill       bool
}

// RuleCount is how many signals of a group a rule raised.
type RuleCount struct {
	Rule  string
	Count int
}

// String is the group in one line.
func (g Group) String() string {
	line := count(uint64(g.Count), "signal")
	if len(g.Rules) > 1 {
		line += fmt.Sprintf(" of %d rules", len(g.Rules))
	}
	switch len(g.Hosts) {
	case 0:
	case 1:
		line += " on " + g.Hosts[0]
	default:
		line += fmt.Sprintf(" on %d hosts", len(g.Hosts))
	}
	line += ", " + g.Level.String()
	if len(g.Samples) > 0 {
		line += "; first: " + g.Samples[0].Why
	}
	return line
}

// Change says what a signal did to its group.
type Change struct {
	Group  string   // its id
	New    bool     // it opened the group
	Rose   bool     // level or techniques are more than before
	Merged []string // groups that are now part of this one
	Again  bool     // the signal was there already: nothing changed
}

// Grouper puts signals together. Not safe for concurrent use.
type Grouper struct {
	w       Windows
	open    map[string]*grown // by id
	by      map[string]*grown // by entity
	pushed  uint64
	pending []Group
}

type grown struct {
	first, last time.Time
	id          string
	count       int
	level       Level
	techniques  map[string]bool
	rules       map[string]int
	hosts       map[string]bool
	entities    map[string]bool
	seen        map[string]bool // ids of signals
	samples     []Signal
	rises       []Signal
	more        int
	drill       bool
}

// maxSeen is how many ids a group remembers; a signal sent twice after that counts twice.
const maxSeen = 1000

// NewGrouper makes one without groups.
func NewGrouper(w Windows) (*Grouper, error) {
	w.Gap, w.Longest, w.MaxOpen = cmp.Or(w.Gap, 15*time.Minute), cmp.Or(w.Longest, 4*time.Hour), cmp.Or(w.MaxOpen, 2_000)
	if w.Gap < 0 || w.Longest < w.Gap || w.MaxOpen < 1 {
		return nil, errors.New("a window is longer than its gap, and both are longer than nothing")
	}
	return &Grouper{w: w, open: map[string]*grown{}, by: map[string]*grown{}}, nil
}

// Add puts a signal into its group at a moment of the server's clock. A signal whose entities
// are in several groups joins these into the oldest.
func (g *Grouper) Add(s Signal, at time.Time) Change {
	var c Change
	s = s.kept()
	entities := s.entities()
	into := g.home(entities, at, &c)
	if into == nil {
		g.makeRoom()
		into = newGrown(s, at)
		for g.open[into.id] != nil { // an id that was used for another group before it ended
			into.id += "'"
		}
		g.open[into.id] = into
		c.New = true
	}
	c.Group = into.id
	if into.seen[s.ID] {
		c.Again = true
		return c
	}
	c.Rose = into.take(s, at) && !c.New
	for _, e := range entities {
		if g.by[e] == into {
			continue
		}
		if len(into.entities) >= maxGroupEntities {
			into.more++
			continue
		}
		into.entities[e] = true
		g.by[e] = into
	}
	return c
}

// Group is an open group as it stands.
func (g *Grouper) Group(id string) (Group, bool) {
	o := g.open[id]
	if o == nil {
		return Group{}, false
	}
	return o.group(), true
}

// home finds the group of the entities, after those whose time is over were closed, and
// joins groups that turn out to be one.
func (g *Grouper) home(entities []string, at time.Time, c *Change) *grown {
	var found []*grown
	for _, e := range entities {
		o := g.by[e]
		if o == nil {
			continue
		}
		if o.over(g.w, at) {
			g.pending = append(g.pending, o.group())
			g.close(o)
			continue
		}
		if !slices.Contains(found, o) {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b *grown) int { return cmp.Or(a.first.Compare(b.first), strings.Compare(a.id, b.id)) })
	into := found[0]
	for _, o := range found[1:] {
		g.close(o)
		into.join(o)
		for e := range into.entities {
			g.by[e] = into
		}
		c.Merged = append(c.Merged, o.id)
	}
	return into
}

func (o *grown) over(w Windows, at time.Time) bool {
	return at.Sub(o.last) >= w.Gap || at.Sub(o.first) >= w.Longest
}

func (g *Grouper) close(o *grown) {
	delete(g.open, o.id)
	for e := range o.entities {
		if g.by[e] == o {
			delete(g.by, e)
		}
	}
}

// makeRoom closes the group that was quiet for longest when there are too many.
func (g *Grouper) makeRoom() {
	if len(g.open) < g.w.MaxOpen {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(g.open)), func(a, b *grown) int {
		return cmp.Or(a.last.Compare(b.last), strings.Compare(a.id, b.id))
	})
	g.pending = append(g.pending, oldest.group())
	g.close(oldest)
	g.pushed++
}

// Closed returns the groups that ended by a moment, or were closed to make room, each
// once, the oldest first.
func (g *Grouper) Closed(at time.Time) []Group {
	for _, o := range g.open {
		if o.over(g.w, at) {
			g.pending = append(g.pending, o.group())
			g.close(o)
		}
	}
	done := g.pending
	g.pending = nil
	slices.SortFunc(done, func(a, b Group) int { return cmp.Or(a.First.Compare(b.First), strings.Compare(a.ID, b.ID)) })
	return done
}

// IDs are the groups that are open, in order.
func (g *Grouper) IDs() []string { return slices.Sorted(maps.Keys(g.open)) }

// Open is how many groups are open; PushedOut how many were closed early to make room.
func (g *Grouper) Open() int { return len(g.open) }

// PushedOut is described at Open.
func (g *Grouper) PushedOut() uint64 { return g.pushed }

func newGrown(s Signal, at time.Time) *grown {
	return &grown{first: at, last: at, id: s.ID, techniques: map[string]bool{}, rules: map[string]int{}, hosts: map[string]bool{}, entities: map[string]bool{}, seen: map[string]bool{}, drill: s.Drill}
}

// take adds a signal and reports whether level or techniques rose.
func (o *grown) take(s Signal, at time.Time) (rose bool) {
	o.count++
	if at.After(o.last) {
		o.last = at
	}
	if len(o.seen) < maxSeen {
		o.seen[s.ID] = true
	}
	if s.Level > o.level {
		o.level, rose = s.Level, true
	}
	for _, t := range s.Techniques {
		if !o.techniques[t] && len(o.techniques) < maxTechniques {
			o.techniques[t], rose = true, true
		}
	}
	if o.rules[s.Rule] > 0 || len(o.rules) < maxGroupRules {
		o.rules[s.Rule]++
	} else {
		o.more++
	}
	if s.Host != "" && !o.hosts[s.Host] {
		if len(o.hosts) < maxGroupHosts {
			o.hosts[s.Host] = true
		} else {
			o.more++
		}
	}
	if len(o.samples) < maxSamples {
		o.samples = append(o.samples, s)
	}
	if rose && len(o.rises) < maxTechniques {
		o.rises = append(o.rises, s)
	}
	return rose
}

// join takes in another group.
func (o *grown) join(other *grown) {
	o.count += other.count
	o.level = max(o.level, other.level)
	o.more += other.more
	if other.last.After(o.last) {
		o.last = other.last
	}
	for r, n := range other.rules {
		if o.rules[r] > 0 || len(o.rules) < maxGroupRules {
			o.rules[r] += n
		} else {
			o.more++
		}
	}
	for _, m := range []struct {
		to, from map[string]bool
		most     int
		counted  bool
	}{{o.techniques, other.techniques, maxTechniques, false}, {o.hosts, other.hosts, maxGroupHosts, true}, {o.entities, other.entities, maxGroupEntities, true}, {o.seen, other.seen, maxSeen, false}} {
		for _, k := range slices.Sorted(maps.Keys(m.from)) {
			switch {
			case m.to[k]:
			case len(m.to) < m.most:
				m.to[k] = true
			case m.counted:
				o.more++
			}
		}
	}
	o.samples = append(o.samples, other.samples[:min(len(other.samples), maxSamples-len(o.samples))]...)
	o.rises = append(o.rises, other.rises[:min(len(other.rises), maxTechniques-len(o.rises))]...)
}

func (o *grown) group() Group {
	g := Group{ID: o.id, First: o.first, Last: o.last, Count: o.count, Level: o.level, More: o.more, Drill: o.drill,
		Techniques: slices.Sorted(maps.Keys(o.techniques)), Hosts: slices.Sorted(maps.Keys(o.hosts)), Entities: slices.Sorted(maps.Keys(o.entities)),
		Samples: slices.Clone(o.samples), Rises: slices.Clone(o.rises)}
	for r, n := range o.rules {
		g.Rules = append(g.Rules, RuleCount{r, n})
	}
	slices.SortFunc(g.Rules, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Rule, b.Rule))
	})
	return g
}
