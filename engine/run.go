package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Lease is longer than the longest vendor time-out, so that a claim is never taken
// over while its holder still waits for an answer.
const (
	Lease       = 90 * time.Second
	performLong = 60 * time.Second
)

// attempts before an effect that keeps failing is a dead letter. Waits grow from
// retryFirst to retryMost, so 40 attempts are about three hours of a vendor's outage;
// a page is tried until it is no longer wanted.
const (
	attempts   = 40
	retryFirst = 500 * time.Millisecond
	retryMost  = 5 * time.Minute
	pageMost   = 15 * time.Second
	busyPause  = 500 * time.Millisecond // real time, between attempts to write
	justDue    = 50 * time.Millisecond  // real time, before looking again for what is due already
)

// Runner performs what the world owes.
type Runner struct {
	Engine     *Engine
	Performers map[string]Performer // by the effect's kind
	Owner      string               // unique to this process
	Workers    int                  // for all ranks; at least 1
	Urgent     int                  // more that take only pages and containment
	// Poll is how long at most to wait, in real time, before looking for work that
	// another replica owes or a clock that a stopped process left. Zero: 1 s.
	Poll time.Duration

	under atomic.Int64 // tasks under way, and looks for some
}

// Busy reports whether something is being performed, or looked for, right now.
func (r *Runner) Busy() bool { return r.under.Load() > 0 }

// Run claims and performs until ctx ends, then waits for what is under way. Leases of
// what could not be finished run out by themselves.
func (r *Runner) Run(ctx context.Context) error {
	if r.Poll == 0 {
		r.Poll = time.Second
	}
	var wg sync.WaitGroup
	wg.Go(func() { r.feed(ctx, incident.RankPage, max(1, r.Urgent)) })
	wg.Go(func() { r.feed(ctx, incident.RankRefresh, max(1, r.Workers)) })
	wg.Wait()
	return nil
}

// feed keeps up to n tasks of a rank under way. It claims for idle workers only, so
// that nothing claimed waits in a queue while its lease runs.
func (r *Runner) feed(ctx context.Context, worst incident.Rank, n int) {
	idle := make(chan struct{}, n)
	for range n {
		idle <- struct{}{}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-idle:
		case <-ctx.Done():
			return
		}
		woken := r.Engine.woken()
		free := 1 + len(idle) // nobody else takes from idle
		r.under.Add(1)
		tasks, err := r.Engine.store.Claim(ctx, r.Owner, r.Engine.clock.Now(), worst, free, Lease)
		if err != nil && ctx.Err() == nil {
			r.Engine.log.Error("claim effects", "error", err)
		}
		if len(tasks) == 0 {
			idle <- struct{}{}
			r.under.Add(-1)
			r.rest(ctx, woken)
			continue
		}
		for i, t := range tasks {
			if i > 0 {
				<-idle
			}
			r.under.Add(1)
			wg.Go(func() {
				defer func() { r.under.Add(-1); idle <- struct{}{} }()
				r.work(ctx, t)
			})
		}
		r.under.Add(-1)
	}
}

// rest waits for a wake-up, the next clock that is due, or the poll.
func (r *Runner) rest(ctx context.Context, woken <-chan struct{}) {
	wait, cancel := context.WithTimeout(ctx, r.Poll)
	defer cancel()
	due, err := r.Engine.store.NextDue(wait)
	if err == nil && !due.IsZero() {
		left := due.Sub(r.Engine.clock.Now())
		if left <= 0 && r.Poll > justDue {
			// It fell due since we looked, or somebody else is about to take it.
			wait, cancel = context.WithTimeout(wait, justDue)
			defer cancel()
		}
		if left > 0 {
			go func() {
				if r.Engine.clock.Sleep(wait, left) == nil {
					cancel()
				}
			}()
		}
	}
	select {
	case <-woken:
	case <-wait.Done():
	}
}

func (r *Runner) work(ctx context.Context, t incident.Task) {
	// A stop lets what is under way finish; its own time-out bounds it.
	one, cancel := context.WithTimeout(context.WithoutCancel(ctx), performLong)
	defer cancel()
	end, err := r.one(one, t)
	if err != nil {
		end = Lost
	}
	r.Engine.settled(t, end)
	r.Engine.Wake() // the next of its lane may be due, or this one sooner than anybody waits for
	if err != nil && !errors.Is(err, ErrLost) {
		r.Engine.log.Error("effect", "incident", t.Incident, "effect", t.ID, "kind", incident.KindOf(t.Effect), "attempt", t.Attempt, "error", err)
	}
}

