package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/templates"
)

var helpVerb = verb{
	Name: "help", Aliases: []string{"?", "--help", "-h"},
	Usage:    "[verb]",
	Summary:  "What can be said here.",
	Examples: []string{"help", "help task"},
	Anywhere: true, Fresh: true,
	Run: runHelp,
}

var reportHelpVerb = verb{
	Name: "help", Aliases: []string{"?", "--help", "-h"},
	Usage:    "[verb]",
	Summary:  "What can be said about a post-mortem.",
	Examples: []string{"help item"},
	Book:     bookReport, Anywhere: true, Fresh: true,
	Run: runHelp,
}

func runHelp(_ context.Context, a *asking, w *words) (deed, error) {
	if next, ok := w.next(); ok {
		v, ok := a.all.find(lower(next.text), a.verb.Book)
		if !ok {
			return deed{}, a.unknownVerb(next.text, a.verb.Book)
		}
		return show(verbCard(a, v))
	}
	c := templates.Card{Lead: "What you can say to " + a.room.prefix(a.verb.Book)}
	c.Blocks = append(c.Blocks, templates.Block{Text: "*" + c.Lead + "*"})
	var lines []string
	flush := func() {
		if len(lines) > 0 {
			c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(lines, "\n")})
			lines = nil
		}
	}
	for _, v := range a.all {
		if v.Book != a.verb.Book {
			continue
		}
		lines = append(lines, "*"+v.Name+"* "+templates.Plain(v.Summary))
		if len(lines) == 15 {
			flush()
		}
	}
	flush()
	more := "In threads, say the same words to @tocsin. More: " + a.room.prefix(a.verb.Book) + " help <verb>."
	if a.verb.Book == bookIncident {
		more += " Post-mortems: " + a.room.prefix(bookReport) + " help. Containment: " + a.room.prefix(bookContain) + " help. Hosts: " + a.room.prefix(bookSignals) + " help."
	}
	c.Blocks = append(c.Blocks, templates.Block{Context: []string{templates.Plain(more)}})
	return show(c)
}

func verbCard(a *asking, v verb) templates.Card {
	c := templates.Card{Lead: v.Name + ": " + v.Summary}
	text := "*" + v.Name + "* " + templates.Plain(v.Summary) + "\n`" + templates.Plain(a.line(v)) + "`"
	if len(v.Aliases) > 0 {
		text += "\nAlso: " + templates.Plain(strings.Join(v.Aliases, ", "))
	}
	if v.Who != "" {
		text += "\nWho may: those to whom the plan gives _" + templates.Plain(string(v.Who)) + "_"
	}
	c.Blocks = append(c.Blocks, templates.Block{Text: text})
	var ex []string
	for _, e := range v.Examples {
		ex = append(ex, "`"+templates.Plain(a.room.prefix(v.Book)+" "+e)+"`")
	}
	if len(ex) > 0 {
		c.Blocks = append(c.Blocks, templates.Block{Text: strings.Join(ex, "\n")})
	}
	return c
}
