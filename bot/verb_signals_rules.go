package bot

import (
	"context"
)

var signalsRulesVerb = verb{
	Name: "rules", Aliases: []string{"rule"}, Book: bookSignals,
	Usage:    "[<name>]",
	Summary:  "How often each rule was right, the noisiest first; or everything about one.",
	Examples: []string{"rules", "rules sigma/reverse_shell_dev_tcp"},
	Anywhere: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		s, err := a.sensors()
		if err != nil {
			return deed{}, err
		}
		l, err := s.Rules(ctx, w.rest())
		if err != nil {
			return deed{}, err
		}
		return a.showLook(l)
	},
}
