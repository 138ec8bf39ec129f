package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsFalseVerb = verb{
	Name: "fp", Aliases: []string{"false", "false-positive", "noise"}, Book: bookSignals,
	Usage:    "<rule, or the number of the line> [why]",
	Summary:  "Say that what a rule found was a false alarm: it counts against the rule.",
	Examples: []string{"fp 17 our own scanner", "fp sigma/reverse_shell_dev_tcp"},
	Who:      incident.MayRespond, Anywhere: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) { return a.mark(ctx, w, true) },
}
