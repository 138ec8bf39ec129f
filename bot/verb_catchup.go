package bot

import (
	"context"
	"time"

	"github.com/tocsin-ir/tocsin/templates"
)

var catchupVerb = verb{
	Name: "catchup", Aliases: []string{"catch-up", "brief"},
	Usage:    "[since <time>|<duration>]",
	Summary:  "What somebody who joins now has to know.",
	Examples: []string{"catchup", "catchup 2h", "catchup since 14:05"},
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		w.take("since")
		var since time.Time
		if w.left() > 0 {
			at, ok, err := w.when(past)
			if err != nil {
				return deed{}, err
			}
			if !ok {
				d, ok := parseDuration(w.rest())
				if !ok {
					return deed{}, a.usage("Say since when, as in 2h, 14:05 or yesterday 22:10.")
				}
				at = a.now.Add(-d)
			}
			since = at
		}
		entries, err := a.entries(ctx)
		if err != nil {
			return deed{}, err
		}
		return show(a.shown(templates.Catchup(a.state, entries, since, a.now)))
	},
}
