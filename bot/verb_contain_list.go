package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containListVerb = verb{
	Name: "list", Aliases: []string{"actions"}, Book: bookContain,
	Usage:    "[<vendor>]",
	Summary:  "What can be done, and what it needs.",
	Examples: []string{"list", "list okta"},
	Anywhere: true,
	Run: func(_ context.Context, a *asking, w *words) (deed, error) {
		only := ""
		if next, ok := w.next(); ok {
			only = lower(next.text)
		}
		var specs []actions.Spec
		if a.room.Actions != nil {
			for _, s := range a.room.Actions.Specs() {
				if only == "" || strings.HasPrefix(s.Name, only) {
					specs = append(specs, s)
				}
			}
		}
		if len(specs) == 0 {
			return deed{}, incident.Refuse("no-actions", "Nothing of that kind can be done from here.", "docs/actions.md says how to connect a vendor.")
		}
		return show(actionsCard(a, specs))
	},
}

// maxListed keeps a card readable; more are told one vendor at a time.
const maxListed = 40

func actionsCard(a *asking, specs []actions.Spec) templates.Card {
	c := templates.Card{Lead: count(len(specs), "action") + " can be asked for"}
	c.Blocks = append(c.Blocks, templates.Block{Text: "*" + c.Lead + "*"})
	var lines []string
	for i, s := range specs {
		if i == maxListed {
			lines = append(lines, "… "+count(len(specs)-i, "more")+": name a vendor")
			break
		}
		lines = append(lines, "*"+templates.Plain(s.Name)+"* "+templates.Plain(s.Title)+markers(s))
		if len(lines) == 10 {
			c.Blocks, lines = append(c.Blocks, templates.Block{Text: strings.Join(lines, "\n")}), nil
		}
	}
	if len(lines) > 0 {
		c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(lines, "\n")})
	}
	c.Blocks = append(c.Blocks, templates.Block{Context: []string{templates.Plain("More of one: " + a.room.prefix(bookContain) + " help <action>. Who may: " + a.room.prefix(bookContain) + " who-can <action> <target>.")}})
	return c
}

func markers(s actions.Spec) string {
	var out string
	if !s.Reversible {
		out += " · cannot be taken back"
	}
	if s.Destroys != "" {
		out += " · evidence first"
	}
	return out
}
