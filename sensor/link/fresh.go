package link

import (
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// fresh picks what the server learns from what is usual: events of behaviour that was not sent
// lately. Without a word of the server it picks nothing.
type fresh struct {
	mu    sync.Mutex // guards what follows: each lane has a goroutine of its own
	every time.Duration
	again int64
	sieve *baseline.Sieve // nil: nobody learns
}

const (
	leastNew = time.Minute // the shortest time after which the same behaviour is sent again
	mostNew  = 7 * 24 * time.Hour
)

// settle takes what the server wants.
func (f *fresh) settle(s *wire.Settings) {
	f.mu.Lock()
	defer f.mu.Unlock()
	every := time.Duration(min(s.GetNewMs(), mostNew.Milliseconds())) * time.Millisecond
	switch {
	case every <= 0:
		f.every, f.sieve = 0, nil
	case f.sieve == nil || f.again != s.GetNewAgain() || f.every != max(every, leastNew):
		f.every, f.again = max(every, leastNew), s.GetNewAgain()
		f.sieve = baseline.NewSieve(baseline.SieveRules{Every: f.every})
	}
}

// pick marks an event that nobody wants and that is new, and reports whether it is. One that is sent
// anyway is remembered, unless a rule wants it: from that nothing is learned.
func (f *fresh) pick(e *event.Event, sent bool, at time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sieve == nil || e.Rule != "" {
		return false
	}
	if sent {
		f.sieve.Saw(e, at)
		return false
	}
	e.New = f.sieve.Pass(e, at)
	return e.New
}

// sifted is what came of it; nil where nobody learns.
func (f *fresh) sifted() *wire.Sifted {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sieve == nil {
		return nil
	}
	s := f.sieve.Sifted()
	return &wire.Sifted{Passed: s.Passed, Held: s.Held, Early: s.Early, Things: s.Things}
}
