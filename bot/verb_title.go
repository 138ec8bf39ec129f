package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var titleVerb = verb{
	Name: "title", Aliases: []string{"retitle", "rename"},
	Usage:    "<new title>",
	Summary:  "Change the title.",
	Examples: []string{"title okta session theft, three accounts"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		title, err := a.text(ctx, w, "title", incident.MaxTitle)
		if err != nil {
			return deed{}, err
		}
		if title == "" {
			return deed{}, a.usage("Say the new title.")
		}
		return ask(incident.Retitle{Title: title}, "The title is changed.")
	},
}
