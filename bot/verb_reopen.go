package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var reopenVerb = verb{
	Name:     "reopen",
	Usage:    "<why>",
	Summary:  "Take a resolved or closed incident up again.",
	Examples: []string{"reopen the beacon is back"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return open(formReopen)
		}
		return ask(incident.Reopen{Why: why}, "The incident is open again.")
	},
}
