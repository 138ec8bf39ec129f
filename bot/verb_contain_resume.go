package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containResumeVerb = verb{
	Name: "resume", Aliases: []string{"thaw"}, Book: bookContain,
	Usage:    "[all] <why>",
	Summary:  "Let containment go on after a stop.",
	Examples: []string{"resume the plan was put right", "resume all false alarm"},
	Who:      incident.MayResume,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		c := incident.ResumeActions{All: w.take("all", "everything")}
		var err error
		if c.Why, err = a.text(ctx, w, "reason", incident.MaxText); err != nil {
			return deed{}, err
		}
		if c.Why == "" {
			return deed{}, a.usage("Say why it may go on.")
		}
		return ask(c, "Containment may go on.")
	},
}
