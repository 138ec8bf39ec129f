package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/templates"
)

var containHelpVerb = verb{
	Name: "help", Aliases: []string{"?", "--help", "-h"}, Book: bookContain,
	Usage:    "[verb or action]",
	Summary:  "What can be said about containment, or everything about one action.",
	Examples: []string{"help approve", "help okta.suspend-user"},
	Anywhere: true, Fresh: true,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if !strings.Contains(w.peek(), ".") {
			return runHelp(ctx, a, w)
		}
		spec, err := a.action(w)
		if err != nil {
			return deed{}, err
		}
		return show(specCard(a, spec))
	},
}

func specCard(a *asking, s actions.Spec) templates.Card {
	c := templates.Card{Lead: s.Name + ": " + s.Title}
	lines := []string{"*" + templates.Plain(s.Name) + "* " + templates.Plain(s.Title), templates.Plain(s.Does)}
	if s.Destroys != "" {
		lines = append(lines, "It destroys "+templates.Plain(s.Destroys)+": that is kept first.")
	}
	if s.Reversible {
		lines = append(lines, "It can be taken back.")
	} else {
		lines = append(lines, "*It cannot be taken back.*")
	}
	lines = append(lines, "How it is proved: "+templates.Plain(s.Proof))
	c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(lines, "\n")})
	var options []string
	for _, p := range s.Params {
		o := "*" + templates.Plain(p.Name) + "* " + templates.Plain(p.Help)
		if len(p.Choices) > 0 {
			o += ": " + templates.Plain(strings.Join(p.Choices, ", "))
		}
		if p.Default != "" {
			o += " (" + templates.Plain(p.Default) + " unless said)"
		}
		options = append(options, o)
	}
	if len(options) > 0 {
		c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(options, "\n")})
	}
	c.Blocks = append(c.Blocks, templates.Block{Text: "`" + templates.Plain(a.room.prefix(bookContain)+" "+s.Example) + "`"},
		templates.Block{Context: []string{"Rights it needs: " + templates.Plain(strings.Join(s.Rights, ", "))}})
	return c
}
