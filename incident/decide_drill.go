package incident

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A drill is an incident that is marked from its first event. An exercise puts injects
// into its room, one clock being armed for the next of them, so that a restart forgets
// nothing; what fell due meanwhile comes at once and in order.

// drillWait is how long whoever was messaged in a drill has before the ladder ends.
const drillWait = 10 * time.Minute

// checkExercise bounds what a drill is begun with; it stays in the record.
func (d *deciding) checkExercise(c Declare) error {
	x := c.Exercise
	if x == nil {
		return nil
	}
	if !c.Drill {
		return Refuse("not-a-drill", "A scenario is played in a drill only.", "A real incident is declared on its own.")
	}
	if d.a.By.Standing != System {
		if v := d.r.May(d.a.By, MayDrill, d.s); !v.Allowed {
			return Refuse("not-entitled", v.Why, hintFor(MayDrill))
		}
	}
	ok := x.Scenario != "" && len(x.Injects) > 0 && len(x.Injects) <= MaxInjects && x.Length > 0 && x.Length <= MaxDrill
	last := time.Duration(0)
	for _, in := range x.Injects {
		ok = ok && in.At >= last && in.At <= x.Length && strings.TrimSpace(in.Text) != "" && utf8.RuneCountInString(in.Text) <= MaxInject
		last = in.At
	}
	if !ok {
		return Refuse("bad-scenario", "The scenario cannot be played.", "Its injects need times in order, texts, and an end.")
	}
	return nil
}

func (d *deciding) beginDrill(x *Exercise) {
	if x == nil {
		return
	}
	d.emit(DrillBegun{*x})
	d.say(PlaceRoom, "", false)
	d.inject()
}

// inject puts before the people what is due, and arms the clock for what comes next.
func (d *deciding) inject() {
	x := d.s.Drilling
	for x.Said < len(x.Injects) && !x.Began.Add(x.Injects[x.Said].At).After(d.a.At) {
		d.emit(Injected{x.Said + 1, x.Injects[x.Said]})
		d.say(PlaceRoom, "", true)
		x = d.s.Drilling
	}
	end := x.Began.Add(x.Length)
	switch {
	case x.Said < len(x.Injects):
		d.setClock(ClockDrill, Deadline{Due: x.Began.Add(x.Injects[x.Said].At)})
	case end.After(d.a.At):
		d.setClock(ClockDrill, Deadline{Due: end})
	default:
		d.endDrill("")
	}
}

// endDrill has the record measured. It happens once.
func (d *deciding) endDrill(why string) {
	d.emit(DrillEnded{why})
	d.say(PlaceRoom, "", false)
	d.owe(ScoreDrill{}, "drill", RankSay, d.a.At, time.Time{})
	d.stopClock(ClockDrill, false)
}

// afterDrill ends the exercise of a drill that is over in any other way: resolved,
// closed, merged, or given up for something real.
func (d *deciding) afterDrill() {
	if d.s.Drilling.Running() && d.s.Status != Open {
		d.endDrill(fmt.Sprintf("the drill was %s", d.s.Status))
	}
}

func (d *deciding) stopDrill(c EndDrill) error {
	if d.s.Drilling == nil {
		return Refuse("no-drill", "No scenario is being played here.", "See `drill list`.")
	}
	if !d.s.Drilling.Running() {
		return Refuse("same", "The scenario has ended already.", "See `drill score`.")
	}
	why := "it was stopped"
	if c.Why != "" {
		t, err := line("reason", c.Why, 200)
		if err != nil {
			return err
		}
		why = "it was stopped: " + t
	}
	d.endDrill(why)
	return nil
}

func (d *deciding) drillMeasured(c DrillMeasured) error {
	if d.s.Drilling == nil || len(c.Score.Lines) > MaxDrillChecks {
		return nil
	}
	d.emit(DrillScored(c))
	d.say(PlaceRoom, "", true)
	d.owe(ShowChart{}, laneRoom, RankSay, d.a.At, time.Time{})
	return nil
}

// drillLadder is who is paged in a drill, in place of whom the severity would: nobody
// who did not opt in is woken by a game. A service or policy of the pager is on it only
// when the plan put it on the ladder of drills.
func (d *deciding) drillLadder() Ladder {
	drills := d.r.Drills()
	l := drills.Ladder
	if len(l.Rungs) == 0 && len(drills.People) > 0 {
		return Ladder{Name: "drill", Rounds: 1, Rungs: []Rung{{Name: "who opted in to drills", Escalator: "tocsin", People: drills.People, Wait: drillWait}}}
	}
	rungs := make([]Rung, 0, len(l.Rungs))
	for _, r := range l.Rungs {
		var people []Person
		for _, p := range r.People {
			if drills.OptedIn(p.ID) {
				people = append(people, p)
			}
		}
		if r.People = people; len(people) > 0 || r.Service != "" || r.Policy != "" {
			rungs = append(rungs, r)
		}
	}
	l.Rungs = rungs
	return l
}

// applyDrill folds the events of an exercise.
func applyDrill(s State, r Recorded) State {
	if begun, ok := r.Event.(DrillBegun); ok {
		s.Drilling = &Drilling{Exercise: begun.Exercise, Began: r.At}
		return s
	}
	if s.Drilling == nil {
		return s
	}
	x := *s.Drilling
	switch e := r.Event.(type) {
	case Injected:
		x.Said = e.N
	case DrillEnded:
		x.Ended, x.Why = r.At, e.Why
	case DrillScored:
		x.Points, x.Of = e.Score.Points, e.Score.Of
	}
	s.Drilling = &x
	return s
}
