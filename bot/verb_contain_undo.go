package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containUndoVerb = verb{
	Name: "undo", Aliases: []string{"release", "lift"}, Book: bookContain,
	Usage:    "<number> [force] [<why>]",
	Summary:  "End the hold of a request. What was found is restored; the target is freed when its last holder lets go.",
	Examples: []string{"undo 3", "undo 3 force we changed it ourselves"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		force := w.take("force", "--force")
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.UndoAction{N: n, Force: force, Why: why}, "The hold is being ended; the room is told what came of it.")
	},
}
