package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

var containApproveVerb = verb{
	Name: "approve", Aliases: []string{"yes"}, Book: bookContain,
	Usage:    "<number> plan:<digest>",
	Summary:  "Say yes to the plan with that digest, and to no other. Whoever asked for it cannot.",
	Examples: []string{"approve 3 plan:5f2c9a0b11d4"},
	Who:      incident.MayRespond,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		said, _ := w.option("plan", "digest")
		d, err := a.deed(w)
		if err != nil {
			return deed{}, err
		}
		digest := lower(strings.Trim(said.text, "…."))
		if digest == "" {
			return deed{}, a.usage("Say which plan you were shown: its digest stands on the card.")
		}
		// A beginning of the digest is enough to type, and long enough not to be hit by chance.
		if len(digest) >= 12 && strings.HasPrefix(d.Digest, digest) {
			digest = d.Digest
		}
		return ask(incident.ApproveAction{N: d.N, Digest: digest}, "Your approval is recorded.")
	},
}
