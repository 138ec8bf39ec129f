package drill

import (
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Record is what a drill left behind.
type Record struct {
	Began  time.Time // the first inject's time is counted from here
	Ended  time.Time // what happened later does not count
	Why    string    // why it ended before its time; "" for in time
	Opened bool      // the drill opened the room itself: nobody was asked to declare
	Events []incident.Recorded
}

// Score holds the scenario against the record. It depends on nothing else, and the
// order of the events is that of the record.
//
// Each expected action is looked for from the moment of the inject it answers. In time
// it brings all of its points, late half of them rounded down, and not at all none.
// What fell due after the drill ended is not held against anybody.
func Score(s Scenario, r Record) incident.DrillScore {
	out := incident.DrillScore{Scenario: s.Name, Title: s.Title, Digest: s.Digest, Began: r.Began, Ended: r.Ended, Why: r.Why}
	came := injected(s, r)
	answered := make([]bool, len(s.Injects))
	asked := make([]bool, len(s.Injects))
	for _, e := range s.Expected {
		l := line(e, came[e.After-1], r)
		out.Lines = append(out.Lines, l)
		if l.Result == incident.DrillNotAsked || l.Result == incident.DrillNotReached {
			continue
		}
		out.Points += l.Points
		out.Of += l.Of
		asked[e.After-1] = true
		answered[e.After-1] = answered[e.After-1] || l.Seq > 0
		if l.Result == incident.DrillLate {
			out.Late++
		}
	}
	for n := range s.Injects {
		if !came[n].After(r.Ended) {
			out.Injects++
		}
		if asked[n] && !answered[n] {
			out.Missed++
		}
	}
	out.Declared, out.Acknowledged, out.Contained = times(r)
	return out
}

// injected is when each inject came: as the record has it, else as the scenario says.
func injected(s Scenario, r Record) []time.Time {
	at := make([]time.Time, len(s.Injects))
	for n, in := range s.Injects {
		at[n] = r.Began.Add(in.At)
	}
	for _, e := range r.Events {
		if in, ok := e.Event.(incident.Injected); ok && in.N >= 1 && in.N <= len(at) {
			at[in.N-1] = e.At
		}
	}
	return at
}

func line(e Expected, from time.Time, r Record) incident.DrillLine {
	due := from.Add(e.Within)
	l := incident.DrillLine{Do: e.Do, Inject: e.After, From: from.Sub(r.Began), Due: due.Sub(r.Began), Of: e.Points, Result: incident.DrillMissed}
	if r.Opened && (e.Sandbox || e.When == Declared) {
		l.Result = incident.DrillNotAsked
		return l
	}
	before := map[incident.PersonID]bool{}
	for _, ev := range r.Events {
		if ev.At.Before(from) {
			if e.done(ev, nil) {
				before[did(ev)] = true
			}
			continue
		}
		if ev.At.After(r.Ended) || !e.done(ev, before) {
			continue
		}
		l.At, l.By, l.Seq = ev.At.Sub(r.Began), did(ev), ev.Seq
		l.Result, l.Points = incident.DrillDone, e.Points
		if ev.At.After(due) {
			l.Result, l.Points = incident.DrillLate, e.Points/2
		}
		return l
	}
	if due.After(r.Ended) {
		l.Result = incident.DrillNotReached
	}
	return l
}

// times are the three that every drill is compared by.
func times(r Record) (declared, acknowledged, contained *time.Duration) {
	first := func(to **time.Duration, at time.Time) {
		if *to == nil {
			d := max(0, at.Sub(r.Began))
			*to = &d
		}
	}
	for _, e := range r.Events {
		if e.At.After(r.Ended) {
			break
		}
		switch ev := e.Event.(type) {
		case incident.Declared:
			if !r.Opened {
				first(&declared, e.At)
			}
		case incident.Acknowledged:
			first(&acknowledged, e.At)
		case incident.PhaseSet:
			if phase(ev.To) > phase(incident.Containment) {
				first(&contained, e.At)
			}
		case incident.WasResolved:
			if e.By != incident.Clockwork.ID {
				first(&contained, e.At) // what is over is contained
			}
		}
	}
	return declared, acknowledged, contained
}
