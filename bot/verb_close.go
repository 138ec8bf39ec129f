package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var closeVerb = verb{
	Name: "close", Aliases: []string{"archive"},
	Usage:    "[waive <why>]",
	Summary:  "File the incident away. Open duties are named; waiving them needs a reason.",
	Examples: []string{"close", "close waive the remaining task moved to the platform team"},
	Who:      incident.MayClose,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if w.left() > 0 && !w.take("waive") {
			return deed{}, a.usage("To close over open duties, say: close waive, and why.")
		}
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.Close{Waive: why}, "Closed.")
	},
}
