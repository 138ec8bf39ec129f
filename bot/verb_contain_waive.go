package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containWaiveVerb = verb{
	Name: "waive", Book: bookContain,
	Usage:    "<number> <why>",
	Summary:  "Let a request run although what it destroys could not be kept first. It is recorded under your name.",
	Examples: []string{"waive 3 the host is spreading it"},
	Who:      incident.MayWaiveProof,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return deed{}, a.usage("Say why it cannot wait.")
		}
		return ask(incident.WaiveEvidence{N: n, Why: why}, "The evidence is waived under your name.")
	},
}
