package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

var signalsStopVerb = verb{
	Name: "stop", Aliases: []string{"enough"}, Book: bookSignals,
	Usage:    "[<number>]",
	Summary:  "End a look before its time: the latest, or the one of that number.",
	Examples: []string{"stop", "stop 2"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		n := 0
		if w.left() > 0 {
			var err error
			if n, err = a.number(w, "look"); err != nil {
				return deed{}, err
			}
		} else if last := len(a.state.Looks); last > 0 {
			n = a.state.Looks[last-1].N
		}
		if n == 0 {
			return deed{}, incident.Refuse("no-such-look", "Nothing is looked at here right now.", "")
		}
		return ask(incident.StopLook{N: n}, fmt.Sprintf("Look %d ends.", n))
	},
}
