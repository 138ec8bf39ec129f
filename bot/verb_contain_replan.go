package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containReplanVerb = verb{
	Name: "replan", Book: bookContain,
	Usage:    "<number>",
	Summary:  "Plan a request anew. Approvals of the plan before do not count for it.",
	Examples: []string{"replan 3"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.ReplanAction{N: n}, "It is planned anew.")
	},
}
