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

// Defaults of a Player, in real time.
const (
	defaultPatience = 10 * time.Second
	defaultQuiet    = 250 * time.Millisecond
	pollEvery       = 20 * time.Millisecond
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
	// Patience is how long an expectation may take to come true, in real time.
	Patience time.Duration
	// Quiet is how long nothing must change before what must not be is looked for.
	Quiet time.Duration
	// Busy says that the program still has something to do at once; nil: never.
	Busy func() bool

	changed  atomic.Int64 // when anything changed last, unix nanoseconds
	at       map[string]string
	home     map[string]bool
	filled   map[string]map[string]map[string]slack.Input // by view, block and action
	answered int                                          // status of the last posted request
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

// until tries until it holds or the patience is over.
func (p *Player) until(ctx context.Context, holds func() error) error {
	begun := time.Now()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		if sure, is := errors.AsType[errSure](err); is {
			return sure.error
		}
		if time.Since(begun) > p.Patience {
			return fmt.Errorf("not so after %s: %w", p.Patience, err)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// settle waits until nothing has changed for a while, at most for the patience.
func (p *Player) settle(ctx context.Context) error { return p.still(ctx, p.Quiet) }

func (p *Player) still(ctx context.Context, quiet time.Duration) error {
	begun := time.Now()
	for time.Since(begun) < p.Patience {
		last := time.Unix(0, max(p.changed.Load(), begun.UnixNano()))
		if time.Since(last) >= quiet && (p.Busy == nil || !p.Busy()) {
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
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
	done := make(chan struct{})
	p.changed.Store(time.Now().UnixNano())
	go func() {
		for {
			select {
			case <-a:
			case <-b:
			case <-c:
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
	}
}
