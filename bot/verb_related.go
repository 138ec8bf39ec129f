package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var relatedVerb = verb{
	Name: "related", Aliases: []string{"relate", "link"},
	Usage:    "INC-0007",
	Summary:  "Link this incident with another one.",
	Examples: []string{"related INC-0007"},
	Who:      incident.MayRespond, Targets: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		to, err := a.target(ctx, w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.Relate{To: to}, "Linked with "+string(to)+".")
	},
}

// target takes the incident that a verb points at; one the asker may not see is not
// there.
func (a *asking) target(ctx context.Context, w *words) (incident.ID, error) {
	w.take("to", "into", "with")
	next, _ := w.next()
	id, ok := parseRef(next.text, true)
	if !ok {
		return "", a.usage("Say which incident.")
	}
	s, err := a.see(ctx, id)
	if err != nil {
		return "", err
	}
	return s.Stream, nil
}
