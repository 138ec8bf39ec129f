package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var legalHoldVerb = verb{
	Name: "legal-hold", Aliases: []string{"legalhold"},
	Usage:    "[lift] <why>",
	Summary:  "Nothing of the incident is erased from now on: no redaction, no end of retention. One person sets it; lifting takes two, within a day.",
	Examples: []string{"legal-hold counsel expects a claim", "legal-hold lift the claim is settled"},
	Who:      incident.MayHoldLegal,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		lift := w.take("lift", "off", "end")
		why, err := a.text(ctx, w, "reason", incident.MaxText)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return deed{}, a.usage("Say why.")
		}
		if !lift {
			return ask(incident.HoldForLegal{Why: why}, "Nothing of it is erased from now on. Two persons lift it.")
		}
		d, err := ask(incident.LiftLegalHold{Why: why}, "")
		d.Said = func(s incident.State) string {
			if s.LegalHold.On {
				return "That is one voice. The hold stays until a second person says the same."
			}
			return "The legal hold is lifted."
		}
		return d, err
	},
}
