package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// A sweep only asks; what follows is decided by the rules. Its command ids name the
// minute, so that two replicas asking at once ask once.

// signHeadsEvery is how long a line of the record may be without a signature over it.
const signHeadsEvery = "*/5 * * * *"

// pruneEvery is when what nobody can ask for again is dropped.
const pruneEvery = "17 * * * *"

// retainEvery is when evidence whose time is over is looked for.
const retainEvery = "41 3 * * *"

// sweeps runs the plan's scheduled questions on the app's clock until ctx ends.
func (a *App) sweeps(ctx context.Context) error {
	log := cronLog{a.log}
	chain := cron.NewChain(cron.Recover(log), cron.SkipIfStillRunning(log))
	s := a.plan.Now().Settings().Sweeps
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return fmt.Errorf("zone of the sweeps: %w", err)
	}
	type job struct {
		name string
		when cron.Schedule
		job  cron.Job
		next time.Time
	}
	var jobs []*job
	for _, j := range []struct {
		name, spec string
		run        func(context.Context)
		everywhere bool // by every replica, not only by the one that leads
	}{
		{"oncall", s.OnCall, a.sweepOnCall, false},
		{"items", s.Overdue, func(ctx context.Context) { a.nudge(ctx, "items") }, false},
		{"stale", s.Stale, func(ctx context.Context) { a.nudge(ctx, "stale") }, false},
		{"tasks", s.Reminders, func(ctx context.Context) { a.nudge(ctx, "tasks") }, false},
		{"heads", signHeadsEvery, a.signHeads, false},
		{"plan", "@every 1m", a.reloadPlan, true},
		{"snapshots", "@every 10m", a.sweepSnapshots, false},
		{"prune", pruneEvery, a.prune, false},
		{"evidence", retainEvery, a.sweepEvidence, false},
	} {
		if j.spec == "" {
			continue
		}
		when, err := cron.ParseStandard(j.spec)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", j.name, err)
		}
		run := func() {
			if ok, err := a.coord.Hold(ctx, a.shared("sweep/"+j.name), time.Minute); j.everywhere || err == nil && ok {
				j.run(ctx)
			}
		}
		jobs = append(jobs, &job{name: j.name, when: when, job: chain.Then(cron.FuncJob(run)), next: when.Next(a.clock.Now().In(zone))})
	}
	a.sweepOnCall(ctx) // who is on call has to be known before the first page fails
	for len(jobs) > 0 {
		next := jobs[0]
		for _, j := range jobs {
			if j.next.Before(next.next) {
				next = j
			}
		}
		if err := a.clock.Sleep(ctx, next.next.Sub(a.clock.Now())); err != nil {
			return nil //nolint:nilerr // the context ended: that is how it stops
		}
		go next.job.Run()
		next.next = next.when.Next(a.clock.Now().In(zone))
	}
	<-ctx.Done()
	return nil
}

func (a *App) sweepOnCall(ctx context.Context) {
	if a.pager == nil || !a.config.PagerDuty.Token.IsSet() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := a.pager.RefreshOnCall(ctx, a.plan.Now().Schedules(), nil); err != nil {
		a.log.Warn("who is on call could not be refreshed", "error", err)
	}
}

// reloadPlan takes up a changed plan. A broken one changes nothing and is said once.
func (a *App) reloadPlan(ctx context.Context) {
	before := a.plan.Now().Digest()
	err := a.plan.Reload(ctx)
	switch {
	case err != nil && err.Error() != a.planTrouble:
		a.planTrouble = err.Error()
		a.log.Error("the plan was changed and is broken; the last good one stays in force", "problems", err)
	case err == nil:
		a.planTrouble = ""
		if now := a.plan.Now().Digest(); now != before {
			a.log.Info("a new plan is in force", "plan", now)
		}
	}
}

// sweepSnapshots makes the next start and the next load of quiet incidents cheap.
func (a *App) sweepSnapshots(ctx context.Context) {
	if _, err := a.db.SnapshotIdle(ctx, a.clock.Now().Add(-10*time.Minute), 100); err != nil {
		a.log.Warn("snapshots", "error", err)
	}
}

// prune drops what nobody can ask for again.
func (a *App) prune(ctx context.Context) {
	dropped, err := a.db.Prune(ctx, a.clock.Now())
	if err != nil {
		a.log.Warn("prune", "error", err)
	}
	if dropped != (store.Pruned{}) {
		a.log.Info("pruned", "answers", dropped.Answers, "effects", dropped.Effects, "numbers", dropped.Numbers)
	}
}

// nudge asks every incident, however many there are, that has something overdue. The
// rules are pure, so they can be asked beforehand: where nothing is overdue, nothing
// is written.
func (a *App) nudge(ctx context.Context, sweep string) {
	now := a.clock.Now()
	err := a.db.Each(ctx, nil, func(s incident.State) error {
		asked := incident.Asked{
			ID: incident.CommandID(fmt.Sprintf("sweep/%s/%s/%s", sweep, s.Stream, now.Format("200601021504"))),
			By: incident.Clockwork, Via: incident.ViaClock, At: now, What: incident.Nudge{Sweep: sweep},
		}
		asked.Root = asked.ID
		var no *incident.Refusal
		if change, err := incident.Decide(s, asked, a.plan.Now()); errors.As(err, &no) || err == nil && change.Empty() {
			return nil
		}
		if _, err := a.engine.Handle(ctx, s.Stream, asked); err != nil {
			a.log.Warn("sweep", "sweep", sweep, "incident", s.Stream, "error", err)
		}
		return ctx.Err()
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("sweep", "sweep", sweep, "error", err)
	}
}

// cronLog hands cron's own words to slog.
type cronLog struct{ log *slog.Logger }

func (l cronLog) Info(msg string, kv ...any) { l.log.Debug(msg, kv...) }

func (l cronLog) Error(err error, msg string, kv ...any) {
	l.log.Error(msg, append(kv, "error", err)...)
}
