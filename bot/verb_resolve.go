package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var resolveVerb = verb{
	Name: "resolve", Aliases: []string{"resolved"},
	Usage:    "<how it ended>",
	Summary:  "Say the incident is over. The text becomes the summary; the post-mortem is drafted.",
	Examples: []string{"resolve all sessions revoked, keys rotated, no data left"},
	Who:      incident.MayResolve,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		text, err := a.text(ctx, w, "summary", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if text == "" {
			return open(formResolve)
		}
		return ask(incident.Resolve{Text: text}, "Resolved. The post-mortem is being drafted.")
	},
}
