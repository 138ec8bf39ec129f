package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Drills knows the scenarios that can be played, and how a drill went.
type Drills interface {
	Scenarios() []templates.DrillChoice
	// Begin is the declaration that begins a scenario; ok is false for one nobody knows.
	Begin(ctx context.Context, name string) (c incident.Declare, ok bool, err error)
	// Score is made from the record, while the drill runs as well as afterwards.
	Score(ctx context.Context, s incident.State) (incident.DrillScore, error)
}

var drillVerb = verb{
	Name: "drill", Aliases: []string{"drills", "exercise"},
	Usage:    "[list] | <scenario> | score [INC-0042] | stop [why] | past",
	Summary:  "Play a scenario: nothing is real, nothing is contained, and only those are paged who opted in.",
	Examples: []string{"drill list", "drill leaked-cloud-key", "drill score"},
	Who:      incident.MayDrill, Anywhere: true,
	Run: runDrill,
}

func runDrill(ctx context.Context, a *asking, w *words) (deed, error) {
	if a.room.Drills == nil {
		return deed{}, incident.Refuse("no-drills", "No scenarios are known here.", "")
	}
	switch {
	case w.left() == 0, w.take("list", "ls"):
		return show(a.shown(templates.DrillList(a.room.Drills.Scenarios())))
	case w.take("past", "history"):
		return a.pastDrills(ctx)
	case w.take("score", "scorecard"):
		return a.drillScore(ctx, w)
	case w.take("stop", "end"):
		return a.drillStop(ctx, w)
	}
	w.take("run", "start", "begin", "play")
	next, _ := w.next()
	c, ok, err := a.room.Drills.Begin(ctx, lower(next.text))
	if err != nil {
		return deed{}, err
	}
	if !ok {
		return deed{}, a.unknownScenario(next.text)
	}
	// A drill begins a room of its own, also where it is asked for in another's.
	a.state, a.inRoom = incident.State{}, false
	return deed{Ask: []incident.Command{c}, Said: saidDeclared}, nil
}

func (a *asking) unknownScenario(typed string) error {
	var names []string
	for _, s := range a.room.Drills.Scenarios() {
		names = append(names, s.Name)
	}
	hint := "There are " + strings.Join(names, ", ") + "."
	if near := nearest(lower(typed), names); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return incident.Refuse("unknown-scenario", "There is no scenario \""+templates.Label(typed, 40)+"\".", hint)
}

// theDrill is the drill that is meant: the one named, that of the room, or the only
// one that is open.
func (a *asking) theDrill(ctx context.Context, w *words) error {
	if id, ok := parseRef(w.peek(), false); ok {
		w.next()
		return a.take(ctx, id)
	}
	if a.state.Drilling != nil {
		return nil
	}
	list, err := a.drilled(ctx, incident.Open)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return incident.Refuse("which-drill", fmt.Sprintf("%s open.", count(len(list), "drill")), "Say it in the drill's room, or name the drill.")
	}
	return a.take(ctx, list[0].Stream)
}

func (a *asking) drillScore(ctx context.Context, w *words) (deed, error) {
	if err := a.theDrill(ctx, w); err != nil {
		return deed{}, err
	}
	score, err := a.room.Drills.Score(ctx, a.state)
	if err != nil {
		return deed{}, err
	}
	return show(a.shown(templates.Scorecard(a.state, score)))
}

func (a *asking) drillStop(ctx context.Context, w *words) (deed, error) {
	if err := a.theDrill(ctx, w); err != nil {
		return deed{}, err
	}
	why, err := a.text(ctx, w, "reason", 200)
	if err != nil {
		return deed{}, err
	}
	return ask(incident.EndDrill{Why: why}, "The drill is over; the scorecard comes into its room.")
}

// drilled lists the drills with a scenario that the asker may see, the newest first.
func (a *asking) drilled(ctx context.Context, statuses ...incident.Status) ([]incident.State, error) {
	all, err := a.visible(ctx, 500, statuses...)
	if err != nil {
		return nil, err
	}
	var out []incident.State
	for _, s := range all {
		if s.Drilling != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

func (a *asking) pastDrills(ctx context.Context) (deed, error) {
	list, err := a.drilled(ctx)
	if err != nil {
		return deed{}, err
	}
	return show(a.shown(templates.PastDrills(list)))
}
