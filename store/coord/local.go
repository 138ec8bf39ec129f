package coord

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// local is a Coordinator for one process.
type local struct {
	clock Clock

	// mu guards everything that follows.
	mu        sync.Mutex
	listeners map[string]map[chan struct{}]struct{}
	purses    map[string]purse
	leases    map[string]hold
}

type purse struct {
	tokens float64
	at     time.Time // when tokens was true
	until  time.Time // the vendor said: not before
}

type hold struct {
	until time.Time
	fence int64
}

// Local coordinates within one process; Leases always go to it.
func Local(c Clock) Coordinator { return newLocal(c) }

func newLocal(c Clock) *local {
	return &local{clock: c, listeners: map[string]map[chan struct{}]struct{}{}, purses: map[string]purse{}, leases: map[string]hold{}}
}

func (l *local) Publish(_ context.Context, topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range l.listeners[topic] {
		select {
		case ch <- struct{}{}:
		default: // it is awake already
		}
	}
}

func (l *local) Listen(ctx context.Context, topic string) <-chan struct{} {
	ch := make(chan struct{}, 1)
	l.mu.Lock()
	if l.listeners[topic] == nil {
		l.listeners[topic] = map[chan struct{}]struct{}{}
	}
	l.listeners[topic][ch] = struct{}{}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.listeners[topic], ch)
		if len(l.listeners[topic]) == 0 {
			delete(l.listeners, topic)
		}
		close(ch)
	})
	return ch
}

// topics lists what is listened to.
func (l *local) topics() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for t := range l.listeners {
		out = append(out, t)
	}
	return out
}

func (l *local) Take(_ context.Context, key string, r Rate, rank incident.Rank) (time.Duration, error) {
	b, err := r.bucket(rank)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	p, ok := l.purses[key]
	if !ok {
		l.forgetFull(now)
		p = purse{tokens: b.size, at: now}
	}
	if now.After(p.at) {
		p.tokens = min(b.size, p.tokens+b.perMS*float64(now.Sub(p.at))/float64(time.Millisecond))
		p.at = now
	}
	defer func() { l.purses[key] = p }()
	if wait := p.until.Sub(now); wait > 0 {
		return wait, nil
	}
	if p.tokens < b.need {
		return waitFor(b.need-p.tokens, b.perMS), nil
	}
	p.tokens--
	return 0, nil
}

// waitFor is how long tokens take to come, rounded up to the millisecond.
func waitFor(tokens, perMS float64) time.Duration {
	return time.Duration(max(1, math.Ceil(tokens/perMS-1e-6))) * time.Millisecond
}

// maxPurses bounds what is remembered of keys, one per channel and method.
const maxPurses = 10_000

// forgetFull drops purses that nobody took from for an hour: they are full again.
func (l *local) forgetFull(now time.Time) {
	if len(l.purses) < maxPurses {
		return
	}
	for key, p := range l.purses {
		if now.Sub(p.at) > time.Hour && now.After(p.until) {
			delete(l.purses, key)
		}
	}
}

func (l *local) Penalise(_ context.Context, key string, wait time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	p, ok := l.purses[key]
	if !ok {
		p = purse{tokens: 0, at: now}
	}
	if until := now.Add(wait); until.After(p.until) {
		p.until = until
	}
	l.purses[key] = p
	return nil
}

func (l *local) Hold(_ context.Context, name string, ttl time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, now := l.leases[name], l.clock.Now()
	if !now.Before(h.until) {
		h.fence++
	}
	h.until = now.Add(ttl)
	l.leases[name] = h
	return true, nil
}

func (l *local) Fence(name string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.leases[name]; l.clock.Now().Before(h.until) {
		return h.fence
	}
	return 0
}

func (l *local) Release(_ context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.leases[name]
	h.until = time.Time{}
	l.leases[name] = h
	return nil
}

func (l *local) Close() error { return nil }
