package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containWhoCanVerb = verb{
	Name: "who-can", Aliases: []string{"whocan", "may-i"}, Book: bookContain,
	Usage:    "<action> <target>",
	Summary:  "Whether you could ask for it here and now, who would have to approve, and where the plan says so.",
	Examples: []string{"who-can okta.suspend-user mallory@example.com"},
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		spec, err := a.action(w)
		if err != nil {
			return deed{}, err
		}
		targets, err := a.targets(w, spec.Kind)
		if err != nil {
			return deed{}, err
		}
		if len(targets) == 0 {
			return deed{}, a.usage("Say at which " + string(spec.Kind) + ".")
		}
		j := a.room.Plan.Judge(incident.Question{State: a.state, By: a.call.Person, Action: spec.Name, Kind: string(spec.Kind), Targets: targets,
			At: a.now, Reversible: spec.Reversible, Blast: string(spec.Blast)})
		if !j.Allowed {
			c := line("*You could not ask for it.* " + templates.Plain(j.Why))
			if j.Hint != "" {
				c.Blocks = append(c.Blocks, templates.Block{Context: []string{coded(j.Hint)}})
			}
			return show(c)
		}
		var need []string
		for _, n := range j.Grant.Needs {
			need = append(need, fmt.Sprintf("%d of %s", n.Count, strings.Join(n.From, ", ")))
		}
		text := "*You could ask for it.* " + templates.Plain(j.Why)
		if len(need) == 0 {
			text += "\nIt needs nobody's approval."
		} else {
			text += "\nIt needs " + templates.Plain(strings.Join(need, " and ")) + ", and whoever asks does not count."
		}
		return show(line(text))
	},
}
