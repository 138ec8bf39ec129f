package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsRealVerb = verb{
	Name: "real", Aliases: []string{"true-positive", "tp"}, Book: bookSignals,
	Usage:    "<rule, or the number of the line> [why]",
	Summary:  "Say that what a rule found was real: it counts for the rule.",
	Examples: []string{"real 17"},
	Who:      incident.MayRespond, Anywhere: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) { return a.mark(ctx, w, false) },
}
