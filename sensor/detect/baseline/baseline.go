// Package baseline learns what is usual: which programs run on a host, in a container image
// and in a group, which program starts which, who connects where, what listens, and who
// runs anything at all. It then says in one sentence what is new, and how rare that is among
// its peers.
//
// A Book holds a profile for each host, image and group. A profile learns for a while and
// believes everything; afterwards what is new is reported, and becomes usual when it was
// seen on several days, or when somebody allows it. What is not seen any more fades. A
// frozen profile neither learns nor fades.
//
// It is pure: the moment comes as an argument, and should be the server's, not the host's
// own word in the event. The same observations always make the same Book.
package baseline

import (
	"errors"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Rules say how a Book learns. The zero value of a field takes the default beside it.
type Rules struct {
	Learn    time.Duration `json:"learn"`     // how long a profile believes everything; 14 days
	HalfLife time.Duration `json:"half_life"` // how soon what is not seen counts half; 14 days
	// Ripe is on how many days something new must be seen to become usual by itself; 3.
	// Negative: never, only when somebody allows it.
	Ripe       int `json:"ripe"`
	MaxScopes  int `json:"max_scopes"`  // profiles; 10,000
	MaxEntries int `json:"max_entries"` // things known in one profile; 2,000
	MaxTotal   int `json:"max_total"`   // things known in all; 1,000,000
}

const day = 24 * time.Hour

func (r Rules) filled() (Rules, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if r.Learn == 0 {
		r.Learn = 14 * day
	}
	if r.HalfLife == 0 {
		r.HalfLife = 14 * day
	}
	def(&r.Ripe, 3)
	def(&r.MaxScopes, 10_000)
	def(&r.MaxEntries, 2_000)
	def(&r.MaxTotal, 1_000_000)
	switch {
	case r.Learn < 0 || r.Learn > 366*day:
		return r, errors.New("a profile learns for a year at most")
	case r.HalfLife < day || r.HalfLife > 3660*day:
		return r, errors.New("a half-life is between a day and ten years")
	case r.MaxScopes < 1 || r.MaxEntries < 1 || r.MaxTotal < 1 || r.MaxEntries > 1_000_000 || r.MaxScopes > 1_000_000 || r.MaxTotal > 100_000_000:
		return r, errors.New("a Book holds something, and not everything")
	case r.Ripe > 366:
		return r, errors.New("nothing is seen on more days than a year has")
	}
	return r, nil
}

// Where is whose behaviour an event is.
type Where struct {
	Host   string
	Image  string   // of the container, without tag; "" on the host itself
	Groups []string // that the host belongs to, the most telling first
	// Suspect says that nothing is to be learned from it, for an intruder may be there.
	Suspect bool
}

// WhereOf reads host and image from an event; the groups are the server's to know.
func WhereOf(e *event.Event, groups []string) Where {
	return Where{Host: e.Host, Image: ImageName(e.Container.Image), Groups: groups}
}

// Novelty is something that is not usual there.
type Novelty struct {
	Scope Scope // the host or image where it is new
	Thing Thing
	Score int    // 0 to 100: how telling the kind of thing is, times how rare among peers
	Why   string // one sentence
	Peers int    // hosts of the group, or images, that have learned enough to tell; -1: not compared
	Know  int    // how many of those know it
	Days  int    // for how long the scope has been watched
	Times int    // on how many days it was seen, this one included
	// Early says that the scope was frozen before it had learned enough: little is usual there.
	Early bool
}

// Book is all profiles. It is not safe for concurrent use.
type Book struct {
	rules    Rules
	fade     uint64 // what remains after a day, in 1/65536
	profiles map[Scope]*profile
	members  map[string]map[string]bool // hosts by group
	total    int
	refused  uint64 // observations for which there was no room for a profile
}

// New makes an empty Book.
func New(r Rules) (*Book, error) {
	r, err := r.filled()
	if err != nil {
		return nil, err
	}
	return &Book{rules: r, fade: fadeOf(r.HalfLife), profiles: map[Scope]*profile{}, members: map[string]map[string]bool{}}, nil
}

// Learn is how long a profile believes everything from now on, those that began already as well. What no Book
// takes leaves it as it is.
func (b *Book) Learn(d time.Duration) {
	r := b.rules
	r.Learn = d
	if r, err := r.filled(); err == nil {
		b.rules = r
	}
}

// Observe learns from an event at a moment and returns what is not usual about it. The same
// novelty is reported once a day.
func (b *Book) Observe(e *event.Event, w Where, at time.Time) []Novelty {
	things := thingsOf(e)
	if len(things) == 0 || w.Host == "" {
		return nil
	}
	w.Groups = groupsOf(w.Groups)
	home := Scope{Host, cut(w.Host)}
	if w.Image != "" { // containers move from host to host: what they do belongs to the image
		home = Scope{Image, cut(w.Image)}
	}
	p := b.profile(home, at)
	if p == nil {
		return nil
	}
	if home.Kind == Host {
		b.join(p, home.Name, w.Groups)
	}
	var found []Novelty
	for _, t := range things {
		news, times := b.see(p, t, at, !w.Suspect)
		if news {
			found = append(found, b.judge(p, home, w, t, times, at))
		}
		for _, g := range w.Groups {
			if gp := b.profile(Scope{Group, g}, at); gp != nil {
				b.see(gp, t, at, !w.Suspect)
			}
		}
	}
	return found
}

const maxGroups = 64 // of one host; more are passed over

// groupsOf bounds the names of groups, and copies them only if it has to.
func groupsOf(groups []string) []string {
	groups = groups[:min(len(groups), maxGroups)]
	if !slices.ContainsFunc(groups, func(g string) bool { return g == "" || cut(g) != g }) {
		return groups
	}
	var clean []string
	for _, g := range groups {
		if g != "" {
			clean = append(clean, cut(g))
		}
	}
	return clean
}

// see learns of one thing in one profile. News says that it is not usual there and was
// not reported today; times is on how many days it was seen. Nothing is taught by a suspect.
func (b *Book) see(p *profile, t Thing, at time.Time, teach bool) (news bool, times int) {
	today, open := dayOf(at), teach && p.frozen == 0
	p.last = max(p.last, today)
	k := t.key()
	e, held := p.entries[k]
	if held && open && b.faded(e, today) {
		b.drop(p, k)
		held = false
	}
	switch {
	case held && !open:
		e.count++
		if news = !e.usual() && today > e.day; news {
			e.day = today
		}
		p.entries[k] = e
		return news, int(e.days)
	case held:
		e.count++
		if today > e.day {
			e.weight = min(b.decay(e.weight, today-e.day)+one, maxWeight)
			e.day, e.days = today, e.days+1
			news = !e.usual() && !p.learning(b.rules, at)
			e.known = e.known || b.rules.Ripe > 0 && int(e.days) >= b.rules.Ripe
		}
		p.entries[k] = e
		return news, int(e.days)
	}
	learning := p.learning(b.rules, at)
	if !b.room(p) {
		p.evicted++ // there was no room for it: it is reported, and forgotten
		return !learning, 1
	}
	n := entry{first: today, day: today, days: 1, count: 1, weight: one, known: learning && teach}
	if !teach {
		n.days = 0
	}
	p.entries[k] = n
	b.total++
	return !learning, 1
}
