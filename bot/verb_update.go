package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var updateVerb = verb{
	Name: "update", Aliases: []string{"up"},
	Usage:    "<text>",
	Summary:  "Post a status update for everybody who follows the incident.",
	Examples: []string{"update sessions revoked, looking for other tenants"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		text, err := a.text(ctx, w, "update", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if text == "" {
			return open(formUpdate)
		}
		return ask(incident.PostUpdate{Text: text}, "Your update is posted.")
	},
}
