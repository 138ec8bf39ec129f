package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Book is one of the commands, with its own verbs.
type Book string

// The books. The first has no word of its own: its verbs are said as they are.
const (
	bookIncident Book = ""
	bookReport   Book = "postmortem"
	bookContain  Book = "contain"
	bookSignals  Book = "signals"
)

// books finds a book by the word that leads to it from the first command: "postmortem show".
var books = map[string]Book{
	"postmortem": bookReport, "post-mortem": bookReport, "pm": bookReport,
	"contain": bookContain, "containment": bookContain,
	"signals": bookSignals, "signal": bookSignals,
}

// first is what is meant when only the word of a book is said.
func (b Book) first() string {
	switch b {
	case bookReport:
		return "show"
	case bookSignals:
		return "recent"
	}
	return "status"
}

// verb is one thing that can be said. Each has a file of its own, verb_<name>.go.
type verb struct {
	Name     string
	Aliases  []string
	Usage    string // after the command and the verb
	Summary  string // one line, for help
	Examples []string
	Who      incident.Right // who may; the rules judge, this only tells
	// Book is the command the verb belongs to: incidents, post-mortems, containment or signals.
	Book Book
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

// deed is what a verb makes of its words: exactly one of Ask, Show and Open is set, and
// Keep and File with Show only.
type deed struct {
	Ask      []incident.Command
	Occurred time.Time                   // when it happened, where the words say so
	Said     func(incident.State) string // what became true, for whoever asked
	Show     *templates.Card             // an answer
	File     *upload                     // what the answer leaves out
	Open     string                      // a form to fill in instead of words
	Keep     incident.Command            // what the record keeps of an answer
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
		roleVerb, joinVerb, roomVerb, pageVerb, excludeVerb, distrustVerb, trustVerb,
		taskVerb, timelineVerb, catchupVerb, handoffVerb,
		relatedVerb, mergeVerb, resolveVerb, reopenVerb, closeVerb,
		planVerb, redactVerb, privilegedVerb, legalHoldVerb, reconcileVerb, contactsVerb, drillVerb, helpVerb,
		containRunVerb, containListVerb, containStatusVerb, containApproveVerb, containDenyVerb, containUndoVerb, containExtendVerb, containKeepVerb,
		containRetryVerb, containReplanVerb, containWaiveVerb, containReviewVerb, containStopVerb, containResumeVerb, containWhoCanVerb, containRosterVerb, containEvidenceVerb, containHelpVerb,
		signalsRecentVerb, signalsLiveVerb, signalsStopVerb, signalsTreeVerb, signalsConnsVerb, signalsListenersVerb, signalsTimelineVerb, signalsHuntVerb,
		signalsFalseVerb, signalsRealVerb, signalsRulesVerb, signalsExceptVerb, signalsExceptionsVerb, signalsIntelVerb, signalsBaselineVerb, signalsHealthVerb, signalsSensorsVerb, signalsHelpVerb,
		reportShowVerb, reportEditVerb, reportPublishVerb, reportRemindVerb, reportItemVerb, reportHelpVerb,
	}
}

// grammar is what can be said.
type grammar []verb

// find looks a verb up by its name or an alias of it.
func (g grammar) find(name string, in Book) (verb, bool) {
	for _, v := range g {
		if v.Book == in && (v.Name == name || slices.Contains(v.Aliases, name)) {
			return v, true
		}
	}
	return verb{}, false
}

func (g grammar) names(in Book) []string {
	var out []string
	for _, v := range g {
		if v.Book == in {
			out = append(append(out, v.Name), v.Aliases...)
		}
	}
	return out
}

// unknownVerb says what was most likely meant.
func (a *asking) unknownVerb(typed string, in Book) error {
	prefix := a.room.prefix(in)
	hint := "Say " + prefix + " help for all of them."
	if near := nearest(typed, a.all.names(in)); near != "" {
		hint = "Did you mean " + prefix + " " + near + "? " + hint
	}
	return incident.Refuse("unknown-verb", "There is no \""+templates.Label(typed, 40)+"\".", hint)
}

// usage is the refusal of words that a verb cannot read.
func (a *asking) usage(why string) error {
	hint := "Say it as: " + a.line(a.verb) + "."
	if len(a.verb.Examples) > 0 {
		hint += " For example: " + a.room.prefix(a.verb.Book) + " " + a.verb.Examples[0]
	}
	return incident.Refuse("usage", why, hint)
}

func (a *asking) line(v verb) string {
	return strings.TrimSpace(a.room.prefix(v.Book) + " " + v.Name + " " + v.Usage)
}
