package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containStatusVerb = verb{
	Name: "status", Aliases: []string{"show"}, Book: bookContain,
	Usage:    "[<number>]",
	Summary:  "What was asked for, what stands, and what still waits. With a number: everything about that request.",
	Examples: []string{"status", "status 3"},
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if w.left() == 0 {
			return show(a.shown(templates.Deeds(a.state, a.now)))
		}
		d, err := a.deed(w)
		if err != nil {
			return deed{}, err
		}
		lines, err := a.deedLines(ctx, d)
		if err != nil {
			return deed{}, err
		}
		return show(a.shown(templates.Deed(a.state, d, lines)))
	},
}

// deedLines reads what the record says of a request.
func (a *asking) deedLines(ctx context.Context, d incident.Deed) ([]incident.Recorded, error) {
	var out []incident.Recorded
	for after := d.Seq - 1; ; {
		page, err := a.room.Reader.Timeline(ctx, a.state.Stream, after, 500)
		if err != nil {
			return nil, fmt.Errorf("read the record of %s: %w", d.ID(a.state.Stream), err)
		}
		for _, r := range page {
			if incident.DeedOf(r.Event) == d.N {
				out = append(out, r)
			}
			after = r.Seq
		}
		if len(page) < 500 {
			return out, nil
		}
	}
}
