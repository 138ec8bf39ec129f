package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsExceptionsVerb = verb{
	Name: "exceptions", Aliases: []string{"exemptions"}, Book: bookSignals,
	Usage:    "[list] | end <number> [why]",
	Summary:  "What is kept quiet, by whom and until when; end one before its time.",
	Examples: []string{"exceptions", "exceptions end 3 the backup is gone"},
	Who:      incident.MayRespond, Anywhere: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		s, err := a.sensors()
		if err != nil {
			return deed{}, err
		}
		if w.take("end", "remove", "expire") {
			return a.endException(ctx, s, w)
		}
		w.take("list", "show")
		l, err := s.Exceptions(ctx)
		if err != nil {
			return deed{}, err
		}
		hidden, err := a.hidden(ctx)
		if err != nil {
			return deed{}, err
		}
		return a.showLook(unhidden(l, hidden))
	},
}

func (a *asking) endException(ctx context.Context, s Sensors, w *words) (deed, error) {
	n, err := a.number(w, "exception")
	if err != nil {
		return deed{}, err
	}
	why, err := a.text(ctx, w, "reason", incident.MaxName)
	if err != nil {
		return deed{}, err
	}
	x, err := s.EndException(ctx, a.register(), n, why)
	if err != nil {
		return deed{}, err
	}
	text := fmt.Sprintf("Exception %d ended: %s is heard again.", x.N, templates.Defang(templates.ExceptionWords(x)))
	return a.noted(text, text)
}
