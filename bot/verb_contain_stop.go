package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containStopVerb = verb{
	Name: "stop", Aliases: []string{"freeze", "halt"}, Book: bookContain,
	Usage:    "[<number> | all] [<why>]",
	Summary:  "Freeze what is pending, at once: one request, everything of this incident, or everything everywhere. What is in effect stays.",
	Examples: []string{"stop", "stop 3", "stop all wrong plan is out"},
	Who:      incident.MayStop,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		c := incident.StopActions{All: w.take("all", "everything")}
		if deedText.MatchString(w.peek()) && !c.All {
			var err error
			if c.N, err = a.deedNumber(w); err != nil {
				return deed{}, err
			}
		}
		var err error
		if c.Why, err = a.text(ctx, w, "reason", incident.MaxText); err != nil {
			return deed{}, err
		}
		return ask(c, "Stopped. Nothing that is pending is carried out.")
	},
}
