package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containDenyVerb = verb{
	Name: "deny", Aliases: []string{"no", "reject"}, Book: bookContain,
	Usage:    "<number> [<why>]",
	Summary:  "Say no to a request. Nothing is changed.",
	Examples: []string{"deny 3 it is the break-glass account"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.DenyAction{N: n, Why: why}, "You said no. Nothing is changed.")
	},
}
