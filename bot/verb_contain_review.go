package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containReviewVerb = verb{
	Name: "review", Book: bookContain,
	Usage:    "<number> <what you found>",
	Summary:  "Close the review of a broken glass. Whoever broke it cannot.",
	Examples: []string{"review 3 it was right: the approver was asleep"},
	Who:      incident.MayReview,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		text, err := a.text(ctx, w, "review", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if text == "" {
			return deed{}, a.usage("Say what you found.")
		}
		return ask(incident.ReviewAction{N: n, Text: text}, "The review is recorded.")
	},
}
