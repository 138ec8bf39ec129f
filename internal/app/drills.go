package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// drills begins drills in the workspace and says how they went. A scenario is kept by
// its digest beside the plans, so that a scorecard can be made again after the program
// comes with a newer one.
type drills struct {
	app *App
	all []drill.Scenario
}

func (a *App) openDrills(context.Context, Parts) error {
	all, err := drill.All(templates.Scenarios())
	if err != nil {
		return err
	}
	a.drills = &drills{a, all}
	a.room.Drills = a.drills
	return nil
}

// Scenarios lists what can be played.
func (d *drills) Scenarios() []templates.DrillChoice {
	var out []templates.DrillChoice
	for _, s := range d.all {
		out = append(out, templates.DrillChoice{Name: s.Name, Title: s.Title, Length: s.Length, Severity: s.Severity})
	}
	return out
}

// Begin is the declaration that begins a scenario; ok is false for one nobody knows.
func (d *drills) Begin(ctx context.Context, name string) (c incident.Declare, ok bool, err error) {
	s, ok := drill.Find(d.all, name)
	if !ok {
		return c, false, nil
	}
	if err := d.serious(ctx); err != nil {
		return c, false, err
	}
	text, err := fs.ReadFile(templates.Scenarios(), s.Name+".yaml")
	if err != nil {
		return c, false, fmt.Errorf("read the scenario %s: %w", name, err)
	}
	if err := d.app.db.SavePlan(ctx, s.Digest, text); err != nil {
		return c, false, fmt.Errorf("keep the scenario %s: %w", name, err)
	}
	x := s.Exercise()
	c = incident.Declare{Title: s.Title, Severity: s.Severity, Drill: true, Exercise: &x}
	if slices.Contains(d.app.plan.Now().Types(), s.Type) {
		c.Type = s.Type
	}
	return c, true, nil
}

// Score holds the scenario of a drill against its record, as it is now.
func (d *drills) Score(ctx context.Context, s incident.State) (incident.DrillScore, error) {
	x := s.Drilling
	if x == nil {
		return incident.DrillScore{}, incident.Refuse("no-drill", "No scenario was played in "+string(s.Stream)+".", "See `drill list`.")
	}
	scenario, ok := drill.Find(d.all, x.Scenario)
	if !ok || scenario.Digest != x.Digest {
		text, kept, err := d.app.db.Plan(ctx, x.Digest)
		if err != nil {
			return incident.DrillScore{}, fmt.Errorf("read the scenario: %w", err)
		}
		if !kept {
			return incident.DrillScore{}, incident.GiveUp(errors.New("the scenario that was played was not kept"))
		}
		if scenario, err = drill.Load(x.Scenario+".yaml", text); err != nil {
			return incident.DrillScore{}, incident.GiveUp(err)
		}
	}
	events, err := d.app.history(ctx, s.Stream)
	if err != nil {
		return incident.DrillScore{}, err
	}
	ended := x.Ended
	if ended.IsZero() {
		ended = d.app.clock.Now()
	}
	return drill.Score(scenario, drill.Record{Began: x.Began, Ended: ended, Why: x.Why, Opened: true, Events: events}), nil
}

// Perform makes the scorecard of a drill that has ended, or has every open drill yield
// to what really happened.
func (d *drills) Perform(ctx context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	if _, ok := t.Effect.(incident.CallOffDrills); ok {
		return nil, d.callOff(ctx, t)
	}
	score, err := d.Score(ctx, t.State)
	var no *incident.Refusal
	if errors.As(err, &no) {
		return nil, incident.GiveUp(no)
	}
	if err != nil {
		return nil, fmt.Errorf("score the drill: %w", err)
	}
	return incident.DrillMeasured{Score: score}, nil
}

// callOff asks each open drill to yield. A repeat is answered from the record.
func (d *drills) callOff(ctx context.Context, t incident.Task) error {
	yield := incident.YieldDrill{To: t.Incident}
	if t.State.Private {
		yield.To = ""
	}
	return d.app.db.Each(ctx, []incident.Status{incident.Open}, func(s incident.State) error {
		if !s.Drill {
			return nil
		}
		_, err := d.app.engine.Handle(ctx, s.Stream, incident.Asked{
			ID: incident.CommandID(fmt.Sprintf("%s#yield/%s", t.ID, s.Stream)), Root: t.Event.Root,
			By: incident.Clockwork, Via: incident.ViaEngine, At: d.app.clock.Now(), What: yield,
		})
		if err != nil {
			return fmt.Errorf("call off %s: %w", s.Stream, err)
		}
		return nil
	})
}

// serious refuses a drill while a real P1 is open: nobody is free to play.
func (d *drills) serious(ctx context.Context) error {
	no := false
	open, err := d.app.db.List(ctx, store.Filter{Statuses: []incident.Status{incident.Open}, Drill: &no, Limit: 1000})
	if err != nil {
		return err
	}
	for _, s := range open {
		if s.Severity == incident.P1 {
			return incident.Refuse("real-p1", "This is no time for a drill: a real P1 is open.", "Drill when it is over.")
		}
	}
	return nil
}

// drillLook is how often the schedule is looked at. The plan may have changed
// meanwhile, so nothing is kept from one look to the next but the time.
const drillLook = time.Minute

// scheduled begins the drills that the plan's clock wants, until ctx ends.
func (d *drills) scheduled(ctx context.Context) error {
	last := d.app.clock.Now()
	for {
		if err := d.app.clock.Sleep(ctx, drillLook); err != nil {
			return nil //nolint:nilerr // the context ended: that is how it stops
		}
		now := d.app.clock.Now()
		days, name := d.app.plan.Now().DrillDays()
		for _, day := range days {
			if at, ok := due(day, name, last, now); ok {
				d.beginScheduled(ctx, day, at)
			}
		}
		last = now
	}
}

// due is when a schedule last fired after one moment and not after another.
func due(day plan.DrillDay, zoneName string, after, until time.Time) (at time.Time, ok bool) {
	zone, err := time.LoadLocation(zoneName)
	when, wrong := cron.ParseStandard(day.Cron)
	if err != nil || wrong != nil {
		return at, false // the plan was checked
	}
	for next := when.Next(after.In(zone)); !next.IsZero() && !next.After(until); next = when.Next(next) {
		at, ok = next, true
	}
	return at, ok
}

// beginScheduled only asks. The command's id names the moment, so that two replicas
// asking at once begin one drill.
func (d *drills) beginScheduled(ctx context.Context, day plan.DrillDay, at time.Time) {
	c, ok, err := d.Begin(ctx, day.Scenario)
	if err == nil && !ok {
		err = errors.New("there is no such scenario")
	}
	if err == nil {
		asked := incident.Asked{
			ID: incident.CommandID(fmt.Sprintf("drill/%s/%s", day.Scenario, at.UTC().Format("200601021504"))),
			By: incident.Clockwork, Via: incident.ViaClock, At: d.app.clock.Now(), What: c,
		}
		asked.Root = asked.ID
		_, err = d.app.engine.Handle(ctx, "", asked)
	}
	if err != nil && ctx.Err() == nil {
		d.app.log.Warn("a scheduled drill did not begin", "scenario", day.Scenario, "error", err)
	}
}

var _ bot.Drills = (*drills)(nil)
