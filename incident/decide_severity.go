package incident

import "fmt"

func (d *deciding) setSeverity(c SetSeverity) error {
	if c.Severity < P1 || c.Severity > P4 {
		return Refuse("unknown-severity", "A severity is p1, p2, p3 or p4.", "")
	}
	from := d.s.Severity
	if c.Severity == from {
		return Refuse("same", fmt.Sprintf("%s is %s already.", d.s.Stream, from), "")
	}
	var reason Sealed
	if c.Reason != "" {
		t, err := text("reason", c.Reason, MaxText)
		if err != nil {
			return err
		}
		reason = Seal(t)
	} else if c.Severity > from {
		return Refuse("reason-wanted", fmt.Sprintf("Going down from %s to %s needs a reason.", from, c.Severity),
			fmt.Sprintf("Say `sev %s <why>`.", c.Severity))
	}
	d.emit(SeveritySet{from, c.Severity, reason})
	d.say(PlaceRoom, "", true)
	d.tellPager("priority")
	d.dress()
	if c.Severity < from {
		d.rearm(d.a.At)
		d.pageNewlyDue()
		return nil
	}
	d.rearm(d.s.Declared)
	if d.s.Paging.Running && len(d.r.Ladder(c.Severity, d.s.Type).Rungs) == 0 {
		d.stopLadder(fmt.Sprintf("%s pages nobody", c.Severity))
	}
	return nil
}

// pageNewlyDue pages by the ladder of the new severity, leaving out the rungs that
// have answered already.
func (d *deciding) pageNewlyDue() {
	l := d.r.Ladder(d.s.Severity, d.s.Type)
	if d.s.Paging.Running && d.s.Paging.Ladder.Name == l.Name {
		return
	}
	var rungs []Rung
	for _, r := range l.Rungs {
		if !d.answered(r) {
			rungs = append(rungs, r)
		}
	}
	l.Rungs = rungs
	d.startLadder(l, fmt.Sprintf("severity went up to %s", d.s.Severity))
}

func (d *deciding) answered(r Rung) bool {
	for _, p := range d.s.Paging.Pages {
		if p.AckedBy != "" && p.To == "" && sameRung(p.Def, r) {
			return true
		}
	}
	return false
}

func sameRung(a, b Rung) bool {
	if a.Service != b.Service || a.Policy != b.Policy || a.Schedule != b.Schedule || len(a.People) != len(b.People) {
		return false
	}
	for i := range a.People {
		if a.People[i].ID != b.People[i].ID {
			return false
		}
	}
	return true
}

func (d *deciding) retitle(c Retitle) error {
	t, err := line("title", c.Title, MaxTitle)
	if err != nil {
		return err
	}
	d.emit(Retitled{Seal(t)})
	d.say(PlaceRoom, "", false)
	d.dress()
	return nil
}

func (d *deciding) setType(c SetType) error {
	if err := d.knownType(c.Type); err != nil {
		return err
	}
	if c.Type == d.s.Type {
		return Refuse("same", fmt.Sprintf("%s is of type %s already.", d.s.Stream, c.Type), "")
	}
	d.emit(TypeSet{d.s.Type, c.Type})
	d.say(PlaceRoom, "", false)
	d.layOut(d.s.Phase)
	if d.s.Status == Open && d.s.Paging.AckedBy == "" {
		d.pageNewlyDue()
	}
	return nil
}
