package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var timelineVerb = verb{
	Name: "timeline", Aliases: []string{"tl", "history"},
	Usage:   "[page] | add [at <time>] <text> | edit <n> <text> [at:<time>] [why:…] | hide <n> <why>",
	Summary: "What happened, in order; add to it, correct it, take a line out of sight.",
	Examples: []string{
		"timeline", "timeline add at 14:05 sessions revoked", "timeline edit 12 it was web-4", "timeline hide 12 names a customer",
	},
	Who: incident.MayRespond,
	Run: runTimeline,
}

func runTimeline(ctx context.Context, a *asking, w *words) (deed, error) {
	switch {
	case w.take("add"):
		return runNote(ctx, a, w)
	case w.take("edit", "correct"):
		return editEntry(ctx, a, w)
	case w.take("hide"):
		n, err := a.number(w, "entry")
		if err != nil {
			return deed{}, err
		}
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return deed{}, a.usage("Say why it is to be hidden.")
		}
		return ask(incident.HideEntry{Seq: int64(n), Why: why}, fmt.Sprintf("Entry %d is out of sight; the record keeps it.", n))
	}
	w.take("show", "list", "page")
	page := 1
	if w.left() > 0 {
		var err error
		if page, err = a.number(w, "page"); err != nil {
			return deed{}, err
		}
	}
	entries, err := a.entries(ctx)
	if err != nil {
		return deed{}, err
	}
	return show(a.shown(templates.TimelineCard(entries, page)))
}

func editEntry(ctx context.Context, a *asking, w *words) (deed, error) {
	n, err := a.number(w, "entry")
	if err != nil {
		return deed{}, err
	}
	c := incident.EditEntry{Seq: int64(n)}
	if v, ok := w.option("why"); ok {
		c.Why = v.text
	}
	d, err := a.occurred(w)
	if err != nil {
		return deed{}, err
	}
	c.Occurred = d.Occurred
	if c.Text, err = a.text(ctx, w, "entry", incident.MaxText); err != nil {
		return deed{}, err
	}
	if c.Text == "" && c.Occurred.IsZero() {
		return deed{}, a.usage("Say what it ought to read, or when it was.")
	}
	said := fmt.Sprintf("Entry %d is corrected; the first text is kept.", n)
	if !c.Occurred.IsZero() {
		said = fmt.Sprintf("Entry %d is corrected: %s. The first text is kept.", n, echo(c.Occurred, a.zone))
	}
	return ask(c, said)
}
