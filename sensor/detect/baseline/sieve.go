package baseline

import (
	"hash/maphash"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// SieveRules say what a Sieve lets through. The zero value of a field takes the default
// beside it.
type SieveRules struct {
	Every     time.Duration // after which the same thing passes again; 12 hours, so that no day is missed
	MaxThings int           // that are remembered; 16,384
	Burst     int           // events of a kind that may pass at once; 500
	PerMinute int           // and afterwards in a minute; 30
}

func (r SieveRules) filled() SieveRules {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	if r.Every <= 0 {
		r.Every = 12 * time.Hour
	}
	def(&r.MaxThings, 16_384)
	def(&r.Burst, 500)
	def(&r.PerMinute, 30)
	return r
}

// Sieve picks out of a host's events those that a Book elsewhere has to hear of: the ones
// that say something of behaviour that did not pass lately. Of a thousand runs of a
// compiler one passes.
//
// What did not pass for want of room or rate is still new: the next time it may pass. What
// is forgotten early, because there was no room, passes again. So a first sight is late or
// told twice, and never left out for good. Things are known by 64 bits of a hash that is
// keyed anew for each Sieve: nobody can make two of them the same on purpose.
//
// It is not safe for concurrent use.
type Sieve struct {
	rules SieveRules
	seed  maphash.Seed
	began time.Time // moments are counted from here, by the clock that cannot be set if they have it
	last  time.Duration
	known map[uint64]struct{}
	line  []passed // what is known, in the order of its moments, after what is gone
	gone  int
	rates [32]rate // by the kind of event: a flood of one does not hold back the others
	sum   Sifted
}

type passed struct {
	hash uint64
	at   time.Duration
}

// Sifted is what a Sieve did.
type Sifted struct {
	Passed uint64 // events
	Held   uint64 // events that had something new, and were too many
	Early  uint64 // things that were forgotten before their time, for want of room
	Things int    // that are remembered now
}

// NewSieve makes one that remembers nothing.
func NewSieve(r SieveRules) *Sieve {
	r = r.filled()
	return &Sieve{rules: r, seed: maphash.MakeSeed(), known: make(map[uint64]struct{})}
}

// Pass reports whether an event says something new, and remembers that. The moment is the
// host's, with its monotonic reading where it has one.
func (s *Sieve) Pass(e *event.Event, at time.Time) bool {
	fresh, now := s.fresh(e, at)
	if len(fresh) == 0 {
		return false
	}
	if !s.rates[e.Kind%32].take(s.rules, now) {
		s.sum.Held++
		return false
	}
	s.remember(fresh, now)
	s.sum.Passed++
	return true
}

// Saw remembers what an event says that is passed on for another reason.
func (s *Sieve) Saw(e *event.Event, at time.Time) {
	fresh, now := s.fresh(e, at)
	s.remember(fresh, now)
}

// Sifted counts.
func (s *Sieve) Sifted() Sifted {
	out := s.sum
	out.Things = len(s.known)
	return out
}

// fresh are the hashes of what is new about an event.
func (s *Sieve) fresh(e *event.Event, at time.Time) ([]uint64, time.Duration) {
	things := thingsOf(e)
	if len(things) == 0 {
		return nil, 0
	}
	now := s.moment(at)
	image := cut(ImageName(e.Container.Image))
	var fresh []uint64
	for _, t := range things {
		if h := s.hash(image, t); !s.knows(h) {
			fresh = append(fresh, h)
		}
	}
	return fresh, now
}

// moment counts from the beginning, and forgets what is old. A clock that was set back
// would keep things for as long as it was set: then all is forgotten.
func (s *Sieve) moment(at time.Time) time.Duration {
	if s.began.IsZero() {
		s.began = at
	}
	now := at.Sub(s.began)
	if now < s.last {
		clear(s.known)
		s.line, s.gone, s.rates, s.began, now = s.line[:0], 0, [32]rate{}, at, 0
	}
	s.last = now
	for len(s.known) > 0 && now-s.line[s.gone].at >= s.rules.Every {
		s.forget()
	}
	return now
}

func (s *Sieve) knows(h uint64) bool {
	_, known := s.known[h]
	return known
}

func (s *Sieve) hash(image string, t Thing) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_ = h.WriteByte(byte(t.Facet))
	for _, text := range [...]string{image, t.Subject, t.Value} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0xff) // is in no text that cut left
	}
	return h.Sum64()
}

func (s *Sieve) remember(fresh []uint64, now time.Duration) {
	for _, h := range fresh {
		if s.knows(h) {
			continue
		}
		if len(s.known) >= s.rules.MaxThings {
			s.forget()
			s.sum.Early++
		}
		s.line = append(s.line, passed{h, now})
		s.known[h] = struct{}{}
	}
}

// forget lets go of the oldest.
func (s *Sieve) forget() {
	delete(s.known, s.line[s.gone].hash)
	if s.gone++; s.gone > len(s.line)/2 {
		s.line, s.gone = append(s.line[:0], s.line[s.gone:]...), 0
	}
}

// rate is a bucket that fills by the minute.
type rate struct {
	left float64
	at   time.Duration
	used bool
}

func (r *rate) take(rules SieveRules, now time.Duration) bool {
	if !r.used {
		r.left, r.used = float64(rules.Burst), true
	}
	r.left = min(r.left+(now-r.at).Minutes()*float64(rules.PerMinute), float64(rules.Burst))
	r.at = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
