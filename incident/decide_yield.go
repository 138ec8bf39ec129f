package incident

import "time"

type (
	// YieldDrill asks a drill to end at once, because something real has opened. To is
	// empty where nobody may be told what.
	YieldDrill struct{ To ID }
	// DrillYielded says the drill was given up for something real.
	DrillYielded struct {
		To ID `json:"to,omitempty"`
	}
	// CallOffDrills is owed by whatever real becomes a P1: every drill that is open is
	// asked to yield.
	CallOffDrills struct{}
)

func (YieldDrill) command()   {}
func (DrillYielded) event()   {}
func (CallOffDrills) effect() {}

// callOffDrills: people who drill are people who are missing. before is the State that
// the command found.
func (d *deciding) callOffDrills(before State) {
	worst := func(s State) bool { return s.Exists && !s.Drill && s.Status == Open && s.Severity == P1 }
	if worst(d.s) && !worst(before) {
		d.owe(CallOffDrills{}, "drill", RankAct, d.a.At, time.Time{})
	}
}

// yieldDrill ends a drill and all that it owes: pages, clocks, injects. The room stays,
// to say where to go.
func (d *deciding) yieldDrill(c YieldDrill) error {
	if !d.s.Drill || d.s.Status != Open {
		return nil
	}
	d.emit(DrillYielded(c))
	d.say(PlaceRoom, "", true)
	for _, id := range d.owners() {
		d.say(PlacePerson, id, true)
	}
	if d.s.Drilling.Running() {
		d.endDrill("something real opened")
	}
	if d.s.Paging.Running {
		d.stopLadder("the drill was given up")
	}
	return d.resolve(Resolve{Text: "Given up: something real opened."})
}
