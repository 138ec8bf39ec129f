package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/incident"
)

var mergeVerb = verb{
	Name:     "merge",
	Usage:    "into INC-0007",
	Summary:  "End this incident in another one, which takes over its people, tasks and scope.",
	Examples: []string{"merge into INC-0007", "merge INC-0042 into INC-0007"},
	Who:      incident.MayMerge, Targets: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		into, err := a.target(ctx, w)
		if err != nil {
			return deed{}, err
		}
		return ask(incident.MergeInto{Into: into}, string(a.state.Stream)+" goes on in "+string(into)+".")
	},
}
