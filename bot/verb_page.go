package bot

import (
	"context"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var pageVerb = verb{
	Name:     "page",
	Usage:    "<@person|ladder> [why]",
	Summary:  "Page a person, or run a ladder of the plan.",
	Examples: []string{"page @bob need the database on-call", "page security-lead"},
	Who:      incident.MayPageOthers,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		next, ok := w.next()
		if !ok {
			return open(formPage)
		}
		var c incident.PageNow
		said := ""
		if slices.Contains(a.room.Plan.Ladders(), lower(next.text)) {
			c.Ladder = lower(next.text)
			said = "The ladder " + templates.Line(c.Ladder, 60) + " is being paged."
		} else {
			p, err := a.person(ctx, w, next.text)
			if err != nil {
				return deed{}, err
			}
			c.Person, said = &p, called(p)+" is being paged."
		}
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		c.Why = why
		return ask(c, said)
	},
}
