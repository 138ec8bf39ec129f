package bot

import (
	"context"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containRosterVerb = verb{
	Name: "roster", Aliases: []string{"credentials"}, Book: bookContain,
	Usage:   "[add <identity>[, …] | done <n> <how> | waive <n> <why> | reset <action>]",
	Summary: "The credentials that have to be reset before the incident can be closed. Alone: show the list.",
	Examples: []string{
		"roster add mallory@example.com, ci-deploy",
		"roster reset okta.expire-password",
		"roster done 2 rotated in the vault",
	},
	Who: incident.MayRespond,
	Run: runRoster,
}

func runRoster(ctx context.Context, a *asking, w *words) (deed, error) {
	switch {
	case w.left() == 0:
		return show(a.shown(templates.Roster(a.state)))
	case w.take("add"):
		names, err := a.targets(w, actions.KindIdentity)
		if err != nil {
			return deed{}, err
		}
		if len(names) == 0 {
			return deed{}, a.usage("Say whose credentials.")
		}
		return ask(incident.AddToRoster{Names: names}, count(len(names), "credential")+" on the list.")
	case w.take("reset"):
		if w.left() == 1 { // only the action: everybody who is left
			w.list = append(w.list, newWord(" ", "roster"))
		}
		return runContain(ctx, a, w)
	}
	waive := w.take("waive")
	if !waive && !w.take("done") {
		return deed{}, a.usage("Say add, done, waive or reset.")
	}
	n, err := a.deedNumber(w)
	if err != nil {
		return deed{}, err
	}
	why, err := a.text(ctx, w, "reason", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	if why == "" {
		return deed{}, a.usage("Say how it was reset, or why it need not be.")
	}
	return ask(incident.SettleRoster{N: n, Waive: waive, Why: why}, "The list is brought up to date.")
}