// one performs a task and settles it with what it led to. It returns how
// that ended, which counts only when it was settled.
func (r *Runner) one(ctx context.Context, t incident.Task) (TaskEnd, error) {
	e := r.Engine
	s, err := e.store.Load(ctx, t.Incident)
	if err != nil {
		return Lost, fmt.Errorf("load %s: %w", t.Incident, err)
	}
	if t.Event, err = e.store.Event(ctx, t.Incident, t.Seq); err != nil {
		return Lost, fmt.Errorf("read event %d: %w", t.Seq, err)
	}
	s.Stream = t.Incident
	t.State = s
	kind := incident.KindOf(t.Effect)
	if drop := incident.Wanted(t, e.clock.Now()); drop != nil {
		if drop.Silent {
			return Dropped, e.store.Settle(ctx, t, incident.Outcome{Done: true, Error: drop.Why})
		}
		return Dropped, r.answer(ctx, t, "stale", incident.EffectStale{Effect: t.ID, Kind: kind, Why: drop.Why}, incident.Outcome{Done: true, Error: drop.Why})
	}
	answer, err := r.perform(ctx, t)
	switch {
	case err == nil && answer == nil:
		return Done, e.store.Settle(ctx, t, incident.Outcome{Done: true})
	case err == nil:
		return Done, r.answer(ctx, t, "answer", answer, incident.Outcome{Done: true})
	}
	if after, ok := incident.LaterBy(err); ok {
		e.log.Debug("effect waits", "incident", t.Incident, "effect", t.ID, "kind", kind, "wait", after, "error", err)
		return Postponed, e.store.Settle(ctx, t, incident.Outcome{Retry: e.clock.Now().Add(after), Free: true, Error: err.Error()})
	}
	_, isPage := t.Effect.(incident.Page)
	if incident.IsGivenUp(err) || t.Attempt >= attempts && !isPage {
		e.log.Warn("effect given up", "incident", t.Incident, "effect", t.ID, "kind", kind, "attempt", t.Attempt, "error", err)
		return Dead, r.answer(ctx, t, "dead", incident.EffectFailed{Effect: t.ID, Kind: kind, Why: err.Error()}, incident.Outcome{Done: true, Dead: true, Error: err.Error()})
	}
	e.log.Info("effect will be tried again", "incident", t.Incident, "effect", t.ID, "kind", kind, "attempt", t.Attempt, "error", err)
	return Retried, e.store.Settle(ctx, t, incident.Outcome{Retry: e.clock.Now().Add(backoff(t.Attempt, isPage)), Error: err.Error()})
}

func (r *Runner) perform(ctx context.Context, t incident.Task) (incident.Command, error) {
	switch e := t.Effect.(type) {
	case incident.Wake:
		return incident.Tick{Clock: e.Clock, Stage: e.Stage, Armed: t.Seq}, nil
	case incident.Tell:
		_, err := r.Engine.Handle(ctx, e.Stream, r.asked(t, "tell", e.Command))
		var no *incident.Refusal
		if errors.As(err, &no) {
			return nil, incident.GiveUp(no)
		}
		return nil, err
	}
	p, ok := r.Performers[incident.KindOf(t.Effect)]
	if !ok {
		return nil, incident.GiveUp(fmt.Errorf("nothing here can do %s; is the integration configured?", incident.KindOf(t.Effect)))
	}
	told := 0
	tell := func(c incident.Command) error {
		told++
		_, err := r.Engine.Handle(ctx, t.Incident, r.asked(t, fmt.Sprintf("%d.%d", t.Attempt, told), c))
		return err
	}
	return p.Perform(ctx, t, tell)
}

// answer hands what an effect led to back to the rules and settles the effect, in
// one commit. When the rules refuse the answer the effect is settled all the same.
// What was done outside is worth more than one attempt at writing it down, but between
// two of them people get their turn at the incident, and their answer.
func (r *Runner) answer(ctx context.Context, t incident.Task, name string, c incident.Command, o incident.Outcome) error {
	asked, settles := r.asked(t, name, c), &incident.Settles{Task: t, Outcome: o}
	_, err := r.Engine.handle(ctx, t.Incident, asked, settles)
	for errors.Is(err, ErrBusy) && pause(ctx, busyPause) {
		_, err = r.Engine.handle(ctx, t.Incident, asked, settles)
	}
	var no *incident.Refusal
	var taken *ErrTaken
	switch {
	case errors.As(err, &no):
		return nil
	case errors.As(err, &taken):
		return r.Engine.store.Settle(ctx, t, incident.Outcome{Done: true, Dead: true, Error: taken.Error()})
	}
	return err
}

func (r *Runner) asked(t incident.Task, n string, c incident.Command) incident.Asked {
	via := incident.ViaEngine
	if _, ok := c.(incident.Tick); ok {
		via = incident.ViaClock
	}
	return incident.Asked{
		ID: incident.CommandID(fmt.Sprintf("%s#%s", t.ID, n)), Root: t.Event.Root,
		By: incident.Clockwork, Via: via, At: r.Engine.clock.Now(), What: c,
	}
}

// pause waits in real time; false when ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func backoff(attempt int, page bool) time.Duration {
	most := retryMost
	if page {
		most = pageMost
	}
	wait := min(most, retryFirst<<min(attempt, 12))
	return wait/2 + rand.N(wait/2+1)
}
