package templates

import (
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// goal is one target of the severity and what became of it, read from the record.
type goal struct {
	set      bool
	target   time.Duration
	due      time.Time
	breached bool
	met      bool
	stopped  time.Time
	rounds   int // of updates: how often one was wanted
	missed   int
}

// goalOf folds the events of one clock. A breach stays one, whatever was set after.
func (p *paper) goalOf(name incident.ClockName) goal {
	var g goal
	for _, r := range p.events {
		switch e := r.Event.(type) {
		case incident.ClockSet:
			if e.Clock != name {
				continue
			}
			from := p.s.Declared
			if name == incident.ClockUpdate || from.IsZero() {
				from = r.At
			}
			g.set, g.due, g.target, g.stopped = true, e.Due, e.Due.Sub(from), time.Time{}
			g.rounds++
		case incident.ClockStopped:
			if e.Clock == name {
				g.met, g.stopped = e.Met, r.At
			}
		case incident.ClockBreached:
			if e.Clock == name {
				g.breached = true
				g.missed++
			}
		}
	}
	return g
}

// actual is how long it took in the world; ok is false when it has not happened.
func (p *paper) actual(name incident.ClockName, g goal) (took time.Duration, ok bool) {
	at := g.stopped
	switch name {
	case incident.ClockAck:
		at = p.s.Times.Acknowledged
	case incident.ClockContain:
		at = p.s.Times.Contained
	case incident.ClockResolve:
		at = p.s.Times.Resolved
	}
	if at.IsZero() || p.s.Declared.IsZero() {
		return 0, false
	}
	return max(0, at.Sub(p.s.Declared)), true
}

func (p *paper) goals() {
	p.heading("Targets")
	var rows [][]string
	for _, name := range targets[:4] {
		g := p.goalOf(name)
		if !g.set {
			continue
		}
		row := []string{clockTexts[name].name, Age(g.target), Stamp(g.due), resultOf(g), "–"}
		if name == incident.ClockUpdate {
			row[1], row[2] = "every "+Age(g.target), "–"
			row[3] = fmt.Sprintf("%d missed of %d", g.missed, g.rounds)
			row[4] = fmt.Sprintf("%s, longest silence %s", count(p.updates(), "update", "updates"), Age(p.silence()))
		} else if took, ok := p.actual(name, g); ok {
			row[4] = Age(took)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		p.line("This severity has no targets.")
		return
	}
	mdTable(&p.b, []string{"Target", "Within", "Due", "Result", "Actual"}, rows)
}

func resultOf(g goal) string {
	switch {
	case g.breached:
		return "missed"
	case g.met:
		return "met"
	case g.stopped.IsZero():
		return "open"
	}
	return "no longer wanted"
}

func (p *paper) updates() int {
	n := 0
	for _, r := range p.events {
		if _, ok := r.Event.(incident.Updated); ok {
			n++
		}
	}
	return n
}

// silence is the longest time without an update between declaration and resolution.
func (p *paper) silence() time.Duration {
	last, longest := p.s.Declared, time.Duration(0)
	note := func(at time.Time) {
		if !last.IsZero() && at.Sub(last) > longest {
			longest = at.Sub(last)
		}
		last = at
	}
	for _, r := range p.events {
		switch r.Event.(type) {
		case incident.Updated, incident.WasResolved:
			note(r.At)
		case incident.WasReopened:
			last = r.At
		}
	}
	if p.s.Status == incident.Open && !p.o.Now.IsZero() {
		note(p.o.Now)
	}
	return longest
}
