package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsListenersVerb = verb{
	Name: "listeners", Aliases: []string{"ports"}, Book: bookSignals,
	Usage:    "<host>",
	Summary:  "Where a host waits for connections right now, and which process does.",
	Examples: []string{"listeners web-3"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		host, err := a.host(w)
		if err != nil {
			return deed{}, err
		}
		return a.lookNow(ctx, incident.Looking{What: incident.LookListeners, Subject: incident.Seal(host)})
	},
}
