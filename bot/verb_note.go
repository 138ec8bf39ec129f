package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var noteVerb = verb{
	Name: "note", Aliases: []string{"log"},
	Usage:    "[at <time>] <text>",
	Summary:  "Put a line on the timeline.",
	Examples: []string{"note firewall rule 12 was changed", "note at yesterday 22:10 first login from the unknown address"},
	Who:      incident.MayRespond,
	Run:      runNote,
}

func runNote(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return open(formTimeline)
	}
	d, err := a.occurred(w)
	if err != nil {
		return deed{}, err
	}
	text, err := a.text(ctx, w, "note", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	if text == "" {
		return deed{}, a.usage("Say what happened.")
	}
	d.Ask = []incident.Command{incident.AddNote{Text: text}}
	d.Said = func(incident.State) string { return "It is on the timeline." }
	if at := d.Occurred; !at.IsZero() {
		d.Said = func(incident.State) string { return "It is on the timeline, at " + echo(at, a.zone) + "." }
	}
	return d, nil
}
