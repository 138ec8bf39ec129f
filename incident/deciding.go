package incident

import (
	"fmt"
	"time"
)

// deciding is one run of Decide: the state as it becomes true, event by event.
type deciding struct {
	s State // already folded up to the last emitted event
	a Asked
	r Rules
	c Change
	// ordinal of the next effect of the last event
	ordinal int
	// attempt is kept on the record although the command is refused.
	attempt Event
}

// The lanes of an incident. Within a lane order is kept.
const (
	laneRoom     = "room"
	lanePage     = "page"
	lanePager    = "pager"
	laneAnnounce = "announce"
	laneGitHub   = "github"
	laneDeed     = "deed"
	laneTell     = "tell"
)

// emit makes an event true, from now on.
func (d *deciding) emit(e Event) int64 {
	r := Recorded{
		Stream: d.s.Stream, Seq: d.s.Seq + 1, At: d.a.At, Occurred: d.a.occurred(),
		By: d.a.By.ID, Via: d.a.Via, Root: d.a.Root, Event: e,
	}
	d.c.Events = append(d.c.Events, r)
	d.s = Apply(d.s, r)
	d.ordinal = 0
	return r.Seq
}

// owe makes the world owe an effect that follows from the last event.
func (d *deciding) owe(e Effect, lane string, rank Rank, due, notAfter time.Time) {
	if len(d.c.Events) == 0 {
		panic(fmt.Sprintf("incident: %T is owed for nothing that became true", e)) // its id would be another's
	}
	d.ordinal++
	d.c.Effects = append(d.c.Effects, Owed{
		ID:  EffectID(fmt.Sprintf("%s/%d/%d", d.s.Stream, d.s.Seq, d.ordinal)),
		Seq: d.s.Seq, Lane: fmt.Sprintf("%s/%s", d.s.Stream, lane), Rank: rank,
		Due: due, NotAfter: notAfter, Effect: e,
	})
}

// tell hands a command to another stream.
func (d *deciding) tell(to ID, c Command) {
	d.owe(Tell{to, c}, laneTell, RankAct, d.a.At, time.Time{})
}

// setClock arms a clock: an event, and a Wake in a lane of its own for each bell.
func (d *deciding) setClock(name ClockName, at Deadline) {
	n := d.emit(ClockSet{name, at.Due, at.Warn})
	rank := RankAct
	if name == ClockRung || name == ClockQuiet {
		rank = RankPage
	}
	if !at.Warn.IsZero() && at.Warn.After(d.a.At) {
		d.owe(Wake{name, StageWarn}, fmt.Sprintf("clock/%s/%d/warn", name, n), rank, at.Warn, time.Time{})
	}
	d.owe(Wake{name, StageDue}, fmt.Sprintf("clock/%s/%d", name, n), rank, at.Due, time.Time{})
}
