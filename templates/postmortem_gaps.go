package templates

import (
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// worked is what the record shows to have gone as agreed.
func (p *paper) worked() []string {
	var out []string
	for _, name := range targets[:4] {
		g := p.goalOf(name)
		took, ok := p.actual(name, g)
		switch {
		case !g.set || g.breached:
		case name == incident.ClockUpdate && p.updates() > 0:
			out = append(out, fmt.Sprintf("Every status update came in time (%d).", p.updates()))
		case name != incident.ClockUpdate && g.met && ok:
			out = append(out, fmt.Sprintf("%s: met in %s; the target was %s.", clockTexts[name].name, Age(took), Age(g.target)))
		}
	}
	if n := p.count(func(e incident.Event) bool { _, ok := e.(incident.PageTrouble); return ok }); n > 0 && !p.s.Times.Acknowledged.IsZero() {
		out = append(out, "Somebody was reached although the pager did not take a page.")
	}
	if done := len(p.s.Tasks) - openTasks(p.s); done > 0 {
		out = append(out, fmt.Sprintf("%d of %s done.", done, count(len(p.s.Tasks), "task", "tasks")))
	}
	return out
}

// gaps is what the record shows to have gone otherwise. It names events, not people.
func (p *paper) gaps() []string {
	var out []string
	add := func(n int, one, many string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%s.", count(n, one, many)))
		}
	}
	for _, name := range []incident.ClockName{incident.ClockAck, incident.ClockContain, incident.ClockResolve} {
		g := p.goalOf(name)
		if !g.breached {
			continue
		}
		line := clockTexts[name].missed
		if took, ok := p.actual(name, g); ok && took > g.target {
			line += fmt.Sprintf(": done after %s, target %s, %s late", Age(took), Age(g.target), Age(took-g.target))
		}
		out = append(out, line+".")
	}
	if g := p.goalOf(incident.ClockUpdate); g.missed > 0 {
		out = append(out, fmt.Sprintf("%s missed; the longest silence was %s.", count(g.missed, "status update was", "status updates were"), Age(p.silence())))
	}
	is := func(want func(incident.Event) bool) int { return p.count(want) }
	add(is(func(e incident.Event) bool { _, ok := e.(incident.LadderEnded); return ok }), "time a whole ladder ended without an answer", "times a whole ladder ended without an answer")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.PageTrouble); return ok }), "page was not taken by the pager", "pages were not taken by the pager")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.RungSkipped); return ok }), "step of a ladder had nobody to page", "steps of a ladder had nobody to page")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.AckIgnored); return ok }), "acknowledgement did not count", "acknowledgements did not count")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.Unacknowledged); return ok }), "acknowledgement was taken back", "acknowledgements were taken back")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.AskedAgain); return ok }), "time a responder had to be asked whether they were still there", "times a responder had to be asked whether they were still there")
	add(is(func(e incident.Event) bool { _, ok := e.(incident.WasReopened); return ok }), "time it was resolved too early and reopened", "times it was resolved too early and reopened")
	out = append(out, p.deaths()...)
	if wait, ok := p.leaderless(); ok {
		out = append(out, "There was no commander for the first "+Age(wait)+".")
	}
	add(openTasks(p.s), "task was never finished", "tasks were never finished")
	suspects := 0
	for _, it := range p.s.Scope {
		if it.State == incident.Suspected {
			suspects++
		}
	}
	add(suspects, "suspect was neither confirmed nor cleared", "suspects were neither confirmed nor cleared")
	return out
}

func (p *paper) count(want func(incident.Event) bool) int {
	n := 0
	for _, r := range p.events {
		if want(r.Event) {
			n++
		}
	}
	return n
}

// deaths are effects that were given up, by kind; their reasons only where words may stand.
func (p *paper) deaths() []string {
	var out []string
	for _, r := range p.events {
		e, ok := r.Event.(incident.EffectDied)
		if !ok {
			continue
		}
		if len(out) == 10 {
			return append(out, "More was not carried out; see the appendix.")
		}
		line := "Not carried out: " + MarkdownLine(wordsOf(e.Kind), 60)
		if t, known := owedTexts[e.Kind]; known {
			line = t.what
		}
		if !p.closed {
			line += ": " + MarkdownLine(e.Why, maxLine)
		}
		out = append(out, line+".")
	}
	return out
}

// leaderless is how long nobody led, when that was over five minutes.
func (p *paper) leaderless() (time.Duration, bool) {
	for _, r := range p.events {
		if e, ok := r.Event.(incident.RoleTaken); ok && e.Role == incident.Commander {
			wait := r.At.Sub(p.s.Declared)
			return wait, wait > 5*time.Minute
		}
	}
	if p.s.Times.Resolved.IsZero() {
		return 0, false
	}
	wait := p.s.Times.Resolved.Sub(p.s.Declared)
	return wait, wait > 5*time.Minute
}

// bare says what kind of thing happened, without a name or a word of anybody: what
// may stand in a document about a confidential incident.
func bare(e incident.Event) string {
	switch e := e.(type) {
	case incident.Declared:
		return "Declared " + orNone(e.Severity.String())
	case incident.SeveritySet:
		return fmt.Sprintf("Severity %s to %s", orNone(e.From.String()), e.To)
	case incident.PhaseSet:
		return "Phase " + string(e.To)
	case incident.RungFired:
		return "A page was sent"
	case incident.PageTrouble:
		return "A page did not go through"
	case incident.LadderEnded:
		return "Nobody answered the pages"
	case incident.Acknowledged:
		return "Acknowledged"
	case incident.Unacknowledged:
		return "The acknowledgement was taken back"
	case incident.ClockBreached:
		if t, ok := clockTexts[e.Clock]; ok {
			return t.missed
		}
		return "A target was missed"
	case incident.Updated:
		return "Status update"
	case incident.TimeSet:
		return timeName(e.Which) + " set to " + Stamp(e.At)
	case incident.WasResolved:
		return "Resolved"
	case incident.WasReopened:
		return "Reopened"
	case incident.WasClosed:
		return "Closed"
	}
	return ""
}
