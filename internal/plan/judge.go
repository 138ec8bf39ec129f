package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// condition is what a grant's "when" asks of a question.
type condition func(incident.Question) (bool, error)

// Judge says whether a deed may be asked for: the first grant that covers all of it
// decides, unless a line of deny covers any of it. Where none does, the answer says what
// the nearest one lacks, with file and line.
func (p *Plan) Judge(q incident.Question) incident.Judgement {
	if v := p.May(q.By, incident.MayRespond, q.State); !v.Allowed {
		return incident.Judgement{Why: v.Why}
	}
	for _, d := range p.grants.deny {
		if !d.covers(q.Action) {
			continue
		}
		for _, t := range q.Targets {
			if len(d.who) > 0 && !p.isOf(q.By, d.who, q.State) || d.misfits(p, q, []string{t}) != "" {
				continue
			}
			return incident.Judgement{Why: fmt.Sprintf("The plan forbids %s on %s (%s, %s).", q.Action, t, d.name, d.source), Hint: d.why}
		}
	}
	var lacks []string
	for _, g := range p.grants.list {
		if !g.covers(q.Action) {
			continue
		}
		if why := p.lacking(g, q); why != "" {
			lacks = append(lacks, fmt.Sprintf("%s (%s): %s", g.name, g.source, why))
			continue
		}
		if q.BreakGlass {
			return p.glassOf(g, q)
		}
		return incident.Judgement{Allowed: true, Why: fmt.Sprintf("Granted by %s (%s).", g.name, g.source), Grant: g.grant(), Lead: p.grants.glass.lead}
	}
	if len(lacks) == 0 {
		return incident.Judgement{Why: fmt.Sprintf("No grant of the plan covers %s.", q.Action), Hint: "grants.yaml says what was agreed: `/contain who-can " + q.Action + " <target>`."}
	}
	return incident.Judgement{Why: "No grant covers this: " + strings.Join(lacks[:min(2, len(lacks))], "; ") + "."}
}

// lacking says what keeps a grant from covering the question; "" nothing.
func (p *Plan) lacking(g permit, q incident.Question) string {
	switch {
	case !p.isOf(q.By, g.who, q.State):
		return "it is for " + listed(each(g.who, func(w string) string { return p.spokenParty(w, q.State) }))
	case len(q.Targets) > g.maxTargets:
		return fmt.Sprintf("it covers at most %d target(s) at once", g.maxTargets)
	case g.perHour > 0 && recent(q)+len(q.Targets) > g.perHour:
		return fmt.Sprintf("it covers at most %d target(s) in an hour", g.perHour)
	case g.maxTTL > 0 && q.TTL > g.maxTTL:
		return fmt.Sprintf("it lasts at most %s", g.maxTTL)
	}
	return g.misfits(p, q, q.Targets)
}

// misfits says what of the circumstances or of the targets a line does not cover.
func (g permit) misfits(p *Plan, q incident.Question, targets []string) string {
	switch {
	case len(g.severity) > 0 && !slices.Contains(g.severity, q.State.Severity):
		return fmt.Sprintf("it is for %s", listed(each(g.severity, incident.Severity.String)))
	case len(g.types) > 0 && !slices.Contains(g.types, q.State.Type):
		return "it is for incidents of type " + listed(g.types)
	case !g.from.IsZero() && q.At.Before(g.from):
		return "it begins on " + g.from.Format(time.DateOnly)
	case !g.until.IsZero() && !q.At.Before(g.until.AddDate(0, 0, 1)):
		return "it ended on " + g.until.Format(time.DateOnly)
	}
	for _, t := range targets {
		if why := g.misses(p, t); why != "" {
			return why
		}
	}
	if g.when != nil {
		holds, err := g.when(q)
		if err != nil {
			return "its condition could not be computed"
		}
		if !holds {
			return "its condition does not hold: " + g.whenText
		}
	}
	return ""
}

// misses says what of a target the line does not cover. What is asked of an asset has to
// be in assets.yaml: an unknown thing has no environment.
func (g permit) misses(p *Plan, target string) string {
	name := strings.ToLower(target)
	if len(g.match) > 0 && !slices.ContainsFunc(g.match, func(m string) bool { ok, _ := path.Match(m, name); return ok || m == name }) {
		return target + " is not among its targets"
	}
	if len(g.tags)+len(g.env)+len(g.crit)+len(g.owners) == 0 {
		return ""
	}
	entries := p.entries(name)
	some := func(f func(asset) bool) bool { return slices.ContainsFunc(entries, f) }
	switch {
	case len(entries) == 0:
		return target + " is not in assets.yaml"
	case len(g.tags) > 0 && !some(func(a asset) bool {
		return slices.ContainsFunc(a.tags, func(t string) bool { return slices.Contains(g.tags, t) })
	}):
		return target + " has none of its tags"
	case len(g.env) > 0 && !some(func(a asset) bool { return slices.Contains(g.env, a.environment) }):
		return target + " is of another environment"
	case len(g.crit) > 0 && !some(func(a asset) bool { return slices.Contains(g.crit, a.criticality) }):
		return target + " is of another criticality"
	case len(g.owners) > 0 && !some(func(a asset) bool {
		return slices.ContainsFunc(a.people, func(w incident.Person) bool { return slices.Contains(g.owners, w.ID) })
	}):
		return target + " is owned by others"
	}
	return ""
}

