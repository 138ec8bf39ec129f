package baseline

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// ScopeKind is what a profile is of.
type ScopeKind uint8

// The kinds of scope.
const (
	Host  ScopeKind = 1
	Image ScopeKind = 2
	Group ScopeKind = 3
)

var scopeNames = [...]string{"", "host", "image", "group"}

// Scope is whose behaviour a profile holds.
type Scope struct {
	Kind ScopeKind
	Name string
}

// String is the scope as people type it: "host/web-3".
func (s Scope) String() string {
	if int(s.Kind) >= len(scopeNames) {
		return ""
	}
	return scopeNames[s.Kind] + "/" + s.Name
}

// MarshalText writes the scope as String does.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes.
func (s *Scope) UnmarshalText(b []byte) error {
	kind, name, ok := strings.Cut(string(b), "/")
	for i, n := range scopeNames {
		if ok && i > 0 && n == kind && name != "" && name == cut(name) {
			*s = Scope{ScopeKind(i), name}
			return nil
		}
	}
	return errors.New("a scope is host/…, image/… or group/…")
}

func (s Scope) compare(o Scope) int {
	return cmp.Or(cmp.Compare(s.Kind, o.Kind), strings.Compare(s.Name, o.Name))
}

type profile struct {
	began   int64 // Unix seconds
	last    int32 // the last day on which anything was seen
	frozen  int32 // the day since which it is; 0: it is not
	groups  []string
	evicted uint64
	newsDay int32 // the day that news counts
	news    int   // what was reported on it
	entries map[key]entry
}

// maxCompared is how much of a day's news of one scope is compared with its peers: that
// takes a look into each of their profiles. A flood is reported all the same.
const maxCompared = 100

// compare counts one piece of news and reports whether it is to be compared.
func (p *profile) compare(today int32) bool {
	if p.newsDay != today {
		p.newsDay, p.news = today, 0
	}
	p.news++
	return p.news <= maxCompared
}

// entry is what is known of a Thing. Days are days since 1970.
type entry struct {
	first, day int32
	days       uint32 // on how many it was seen
	count      uint64
	weight     uint32 // the days, each fading, in 1/65536
	known      bool   // it is usual
	allowed    *Allowed
}

// Allowed says who made something usual.
type Allowed struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

func (e entry) usual() bool { return e.known || e.allowed != nil }

const (
	one       = 1 << 16
	maxWeight = 64 * one
	floor     = one / 16 // what has faded below is forgotten
)

func dayOf(at time.Time) int32 { return int32(max(at.Unix(), 0) / int64(day/time.Second)) }

func fadeOf(half time.Duration) uint64 {
	return uint64(math.Round(one * math.Exp2(-float64(day)/float64(half))))
}

// decay is a weight after some days. It counts in whole numbers: the same on every machine.
func (b *Book) decay(w uint32, days int32) uint32 {
	v, f := uint64(w), b.fade
	for ; days > 0 && v > 0; days >>= 1 {
		if days&1 == 1 {
			v = v * f >> 16
		}
		f = f * f >> 16
	}
	return uint32(v)
}

func (b *Book) faded(e entry, today int32) bool {
	return e.allowed == nil && today > e.day && b.decay(e.weight, today-e.day) < floor
}

func (p *profile) learning(r Rules, at time.Time) bool {
	return p.frozen == 0 && at.Unix()-p.began < int64(r.Learn/time.Second)
}

// learned reports whether a profile had all the time it needs; one that was frozen before had not.
func (p *profile) learned(r Rules, at time.Time) bool {
	until := at.Unix()
	if p.frozen != 0 {
		until = min(until, int64(p.frozen+1)*int64(day/time.Second))
	}
	return until-p.began >= int64(r.Learn/time.Second)
}

// profile finds or begins a profile; nil when there is no room for one.
func (b *Book) profile(s Scope, at time.Time) *profile {
	if p, ok := b.profiles[s]; ok {
		return p
	}
	if len(b.profiles) >= b.rules.MaxScopes {
		b.refused++
		return nil
	}
	p := &profile{began: at.Unix(), last: dayOf(at), entries: map[key]entry{}}
	b.profiles[s] = p
	return p
}

// join notes which groups a host belongs to.
func (b *Book) join(p *profile, host string, groups []string) {
	if slices.Equal(p.groups, groups) {
		return
	}
	for _, g := range p.groups {
		delete(b.members[g], host)
		if len(b.members[g]) == 0 {
			delete(b.members, g)
		}
	}
	p.groups = nil
	for _, g := range groups {
		p.groups = append(p.groups, g)
		if b.members[g] == nil {
			b.members[g] = map[string]bool{}
		}
		b.members[g][host] = true
	}
}

func (b *Book) drop(p *profile, k key) {
	if _, held := p.entries[k]; held {
		delete(p.entries, k)
		b.total--
	}
}

// room makes place for one more entry. What is not usual goes first, then what was not
// seen for longest: a flood of new things pushes out the flood, not what was learned.
// What somebody allowed stays.
func (b *Book) room(p *profile) bool {
	if len(p.entries) < b.rules.MaxEntries && b.total < b.rules.MaxTotal {
		return true
	}
	var may []key
	for k, e := range p.entries {
		if e.allowed == nil {
			may = append(may, k)
		}
	}
	slices.SortFunc(may, func(x, y key) int {
		ex, ey := p.entries[x], p.entries[y]
		usual := func(e entry) int {
			if e.known {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(usual(ex), usual(ey)), cmp.Compare(ex.day, ey.day), cmp.Compare(ex.count, ey.count), compareThings(x.thing(), y.thing()))
	})
	// One in sixteen at once: sorting for each would be work for an attacker to order.
	first := min(len(may), max(1, len(p.entries)/16))
	for _, k := range may[:first] {
		b.drop(p, k)
		p.evicted++
	}
	return len(p.entries) < b.rules.MaxEntries && b.total < b.rules.MaxTotal
}

func compareThings(a, b Thing) int {
	return cmp.Or(cmp.Compare(a.Facet, b.Facet), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Value, b.Value))
}

// Sweep forgets what has faded by then, and profiles of which nothing is left. It returns
// how many things were forgotten.
func (b *Book) Sweep(at time.Time) int {
	today, gone := dayOf(at), 0
	for s, p := range b.profiles {
		if p.frozen != 0 {
			continue
		}
		for k, e := range p.entries {
			if b.faded(e, today) {
				b.drop(p, k)
				gone++
			}
		}
		if len(p.entries) == 0 && !p.learning(b.rules, at) {
			b.forget(s, p)
		}
	}
	return gone
}

func (b *Book) forget(s Scope, p *profile) {
	b.total -= len(p.entries)
	if s.Kind == Host {
		b.join(p, s.Name, nil)
	}
	delete(b.profiles, s)
}

// Size is how full the Book is, and what it had to let go.
type Size struct {
	Scopes, Things int
	Evicted        uint64 // things that were pushed out by others
	Refused        uint64 // observations of scopes for which there was no room
}

// Size counts.
func (b *Book) Size() Size {
	s := Size{Scopes: len(b.profiles), Things: b.total, Refused: b.refused}
	for _, p := range b.profiles {
		s.Evicted += p.evicted
	}
	return s
}

// Scopes lists the profiles in order.
func (b *Book) Scopes() []Scope { return slices.SortedFunc(maps.Keys(b.profiles), Scope.compare) }
