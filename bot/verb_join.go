package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var joinVerb = verb{
	Name: "join", Aliases: []string{"invite", "observe"},
	Usage:    "[@person] [observer]",
	Summary:  "Become a responder, or bring somebody in. An observer may look and is never paged.",
	Examples: []string{"join", "join @dave", "join @erin observer"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		observer := w.takeLast("observer", "--observer") || w.take("observer")
		w.takeLast("as")
		if w.left() == 0 {
			return ask(incident.Join{Observer: observer}, "You are in.")
		}
		p, err := a.nextPerson(ctx, w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.Join{Person: &p, Observer: observer}, called(p)+" is brought in.")
	},
}
