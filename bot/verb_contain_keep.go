package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var containKeepVerb = verb{
	Name: "keep", Book: bookContain,
	Usage:    "<number> owner:@person until:<time> | permanent",
	Summary:  "Say who answers for a hold that outlives the incident, and how long it is kept.",
	Examples: []string{"keep 3 owner:@dave until:fri", "keep 3 owner:@dave permanent"},
	Who:      incident.MayRespond,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		until, asked, err := w.optionWhen(future, "until")
		if err != nil {
			return deed{}, err
		}
		permanent := w.flag("permanent")
		owner := a.call.Person
		if v, ok := w.option("owner"); ok {
			if owner, err = a.person(ctx, w, v.text); err != nil {
				return deed{}, err
			}
		}
		n, err := a.deedNumber(w)
		if err != nil {
			return deed{}, err
		}
		if permanent == asked {
			return deed{}, a.usage("Say until when it is kept, or that it is permanent.")
		}
		return ask(incident.KeepAction{N: n, Owner: owner, Until: until, Permanent: permanent}, "The hold has somebody who answers for it.")
	},
}
