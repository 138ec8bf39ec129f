package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var planVerb = verb{
	Name:     "plan",
	Usage:    "[show|adopt]",
	Summary:  "The plan in force: roles, types, ladders. Adopt takes up the newest in this incident.",
	Examples: []string{"plan", "plan adopt"},
	Who:      incident.MayAdoptPlan, Anywhere: true,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		if !w.take("adopt") {
			w.take("show")
			return show(a.shown(planCard(a)))
		}
		if !a.state.Exists {
			return deed{}, a.usage("Say it in the room of the incident, or name it: INC-0042 plan adopt.")
		}
		return ask(incident.AdoptPlan{}, "The incident follows the present plan now.")
	},
}
