package bot

import (
	"context"
	"regexp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var declareVerb = verb{
	Name: "declare", Aliases: []string{"new", "open", "start"},
	Usage:   "[p1..p4] <title> [type:…] [asset:…] [private] [drill] [exclude:@person]",
	Summary: "Open an incident: a room, the people, the clocks.",
	Examples: []string{
		"declare p1 okta session theft type:account-takeover asset:mallory@example.com",
		"declare p2 laptop with stealer malware private exclude:@mallory",
	},
	Who: incident.MayDeclare, Anywhere: true, Fresh: true,
	Run: runDeclare,
}

// A number alone is part of a title ("3 hosts infected"); p3 and sev3 are not.
var severityWord = regexp.MustCompile(`^(?:p|sev-?)\d$`)

func runDeclare(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return open(formDeclare)
	}
	var c incident.Declare
	var err error
	if v, ok := w.option("sev", "severity"); ok {
		if c.Severity, err = a.severity(v.text); err != nil {
			return deed{}, err
		}
	} else if severityWord.MatchString(w.peek()) {
		next, _ := w.next()
		if c.Severity, err = a.severity(next.text); err != nil {
			return deed{}, err
		}
	}
	if v, ok := w.option("type"); ok {
		if c.Type, err = a.incidentType(v.text); err != nil {
			return deed{}, err
		}
	}
	for _, v := range w.options("asset", "assets") {
		c.Assets = append(c.Assets, refang(v.text))
	}
	for _, v := range w.options("exclude") {
		p, err := a.person(ctx, w, v.text)
		if err != nil {
			return deed{}, err
		}
		c.Exclude = append(c.Exclude, p)
	}
	c.Private = w.flag("private") || w.flag("confidential")
	c.Drill = w.flag("drill")
	c.Private = c.Private || w.flag("private")
	if c.Title, err = a.text(ctx, w, "title", incident.MaxTitle); err != nil {
		return deed{}, err
	}
	if c.Title == "" {
		return deed{}, a.usage("An incident needs a title.")
	}
	return deed{Ask: []incident.Command{c}, Said: saidDeclared}, nil
}

func saidDeclared(s incident.State) string {
	text := "*" + string(s.Stream) + "* is declared, " + s.Severity.String() + ": " + templates.Line(s.Title.String(), 120) + "."
	if s.Drill {
		text = "DRILL. " + text
	}
	if s.Room.URL != "" {
		return text + " Its room: <" + s.Room.URL + "|#" + templates.Line(s.Room.Name, 80) + ">"
	}
	return text + " Its room is being opened; you will find yourself in it."
}
