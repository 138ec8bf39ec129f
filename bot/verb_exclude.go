package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var excludeVerb = verb{
	Name:     "exclude",
	Usage:    "@person | lift @person",
	Summary:  "Bar somebody (an insider, a taken-over account) from the incident.",
	Examples: []string{"exclude @mallory", "exclude lift @mallory"},
	Who:      incident.MayExclude,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		lift := w.take("lift", "undo")
		p, err := a.nextPerson(ctx, w)
		if err != nil {
			return deed{}, err
		}
		said := called(p) + " is barred from this incident: no invitation, no page, no look."
		if lift {
			said = called(p) + " is no longer barred from this incident."
		}
		return ask(incident.Exclude{Person: p, Lift: lift}, said)
	},
}
