package bot

import (
	"context"
)

var signalsHealthVerb = verb{
	Name: "health", Aliases: []string{"losses"}, Book: bookSignals,
	Usage:    "[<host>]",
	Summary:  "Whether anything was missed: what each sensor saw, sent and lost.",
	Examples: []string{"health", "health web-3"},
	Anywhere: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		s, err := a.sensors()
		if err != nil {
			return deed{}, err
		}
		l, err := s.Health(ctx, lower(w.rest()))
		if err != nil {
			return deed{}, err
		}
		return a.showLook(l)
	},
}
