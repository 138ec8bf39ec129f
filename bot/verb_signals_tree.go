package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsTreeVerb = verb{
	Name: "tree", Aliases: []string{"ps", "processes"}, Book: bookSignals,
	Usage:    "<host> <pid or name>",
	Summary:  "A process on a host with everything it started.",
	Examples: []string{"tree web-3 sshd", "tree web-3 4711"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		host, err := a.host(w)
		if err != nil {
			return deed{}, err
		}
		next, ok := w.next()
		if !ok {
			return deed{}, a.usage("Say which process: its number or its name.")
		}
		if err := bounded(next.text, "name", incident.MaxName); err != nil {
			return deed{}, err
		}
		return a.lookNow(ctx, incident.Looking{What: incident.LookTree, Subject: incident.Seal(host), Process: incident.Seal(next.text)})
	},
}
