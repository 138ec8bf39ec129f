package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// verb is one thing that can be said. Each has a file of its own, verb_<name>.go.
type verb struct {
	Name     string
	Aliases  []string
	Usage    string // after the command and the verb
	Summary  string // one line, for help
	Examples []string
	Who      incident.Right // who may; the rules judge, this only tells
	// Report says that the verb belongs to the second command, about the post-mortem.
	Report bool
	// Anywhere says that the verb needs no incident to be about.
	Anywhere bool
	// Fresh says that the verb begins a new incident, wherever it is said.
	Fresh bool
	// Targets says that an incident named after the verb is what the verb points at,
	// not what it is about: "merge INC-0007".
	Targets bool
	// Run turns the words into a command, an answer, or the name of a form.
	Run func(ctx context.Context, a *asking, w *words) (deed, error)
}

// deed is what a verb makes of its words: exactly one of Ask, Show and Open is set.
type deed struct {
	Ask      []incident.Command
	Occurred time.Time                   // when it happened, where the words say so
	Said     func(incident.State) string // what became true, for whoever asked
	Show     *templates.Card             // an answer
	Open     string                      // a form to fill in instead of words
}

func ask(c incident.Command, said string) (deed, error) {
	return deed{Ask: []incident.Command{c}, Said: func(incident.State) string { return said }}, nil
}

func show(c templates.Card) (deed, error) { return deed{Show: &c}, nil }

func open(form string) (deed, error) { return deed{Open: form}, nil }

// verbs lists what can be said, in the order help shows it.
func verbs() grammar {
	return grammar{
		declareVerb, statusVerb, listVerb, ackVerb, unackVerb, updateVerb, noteVerb,
		sevVerb, typeVerb, titleVerb, phaseVerb, scopeVerb, timesVerb,
		roleVerb, joinVerb, roomVerb, pageVerb, excludeVerb,
		taskVerb, timelineVerb, catchupVerb, handoffVerb,
		relatedVerb, mergeVerb, resolveVerb, reopenVerb, closeVerb,
		planVerb, redactVerb, contactsVerb, helpVerb,
		reportShowVerb, reportEditVerb, reportPublishVerb, reportRemindVerb, reportItemVerb, reportHelpVerb,
	}
}

// grammar is what can be said.
type grammar []verb

// find looks a verb up by its name or an alias of it.
func (g grammar) find(name string, report bool) (verb, bool) {
	for _, v := range g {
		if v.Report == report && (v.Name == name || slices.Contains(v.Aliases, name)) {
			return v, true
		}
	}
	return verb{}, false
}

func (g grammar) names(report bool) []string {
	var out []string
	for _, v := range g {
		if v.Report == report {
			out = append(append(out, v.Name), v.Aliases...)
		}
	}
	return out
}

// unknownVerb says what was most likely meant.
func (a *asking) unknownVerb(typed string, report bool) error {
	prefix := a.room.prefix(report)
	hint := "Say " + prefix + " help for all of them."
	if near := nearest(typed, a.all.names(report)); near != "" {
		hint = "Did you mean " + prefix + " " + near + "? " + hint
	}
	return incident.Refuse("unknown-verb", "There is no \""+templates.Label(typed, 40)+"\".", hint)
}

// usage is the refusal of words that a verb cannot read.
func (a *asking) usage(why string) error {
	hint := "Say it as: " + a.line(a.verb) + "."
	if len(a.verb.Examples) > 0 {
		hint += " For example: " + a.room.prefix(a.verb.Report) + " " + a.verb.Examples[0]
	}
	return incident.Refuse("usage", why, hint)
}

func (a *asking) line(v verb) string {
	return strings.TrimSpace(a.room.prefix(v.Report) + " " + v.Name + " " + v.Usage)
}
