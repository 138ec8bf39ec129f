package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var unackVerb = verb{
	Name: "unack", Aliases: []string{"unacknowledge"},
	Usage:    "[why]",
	Summary:  "Take your answer back: paging goes on.",
	Examples: []string{"unack wrong incident"},
	Who:      incident.MayRespond,
	Run:      runUnack,
}

func runUnack(ctx context.Context, a *asking, w *words) (deed, error) {
	why, err := a.text(ctx, w, "reason", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	return ask(incident.Unacknowledge{Why: why}, "You took your answer back. Paging goes on.")
}
