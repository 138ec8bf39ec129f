package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

var privilegedVerb = verb{
	Name: "privileged", Aliases: []string{"privilege"},
	Usage:    "[off] [<n>] <why>",
	Summary:  "Mark the incident, or entry n of the timeline, as a communication with lawyers: it says so, and is not published unless that is waived. A marking, not legal advice: counsel decides what is privileged.",
	Examples: []string{"privileged outside counsel directs the response", "privileged 17 counsel's mail", "privileged off 17 the wrong entry"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		c := incident.MarkPrivileged{Off: w.take("off", "undo", "lift")}
		what := "The incident"
		if numberText.MatchString(w.peek()) {
			n, err := a.number(w, "entry")
			if err != nil {
				return deed{}, err
			}
			c.Seq, what = int64(n), fmt.Sprintf("Entry %d", n)
		}
		var err error
		if c.Why, err = a.text(ctx, w, "reason", incident.MaxText); err != nil {
			return deed{}, err
		}
		if c.Why == "" {
			return deed{}, a.usage("Say why.")
		}
		said := what + " is marked as privileged. It is a marking, not legal advice."
		if c.Off {
			said = what + " is not marked as privileged any more."
		}
		return ask(c, said)
	},
}
