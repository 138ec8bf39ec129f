package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var listVerb = verb{
	Name: "list", Aliases: []string{"ls"},
	Usage:    "[open|resolved|closed|all]",
	Summary:  "The incidents you may see.",
	Examples: []string{"list", "list resolved"},
	Anywhere: true, Fresh: true,
	Run: runList,
}

func runList(ctx context.Context, a *asking, w *words) (deed, error) {
	var statuses []incident.Status
	switch {
	case w.take("resolved"):
		statuses = []incident.Status{incident.Resolved}
	case w.take("closed"):
		statuses = []incident.Status{incident.Closed, incident.Merged}
	case w.take("all"):
	default:
		w.take("open", "active")
		statuses = []incident.Status{incident.Open, incident.Resolved}
	}
	list, err := a.visible(ctx, 30, statuses...)
	if err != nil {
		return deed{}, err
	}
	return show(a.shown(templates.List(list, a.now)))
}
