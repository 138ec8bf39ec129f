package bot

import (
	"context"
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var reportItemVerb = verb{
	Name: "item", Aliases: []string{"items", "action"},
	Usage:    "[list] | add <text> [kind:prevent|detect|respond|process] [@person | owner:@person] [due:<time>] | assign <n> @person | due <n> <time> | done <n> | reopen <n>",
	Summary:  "Action items: what is done so that it does not happen again.",
	Examples: []string{"item add alert on new admin keys kind:detect owner:@bob due:fri", "item done 2"},
	Who:      incident.MayRespond, Book: bookReport,
	Run: runItem,
}

func runItem(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 || w.take("list", "show") {
		return show(a.shown(templates.Items(a.state)))
	}
	if w.take("add", "new") {
		if w.left() == 0 {
			return open(formItem)
		}
		return addItem(ctx, a, w)
	}
	ch, err := change(ctx, a, w, "action item")
	if err != nil {
		return deed{}, err
	}
	return ask(incident.ChangeItem{N: ch.n, Owner: ch.owner, Due: ch.due, Done: ch.done}, ch.said)
}

func addItem(ctx context.Context, a *asking, w *words) (deed, error) {
	c := incident.AddItem{Kind: incident.ItemKinds()[0]}
	var err error
	if v, ok := w.option("kind", "type"); ok {
		c.Kind = lower(v.text)
		if !slices.Contains(incident.ItemKinds(), c.Kind) {
			return deed{}, a.usage("An action item is there to prevent, detect, respond, or for the process.")
		}
	}
	if c.Owner, c.Due, err = a.ownerAndDue(ctx, w); err != nil {
		return deed{}, err
	}
	if c.Text, err = a.text(ctx, w, "action item", incident.MaxText); err != nil {
		return deed{}, err
	}
	if c.Text == "" {
		return deed{}, a.usage("Say what is to be done.")
	}
	due := c.Due
	return deed{Ask: []incident.Command{c}, Said: func(s incident.State) string {
		return fmt.Sprintf("Action item %d is added%s.", len(s.Items), a.dueText(due))
	}}, nil
}
