package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

var redactVerb = verb{
	Name:     "redact",
	Usage:    "<n> <why>",
	Summary:  "Erase the text of an entry of the timeline for good; the line stays and says so.",
	Examples: []string{"redact 17 password pasted"},
	Who:      incident.MayRedact,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		n, err := a.number(w, "entry")
		if err != nil {
			return deed{}, err
		}
		why, err := a.text(ctx, w, "reason", incident.MaxName)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return deed{}, a.usage("Say why, without repeating the text.")
		}
		return ask(incident.Redact{Seq: int64(n), Why: why}, fmt.Sprintf("The text of entry %d is erased. Slack's own copy, if it was a message, has to be deleted there.", n))
	},
}
