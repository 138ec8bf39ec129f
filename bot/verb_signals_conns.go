package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsConnsVerb = verb{
	Name: "conns", Aliases: []string{"connections", "netstat"}, Book: bookSignals,
	Usage:    "<host>",
	Summary:  "Whom a host is connected to right now, and by which process.",
	Examples: []string{"conns web-3"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		host, err := a.host(w)
		if err != nil {
			return deed{}, err
		}
		return a.lookNow(ctx, incident.Looking{What: incident.LookConns, Subject: incident.Seal(host)})
	},
}
