package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containExtendVerb = verb{
	Name: "extend", Book: bookContain,
	Usage:    "<number> <how long>",
	Summary:  "Hold longer: so long from now.",
	Examples: []string{"extend 3 4h"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		d, ok := parseDuration(w.peek())
		if !ok || d <= 0 {
			return deed{}, a.usage("Say how long from now, as 30m, 4h or 2d.")
		}
		w.next()
		return ask(incident.ExtendAction{N: n, TTL: d}, "The hold is extended.")
	},
}