func (g permit) grant() incident.Grant {
	return incident.Grant{Name: g.name, Source: g.source, Needs: g.needs, TTL: g.ttl, MaxTTL: g.maxTTL, OnExpiry: g.onExpiry, ExpiresIn: g.waits}
}

// Granted is one line of grants, for whoever compares them with what can be done.
type Granted struct {
	Name, Source string
	Covers       func(action string) bool
}

// Granted lists the grants in the order of the file.
func (p *Plan) Granted() []Granted {
	var out []Granted
	for _, g := range p.grants.list {
		out = append(out, Granted{g.name, g.source, g.covers})
	}
	return out
}

// glassOf is a grant whose approvals are skipped in an emergency.
func (p *Plan) glassOf(g permit, q incident.Question) incident.Judgement {
	b := p.grants.glass
	switch {
	case b.source == "":
		return incident.Judgement{Why: "The plan knows no glass to break.", Hint: "grants.yaml can have break_glass."}
	case len(b.who) > 0 && !p.isOf(q.By, b.who, q.State):
		return incident.Judgement{Why: "The glass may be broken by " + listed(each(b.who, func(w string) string { return p.spokenParty(w, q.State) })) + " (" + b.source + ")."}
	case len(q.Targets) > b.maxTargets:
		return incident.Judgement{Why: fmt.Sprintf("The glass may be broken for at most %d target(s) (%s).", b.maxTargets, b.source)}
	case !q.Reversible:
		return incident.Judgement{Why: "What cannot be taken back needs an approval; the glass cannot be broken for it."}
	}
	return incident.Judgement{Allowed: true, Grant: g.grant(), Lead: b.lead}
}

// recent counts the targets of the same action that were asked for in the last hour.
func recent(q incident.Question) int {
	n := 0
	for _, d := range q.State.Deeds {
		if d.Action == q.Action && !d.DryRun && q.At.Sub(d.At) < time.Hour && d.Status != incident.DeedDenied && d.Status != incident.DeedNotOpen {
			n += len(d.Targets)
		}
	}
	return n
}

// isOf reports whether a person is one of the words: anyone, responders, a role they
// hold, a group they are in, or themselves.
func (p *Plan) isOf(who incident.Person, words []string, s incident.State) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return has(w, who.ID, s) || slices.ContainsFunc(p.grants.groups[w], func(m incident.Person) bool { return m.ID == who.ID })
	})
}

// Approves says whether somebody's yes counts for a need, as things are now.
func (p *Plan) Approves(who incident.Person, need incident.Need, s incident.State) bool {
	if !who.Known() || who.Standing != incident.Member || s.IsExcluded(who.ID) {
		return false
	}
	return p.isOf(who, need.From, s)
}

// Approvers are those whose yes would count: who is at work here first, then holders of
// roles, then groups and people by name, in the order of the plan.
func (p *Plan) Approvers(need incident.Need, s incident.State) []incident.Person {
	var here, others []incident.Person
	add := func(who incident.Person) {
		if who.ID == "" || s.IsExcluded(who.ID) || s.People[who.ID].Observer {
			return
		}
		if s.People[who.ID].Joined {
			here = append(here, who)
		} else {
			others = append(others, who)
		}
	}
	for _, w := range need.From {
		switch {
		case w == whoResponders:
			for _, id := range sorted(s.People) {
				if s.People[id].Joined {
					add(s.Person(id))
				}
			}
		case len(p.grants.groups[w]) > 0:
			for _, m := range p.grants.groups[w] {
				add(m)
			}
		default:
			if n, ok := p.byID[incident.PersonID(w)]; ok {
				add(p.people[n].Person)
			}
			if h := s.Holder(incident.Role(w)); h != "" {
				add(s.Person(h))
			}
		}
	}
	return once(append(here, others...))
}

func (p *Plan) spokenParty(word string, s incident.State) string {
	if _, group := p.grants.groups[word]; group {
		return "the group " + word
	}
	return p.spoken(word, s)
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, x := range list {
		out[i] = f(x)
	}
	return out
}

func sorted[V any](m map[incident.PersonID]V) []incident.PersonID {
	keys := make([]incident.PersonID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
