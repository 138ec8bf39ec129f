package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var phaseVerb = verb{
	Name:     "phase",
	Usage:    "<detection|containment|eradication|recovery|lessons>",
	Summary:  "Move the response to a phase and lay out its checklist.",
	Examples: []string{"phase containment"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		next, _ := w.next()
		p, ok := incident.ParsePhase(next.text)
		if !ok {
			var all []string
			for _, p := range incident.Phases() {
				all = append(all, string(p))
			}
			if p, ok = incident.ParsePhase(nearest(next.text, all)); !ok {
				return deed{}, a.usage("Say which phase.")
			}
			return deed{}, a.usage("There is no phase \"" + next.text + "\"; did you mean " + string(p) + "?")
		}
		return ask(incident.SetPhase{Phase: p}, "The phase is "+string(p)+" now.")
	},
}
