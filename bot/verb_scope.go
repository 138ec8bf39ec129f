package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var scopeVerb = verb{
	Name: "scope", Aliases: []string{"affected"},
	Usage:   "<host|identity|service|data|indicator> <name>[, <name>…] [suspected|confirmed|cleared] [note:…]",
	Summary: "Say what is affected, and how sure that is. Alone: show it.",
	Examples: []string{
		"scope host web-3, web-4 confirmed",
		"scope indicator evil[.]com suspected note:\"beacon every 60 s\"",
	},
	Who: incident.MayRespond,
	Run: runScope,
}

var scopeKinds = map[string]incident.ScopeKind{
	"host": incident.ScopeHost, "hosts": incident.ScopeHost, "server": incident.ScopeHost, "machine": incident.ScopeHost,
	"identity": incident.ScopeIdentity, "identities": incident.ScopeIdentity, "user": incident.ScopeIdentity, "account": incident.ScopeIdentity, "accounts": incident.ScopeIdentity,
	"service": incident.ScopeService, "services": incident.ScopeService,
	"data": incident.ScopeData, "dataset": incident.ScopeData,
	"indicator": incident.ScopeIndicator, "indicators": incident.ScopeIndicator, "ioc": incident.ScopeIndicator, "iocs": incident.ScopeIndicator,
}

var scopeStates = map[string]incident.ScopeState{
	"suspected": incident.Suspected, "suspect": incident.Suspected,
	"confirmed": incident.Confirmed, "compromised": incident.Confirmed,
	"cleared": incident.Cleared, "clean": incident.Cleared,
}

// maxScopeWords bounds how many things one line may mark: each is a command.
const maxScopeWords = 20

func runScope(_ context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return show(a.shown(templates.ScopeCard(a.state)))
	}
	var note string
	if v, ok := w.option("note", "why"); ok {
		note = v.text
	}
	w.take("add", "mark")
	kind, ok := pick(w, scopeKinds)
	if !ok {
		return deed{}, a.usage("Say what kind of thing it is: host, identity, service, data or indicator.")
	}
	state, ok := pick(w, scopeStates)
	if !ok {
		state = incident.Suspected
	}
	var names []string
	for next, ok := w.next(); ok; next, ok = w.next() {
		if next.quoted {
			names = append(names, next.text)
			continue
		}
		for part := range strings.SplitSeq(next.text, ",") {
			if part = scopeName(kind, part); part != "" {
				names = append(names, part)
			}
		}
	}
	if len(names) == 0 {
		return deed{}, a.usage("Say which " + string(kind) + ".")
	}
	if len(names) > maxScopeWords {
		return deed{}, a.usage(fmt.Sprintf("That is %s at once; at most %d.", count(len(names), "name"), maxScopeWords))
	}
	var d deed
	for _, n := range names {
		if err := bounded(n, "name", incident.MaxName); err != nil {
			return deed{}, err
		}
		d.Ask = append(d.Ask, incident.MarkScope{Kind: kind, Name: n, State: state, Note: note})
	}
	d.Said = func(incident.State) string {
		return fmt.Sprintf("%s marked %s.", count(len(names), string(kind)), state)
	}
	return d, nil
}

// scopeName gives a name the shape in which the same thing is always the same.
func scopeName(kind incident.ScopeKind, text string) string {
	t := refang(text)
	switch kind {
	case incident.ScopeHost, incident.ScopeIdentity:
		return strings.TrimSuffix(strings.ToLower(t), ".")
	}
	return t
}

// pick takes the first unquoted word that is in the table, wherever it stands.
func pick[T any](w *words, table map[string]T) (T, bool) {
	for i := range w.list {
		if w.list[i].used || w.list[i].quoted {
			continue
		}
		if v, ok := table[strings.TrimSuffix(lower(w.list[i].text), ":")]; ok {
			w.list[i].used = true
			return v, true
		}
	}
	var none T
	return none, false
}
