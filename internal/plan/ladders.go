package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// ladder is one entry of ladders.yaml.
type ladder struct {
	incident.Ladder
	rungs    []incident.Rung // its own, without those of then
	then     value
	thenName string
	source   at
}

// override takes another ladder for an incident type.
type override struct {
	kind       string
	severities []incident.Severity // none: all
	ladder     string
}

const (
	maxRungs  = 20
	maxRounds = 10
	minWait   = 30 * time.Second // shorter would page the next before the first has looked
)

func (r *reading) ladders() {
	top, ok := r.top(laddersFile)
	if !ok {
		return
	}
	f := top.fields("ladders", "overrides")
	f.must("ladders")
	for _, v := range f.items("ladders") {
		r.ladder(v)
	}
	r.join()
	for _, v := range f.items("overrides") {
		of := v.fields("type", "severities", "ladder")
		var o override
		if t, there := of.must("type"); there {
			o.kind = r.kindNamed(t)
		}
		for _, s := range of.items("severities") {
			o.severities = append(o.severities, s.severity())
		}
		if l, there := of.must("ladder"); there {
			o.ladder = r.ladderNamed(l)
		}
		r.plan.overrides = append(r.plan.overrides, o)
	}
}

func (r *reading) ladder(v value) {
	f := v.fields("name", "rounds", "rungs", "then")
	name, ok := f.must("name")
	if !ok {
		return
	}
	l := &ladder{source: name.at}
	l.Name, l.Rounds = name.word(), 1
	if n, there := f.get("rounds"); there {
		l.Rounds = n.number(1, maxRounds)
	}
	if t, there := f.get("then"); there {
		l.then, l.thenName = t, t.name()
	}
	list, there := f.must("rungs")
	if there {
		for _, rung := range list.items() {
			l.rungs = append(l.rungs, r.rung(rung))
		}
		if len(l.rungs) == 0 || len(l.rungs) > maxRungs {
			list.wrong("", "a ladder has 1 to %d rungs", maxRungs)
		}
	}
	if l.Name == "" {
		return
	}
	if earlier, twice := r.plan.ladders[l.Name]; twice {
		name.wrong("", "%q is already the ladder of %s", l.Name, earlier.source)
		return
	}
	r.plan.ladders[l.Name] = l
}

func (r *reading) rung(v value) incident.Rung {
	f := v.fields("name", "escalator", "service", "policy", "schedule", "people", "wait", "priority", "urgency")
	out := incident.Rung{
		Name: f.needText("name", 80), Escalator: "tocsin",
		Service: f.text("service", 80), Policy: f.text("policy", 40), Schedule: f.text("schedule", 40),
		People: r.persons(f.items("people")), Priority: f.text("priority", 40),
	}
	if e, ok := f.get("escalator"); ok {
		out.Escalator = e.oneOf("escalator", "tocsin", "pagerduty")
	}
	if u, ok := f.get("urgency"); ok {
		out.Urgency = u.oneOf("urgency", "high", "low")
	}
	if s, ok := f.get("service"); ok && out.Service != "" {
		r.serviceNamed(s, out.Service)
	}
	if w, ok := f.must("wait"); ok {
		out.Wait = w.duration()
		if out.Wait > 0 && out.Wait < minWait {
			w.wrong("", "nobody answers in less than %s", minWait)
		}
	}
	_, people := f.get("people")
	if f.isMap() && out.Service == "" && out.Policy == "" && !people {
		v.wrong("give it a service, a policy or people", "this rung pages nobody")
	}
	if people && out.Service == "" && out.Policy == "" && len(f.items("people")) == 0 {
		v.wrong("give it a service, a policy or people", "this rung pages nobody")
	}
	if out.Escalator == "pagerduty" && out.Service == "" && out.Policy == "" {
		v.wrong("give it a service or a policy, or let tocsin step on", "PagerDuty steps on here, but is not paged")
	}
	return out
}

func (r *reading) serviceNamed(v value, name string) {
	keys := r.plan.settings.PagerDuty.Keys
	if r.unread[settingsFile] || slices.Contains(keys, name) {
		return
	}
	v.wrong(didYouMean(name, keys), "%s has no PagerDuty key %q", settingsFile, name)
}

// join puts the rungs of the ladders that follow behind a ladder's own.
func (r *reading) join() {
	names := slices.Sorted(maps.Keys(r.plan.ladders))
	next := func(name string) string { return r.plan.ladders[name].thenName }
	for _, name := range names {
		l := r.plan.ladders[name]
		if l.thenName != "" && r.plan.ladders[l.thenName] == nil {
			l.then.wrong(didYouMean(l.thenName, names), "there is no ladder %q", l.thenName)
			l.thenName = ""
		}
	}
	for _, name := range names {
		l := r.plan.ladders[name]
		if path := circle(name, next); path != nil {
			if name != slices.Min(path) {
				continue // told once
			}
			l.then.wrong("", "the ladders go in a circle: %s", strings.Join(path, " → "))
			continue
		}
		l.Rungs = slices.Clone(l.rungs)
		seen := map[string]bool{}
		for n := l.thenName; n != "" && !seen[n]; n = next(n) {
			seen[n] = true
			l.Rungs = append(l.Rungs, r.plan.ladders[n].rungs...)
		}
		if len(l.Rungs) > maxRungs {
			l.then.wrong("", "together these ladders have %d rungs, and %d is the most", len(l.Rungs), maxRungs)
		}
	}
}

// ladderNamed reads the name of a ladder.
func (r *reading) ladderNamed(v value) string {
	name := v.name()
	if name == "" || r.unread[laddersFile] {
		return ""
	}
	if r.plan.ladders[name] == nil {
		v.wrong(didYouMean(name, slices.Sorted(maps.Keys(r.plan.ladders))), "there is no ladder %q", name)
		return ""
	}
	return name
}
