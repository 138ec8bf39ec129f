package incident

// ClockLate rings while a post-mortem is overdue: who is told next moves up.
const ClockLate ClockName = "postmortem-late"

// PostMortemEscalated says who was told that the post-mortem is overdue, after its
// owner did nothing. Step counts from 1.
type PostMortemEscalated struct {
	Step int        `json:"step"`
	To   []PersonID `json:"to,omitempty"`
}

func (PostMortemEscalated) event() {}

// armLate sets the next step of an overdue post-mortem, where the plan has one.
func (d *deciding) armLate() {
	if every, _ := d.r.Escalation(d.s.Severest); every > 0 && d.s.Report.Number == 0 {
		d.setClock(ClockLate, Deadline{Due: d.a.At.Add(every)})
	}
}

// postMortemLate tells the commander, then those whom the plan names. A step that
// would tell nobody new is passed over; after the last there is nobody left to tell.
func (d *deciding) postMortemLate() {
	d.stopClock(ClockLate, false)
	if d.s.Report.Number != 0 || d.s.Report.Drafted.IsZero() {
		return
	}
	_, above := d.r.Escalation(d.s.Severest)
	steps := [][]Person{{d.s.Person(d.s.Holder(Commander))}, above}
	for step := d.s.Report.Late + 1; step <= len(steps); step++ {
		var to []PersonID
		for _, p := range steps[step-1] {
			if p.ID != "" && p.ID != d.s.Report.Owner && !d.s.IsExcluded(p.ID) && !has(d.s.Report.LateTo, p.ID) && !has(to, p.ID) {
				d.meet(p)
				to = append(to, p.ID)
			}
		}
		if len(to) == 0 {
			continue
		}
		d.emit(PostMortemEscalated{step, to})
		for _, id := range to {
			d.say(PlacePerson, id, true)
		}
		d.say(PlaceRoom, "", false)
		if step < len(steps) {
			d.armLate()
		}
		return
	}
}
