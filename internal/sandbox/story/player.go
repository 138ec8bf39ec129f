package story

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Defaults of a Player, in real time. Quiet is counted in looks, each of which comes
// late on a busy machine, so that there it lasts longer.
const (
	defaultPatience = 10 * time.Second
	defaultQuiet    = 250 * time.Millisecond
	pollEvery       = 10 * time.Millisecond
	patienceMost    = 6 // times the patience: something goes on and on
)

// Hook is a step the program carries out: its name is the step's first words and args
// are what the story filled in, in order. A hook for an expectation is called until it
// returns nil.
type Hook func(ctx context.Context, args []string) error

// Player plays one story in one world. World and Story are required.
type Player struct {
	World *sandbox.World
	Story *Story

	// Hooks carry out the steps that only the program can: "tocsin restarts",
	// "tocsin do", "tocsin answers", "timeline has", "timeline lacks", "audit verifies".
	Hooks map[string]Hook
	// Observer hears of every step once it is done, with the real time it took.
	Observer func(step Step, took time.Duration)
	// Patience is how long an expectation is waited for, in real time, while nothing
	// happens that could bring it about: a slow machine is no reason to fail.
	Patience time.Duration
	// Quiet is how long nothing must change before what must not be is looked for.
	Quiet time.Duration
	// Busy says that the program has something to do at once, or is doing it; nil: never.
	Busy func() bool
	// Next is when the program has something to do next, on the world's clock; zero: never.
	Next func() time.Time

	changed  atomic.Int64 // when anything changed last, unix nanoseconds
	at       map[string]string
	home     map[string]bool
	filled   map[string]map[string]map[string]slack.Input // by view, block and action
	answered int                                          // status of the last posted request
	told     string                                       // what it was told
	posted   posting                                      // what the last posted request was

	elsewhere elsewhere
}

// Failure is a step that did not come true.
type Failure struct {
	File  string
	Line  int
	Step  string
	Err   error
	After time.Duration // how long it was tried, real time
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d: %s\n\t%s", f.File, f.Line, f.Step, strings.ReplaceAll(strings.TrimSpace(f.Err.Error()), "\n", "\n\t"))
}

func (f *Failure) Unwrap() error { return f.Err }

// Run plays the story to its end. The error is a *Failure, or the context's.
func (p *Player) Run(ctx context.Context) error {
	if p.Patience <= 0 {
		p.Patience = defaultPatience
	}
	if p.Quiet <= 0 {
		p.Quiet = defaultQuiet
	}
	p.at, p.home, p.filled = map[string]string{}, map[string]bool{}, map[string]map[string]map[string]slack.Input{}
	stop := p.watch()
	defer stop()
	defer p.elsewhere.close()
	for _, s := range p.Story.Steps {
		begun := time.Now()
		if err := p.play(ctx, s); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("%s:%d: %s: %w", p.Story.File, s.Line, s.Text, ctx.Err())
			}
			return &Failure{File: p.Story.File, Line: s.Line, Step: s.Text, Err: err, After: time.Since(begun)}
		}
		if p.Observer != nil {
			p.Observer(s, time.Since(begun))
		}
	}
	return nil
}

func (p *Player) play(ctx context.Context, s Step) error {
	switch f := s.form; {
	case f.do != nil:
		return f.do(ctx, p, s.args)
	case f.never:
		if err := p.settle(ctx); err != nil {
			return err
		}
		return f.check(ctx, p, s.args)
	default:
		return p.until(ctx, func() error { return f.check(ctx, p, s.args) })
	}
}

// errSure ends the waiting for something that cannot come true any more.
type errSure struct{ error }

func (e errSure) Unwrap() error { return e.error }

// soon is how near, on the world's clock, something must be for whoever waits to have
// it at once: a vendor's next second, the next attempt at a call.
const (
	soon      = 5 * time.Second
	soonLooks = 5 // after so many at which nothing happened
)

// until tries until it holds or the patience is over. When all is still and something is
// due soon, the clock goes there by itself.
func (p *Player) until(ctx context.Context, holds func() error) error {
	begun := time.Now()
	active := begun
	for calm := 0; ; calm++ {
		seen := p.changed.Load()
		err := holds()
		if err == nil {
			return nil
		}
		if sure, is := errors.AsType[errSure](err); is {
			return sure.error
		}
		if p.changed.Load() != seen || p.Busy != nil && p.Busy() {
			active, calm = time.Now(), 0
		}
		if next := p.next(); calm >= soonLooks && next > 0 && next <= soon {
			p.World.Clock.Advance(next)
			active, calm = time.Now(), 0
		}
		if time.Since(active) > p.Patience || time.Since(begun) > patienceMost*p.Patience {
			return fmt.Errorf("not so after %s: %w", time.Since(begun).Round(time.Second), err)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// settle waits until nothing has changed for a while.
func (p *Player) settle(ctx context.Context) error { return p.still(ctx, p.Quiet) }

// still waits until nobody has anything to do and nothing has changed for so many looks
// as fit into quiet; not for ever, where something is tried again and again.
func (p *Player) still(ctx context.Context, quiet time.Duration) error {
	looks := int(quiet / pollEvery)
	last := p.changed.Load()
	for begun, calm := time.Now(), 0; calm < looks && time.Since(begun) < patienceMost*p.Patience; {
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
		calm++
		if now := p.changed.Load(); now != last || p.Busy != nil && p.Busy() {
			last, calm = now, 0
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch notes when anything changes in the world, until stop.
func (p *Player) watch() (stop func()) {
	a, stopA := p.World.Slack.Subscribe()
	b, stopB := p.World.PagerDuty.Subscribe()
	c, stopC := p.World.GitHub.Subscribe()
	d, stopD := p.World.Okta.Subscribe()
	e, stopE := p.World.AWS.Subscribe()
	f, stopF := p.World.Cloudflare.Subscribe()
	done := make(chan struct{})
	p.changed.Store(time.Now().UnixNano())
	go func() {
		for {
			select {
			case <-a:
			case <-b:
			case <-c:
			case <-d:
			case <-e:
			case <-f:
			case <-done:
				return
			}
			p.changed.Store(time.Now().UnixNano())
		}
	}()
	return func() {
		close(done)
		stopA()
		stopB()
		stopC()
		stopD()
		stopE()
		stopF()
	}
}
