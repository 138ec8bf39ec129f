package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

var typeVerb = verb{
	Name: "type", Aliases: []string{"kind"},
	Usage:    "<type>",
	Summary:  "Change the incident type, and with it checklists and ladder.",
	Examples: []string{"type phishing"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		if w.left() == 0 {
			return deed{}, a.usage("Say which type: " + strings.Join(a.room.Plan.Types(), ", ") + ".")
		}
		t, err := a.incidentType(w.rest())
		if err != nil {
			return deed{}, err
		}
		return ask(incident.SetType{Type: t}, "The type is "+t+" now.")
	},
}
