// Package clock tells the time, and can tell it faster. serve uses Real; the
// demo, drills and story tests use a Fast clock, so that a two-hour incident can be
// played in a minute by everything that waits, ours and the sandbox's alike.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock is what waits and stamps. Consumers declare the one or two methods they
// need; this is the whole of it.
type Clock interface {
	// Now is the present in UTC.
	Now() time.Time
	// Sleep returns nil after d has passed on this clock, or the context's error.
	Sleep(ctx context.Context, d time.Duration) error
	// AfterFunc calls f in its own goroutine once d has passed on this clock.
	// The stop it returns reports whether it prevented the call.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Real is the machine's clock.
type Real struct{}

// Now is the present in UTC.
func (Real) Now() time.Time { return time.Now().UTC() }

// Sleep waits d or until ctx ends.
func (Real) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AfterFunc is time.AfterFunc.
func (Real) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// Fast runs at a factor of real time that may be changed while others wait on it,
// and may be moved forward. It never runs backwards.
type Fast struct {
	// mu guards everything that follows.
	mu      sync.Mutex
	factor  float64
	base    time.Time // on this clock
	real    time.Time // when base was true, on the machine's
	waiters map[*waiter]struct{}
}

type waiter struct {
	due   time.Time
	timer *time.Timer
	fire  func()
}

// NewFast starts at start (UTC) and runs at factor times real time. A factor of
// zero or less is taken as 1.
func NewFast(start time.Time, factor float64) *Fast {
	if factor <= 0 {
		factor = 1
	}
	return &Fast{factor: factor, base: start.UTC(), real: time.Now(), waiters: map[*waiter]struct{}{}}
}

// Now is the present on this clock, in UTC.
func (c *Fast) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Fast) now() time.Time {
	return c.base.Add(time.Duration(float64(time.Since(c.real)) * c.factor))
}

// Factor is how many seconds pass here for one of real time.
func (c *Fast) Factor() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.factor
}

// SetFactor changes the speed from now on; all who wait are re-armed. A factor of
// zero or less is ignored.
func (c *Fast) SetFactor(f float64) {
	if f <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.real, c.factor = c.now(), time.Now(), f
	c.rearm()
}

// Advance moves the clock forward by d at once; whoever was due in between wakes.
// A negative d is ignored.
func (c *Fast) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.real = c.now().Add(d), time.Now()
	c.rearm()
}

// Sleep waits until d has passed on this clock or ctx ends.
func (c *Fast) Sleep(ctx context.Context, d time.Duration) error {
	done := make(chan struct{})
	stop := c.AfterFunc(d, func() { close(done) })
	defer stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AfterFunc calls f in its own goroutine once d has passed on this clock.
func (c *Fast) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &waiter{due: c.now().Add(d), fire: f}
	c.waiters[w] = struct{}{}
	c.arm(w)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, waiting := c.waiters[w]; !waiting {
			return false
		}
		delete(c.waiters, w)
		w.timer.Stop()
		return true
	}
}

func (c *Fast) rearm() {
	for w := range c.waiters {
		w.timer.Stop()
		c.arm(w)
	}
}

func (c *Fast) arm(w *waiter) {
	wait := max(0, time.Duration(float64(w.due.Sub(c.now()))/c.factor))
	w.timer = time.AfterFunc(wait, func() { c.wake(w) })
}

// wake fires w unless it was stopped, or the clock was slowed after its timer ran out.
func (c *Fast) wake(w *waiter) {
	c.mu.Lock()
	if _, waiting := c.waiters[w]; !waiting {
		c.mu.Unlock()
		return
	}
	if c.now().Before(w.due) {
		c.arm(w)
		c.mu.Unlock()
		return
	}
	delete(c.waiters, w)
	c.mu.Unlock()
	w.fire()
}
