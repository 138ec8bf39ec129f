package app

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// Exercised is the record of the first incident that was declared since began, a drill
// before any other; none is a record without events.
func (d *Demo) Exercised(ctx context.Context, began time.Time) (incident.State, []incident.Recorded, error) {
	a := d.App()
	if a == nil {
		return incident.State{}, nil, errHalted
	}
	list, err := a.db.List(ctx, store.Filter{})
	if err != nil {
		return incident.State{}, nil, err
	}
	var found *incident.State
	began = began.Truncate(time.Millisecond) // as the record has its times
	for i, s := range list {                 // the newest is first
		if !s.Declared.Before(began) && (found == nil || s.Drill || !found.Drill) {
			found = &list[i]
		}
	}
	if found == nil {
		return incident.State{}, nil, nil
	}
	events, err := a.history(ctx, found.Stream)
	return *found, events, err
}

// Score holds a scenario that was played in the sandbox against what was recorded
// between began and ended. why says why it ended before its time.
func (d *Demo) Score(ctx context.Context, s drill.Scenario, began, ended time.Time, why string) (incident.DrillScore, incident.State, error) {
	began = began.Truncate(time.Millisecond)
	state, events, err := d.Exercised(ctx, began)
	if err != nil {
		return incident.DrillScore{}, state, fmt.Errorf("read the record of the drill: %w", err)
	}
	return drill.Score(s, drill.Record{Began: began, Ended: ended, Why: why, Events: events}), state, nil
}

// Do carries out words of Slack for a persona without Slack, as `tocsin do` does, and
// returns the answer as a terminal shows it.
func (d *Demo) Do(ctx context.Context, line, as string) (string, error) {
	reply, err := d.do(ctx, []string{line, as})
	if err != nil {
		return "", err
	}
	return templates.Terminal(reply.Card), nil
}
