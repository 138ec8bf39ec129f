package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var signalsBaselineVerb = verb{
	Name: "baseline", Aliases: []string{"usual"}, Book: bookSignals,
	Usage:   "[<host>] | freeze|thaw <host or pattern> | forget <host> <kind> <thing> | forget <host> everything | allow <host> <kind> <thing> because <reason>",
	Summary: "What is usual on a host; freeze it while an incident lasts, and correct it.",
	Examples: []string{"baseline web-3", "baseline freeze web-*", "baseline thaw web-*", "baseline forget web-3 child /usr/sbin/nginx /usr/bin/bash",
		"baseline allow web-3 program /usr/bin/rsync because the new backup"},
	Who: incident.MayRespond, Anywhere: true,
	Run: runBaseline,
}

func runBaseline(ctx context.Context, a *asking, w *words) (deed, error) {
	s, err := a.sensors()
	if err != nil {
		return deed{}, err
	}
	hidden, err := a.hidden(ctx)
	if err != nil {
		return deed{}, err
	}
	for _, what := range []string{BaselineFreeze, BaselineThaw, BaselineForget, BaselineAllow} {
		if w.take(what) {
			return a.editBaseline(ctx, s, w, what, hidden)
		}
	}
	w.take("show", "of")
	l, err := s.Baseline(ctx, w.rest())
	if err != nil {
		return deed{}, err
	}
	return a.showLook(unhidden(l, hidden))
}

// editBaseline belongs to an incident: what people say of a host is on its timeline, and what was
// frozen for it thaws when it is over.
func (a *asking) editBaseline(ctx context.Context, s Sensors, w *words, what string, hidden map[string]bool) (deed, error) {
	if !a.state.Exists || !a.state.Live() {
		return deed{}, incident.Refuse("which", "What is usual is frozen and corrected for an incident.", "Say it in the room of one that is open, or name it: "+a.room.prefix(bookSignals)+" INC-0042 baseline "+what+" …")
	}
	e := BaselineEdit{What: what, For: a.state.Stream, By: a.call.Person.ID, At: a.now}
	next, _ := w.next()
	if e.Scope = strings.TrimRight(refang(next.text), ",;"); e.Scope == "" {
		return deed{}, a.usage("Say which host.")
	}
	if hidden[lower(strings.TrimPrefix(e.Scope, "host/"))] {
		return deed{}, incident.Refuse("nothing-known", "Nothing is known yet of what is usual on \""+templates.Label(e.Scope, 60)+"\".", "")
	}
	if err := bounded(e.Scope, "name", incident.MaxName); err != nil {
		return deed{}, err
	}
	if what == BaselineForget || what == BaselineAllow {
		if err := a.thing(ctx, w, &e); err != nil {
			return deed{}, err
		}
	}
	said, err := s.EditBaseline(ctx, e)
	if err != nil {
		return deed{}, err
	}
	said = templates.Defang(said)
	note := said
	if e.Why != "" {
		note += " Because " + e.Why
	}
	return a.noted(said, note)
}

// thing takes the words in which something usual is shown: "child /usr/sbin/nginx /bin/sh",
// "listener /usr/sbin/nginx tcp 443", "program /usr/bin/rsync".
func (a *asking) thing(ctx context.Context, w *words, e *BaselineEdit) (err error) {
	if e.What == BaselineForget && w.take("everything", "all") {
		e.All = true
		return nil
	}
	next, _ := w.next()
	e.Facet = strings.TrimRight(lower(next.text), ":,")
	var said []string
	for w.left() > 0 {
		if w.take("because") {
			if e.Why, err = a.text(ctx, w, "reason", incident.MaxName); err != nil {
				return err
			}
			break
		}
		next, _ := w.next()
		said = append(said, refang(next.text))
	}
	if slices.Contains([]string{"child", "destination", "listener"}, e.Facet) && len(said) > 1 {
		e.Subject, said = said[0], said[1:]
	}
	if e.Value = strings.Join(said, " "); e.Facet == "" || e.Value == "" {
		return a.usage("Say what, in the words in which it is shown.")
	}
	if e.What == BaselineAllow && e.Why == "" {
		return a.usage("Say why, after the word because.")
	}
	return bounded(e.Subject+e.Value, "name", incident.MaxText)
}
