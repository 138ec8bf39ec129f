package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/templates"
)

var statusVerb = verb{
	Name: "status", Aliases: []string{"show", "summary"},
	Usage:    "[INC-0042]",
	Summary:  "Where an incident stands, and how old the last update is.",
	Examples: []string{"status", "status INC-0042"},
	Run: func(_ context.Context, a *asking, _ *words) (deed, error) {
		return show(a.shown(templates.Status(a.state, a.now)))
	},
}
