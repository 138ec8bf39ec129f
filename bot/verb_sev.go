package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var sevVerb = verb{
	Name: "sev", Aliases: []string{"severity", "priority", "escalate"},
	Usage:    "<p1..p4> [reason]",
	Summary:  "Change the severity. A downgrade needs a reason.",
	Examples: []string{"sev p1", "sev p3 only test data was touched"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if w.left() == 0 {
			return open(formSev)
		}
		w.take("to")
		next, _ := w.next()
		sev, err := a.severity(next.text)
		if err != nil {
			return deed{}, err
		}
		reason, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.SetSeverity{Severity: sev, Reason: reason}, "The severity is "+sev.String()+" now.")
	},
}
