package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containRetryVerb = verb{
	Name: "retry", Aliases: []string{"resume-request"}, Book: bookContain,
	Usage:    "<number>",
	Summary:  "Take up what a request left undone, with the plan that was approved.",
	Examples: []string{"retry 3"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.RetryAction{N: n}, "What was left undone is taken up.")
	},
}
