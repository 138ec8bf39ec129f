package bot

import (
	"context"
)

var signalsRecentVerb = verb{
	Name: "recent", Aliases: []string{"list", "show", "status"}, Book: bookSignals,
	Summary:  "What was found on hosts lately, the newest first.",
	Examples: []string{"recent"},
	Anywhere: true,
	Run: func(ctx context.Context, a *asking, _ *words) (deed, error) {
		s, err := a.sensors()
		if err != nil {
			return deed{}, err
		}
		l, err := s.Recent(ctx)
		if err != nil {
			return deed{}, err
		}
		hidden, err := a.hidden(ctx)
		if err != nil {
			return deed{}, err
		}
		return a.showLook(unhidden(l, hidden))
	},
}
