package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var roomVerb = verb{
	Name:     "room",
	Usage:    "",
	Summary:  "Open a new room when the old one was archived, deleted, or could not be opened.",
	Examples: []string{"INC-0042 room"},
	Who:      incident.MayRespond,
	Run: func(context.Context, *asking, *words) (deed, error) {
		return ask(incident.NewRoom{}, "A new room is being opened; everybody in the incident is brought in.")
	},
}
