package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var handoffVerb = verb{
	Name: "handoff", Aliases: []string{"handover"},
	Usage:    "[<role> @person]",
	Summary:  "What the next shift takes over; with a role and a person, offer it to them.",
	Examples: []string{"handoff", "handoff commander @bob"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if w.left() > 0 {
			role, err := a.nextRole(w)
			if err != nil {
				return deed{}, err
			}
			to, err := a.nextPerson(ctx, w)
			if err != nil {
				return deed{}, err
			}
			return ask(incident.OfferRole{Role: role, To: to}, "Offered to "+called(to)+". The holder stays "+string(role)+" until that is accepted.")
		}
		entries, err := a.entries(ctx)
		if err != nil {
			return deed{}, err
		}
		return show(a.shown(templates.Handoff(a.state, entries, a.now)))
	},
}
