package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

var ackVerb = verb{
	Name: "ack", Aliases: []string{"acknowledge", "mine"},
	Usage:    "[i have it] | undo [why]",
	Summary:  "Answer the page. \"ack i have it\" takes the duty without having been paged.",
	Examples: []string{"ack", "ack i have it", "ack undo wrong incident"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if w.take("undo", "back", "withdraw") {
			return runUnack(ctx, a, w)
		}
		duty := false
		if w.left() > 0 {
			typed := strings.NewReplacer("-", " ", "’", "'").Replace(lower(w.rest()))
			switch strings.Trim(typed, ".! ") {
			case "mine", "duty", "i have it", "i've got it", "i got it", "take it", "it is mine", "it's mine":
				duty = true
			default:
				return deed{}, a.usage("I do not know what to make of that.")
			}
		}
		return ask(incident.Acknowledge{TakeDuty: duty}, "Acknowledged: it is yours. Paging stops.")
	},
}
