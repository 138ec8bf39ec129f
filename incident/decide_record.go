package incident

import (
	"fmt"
	"time"
)

func (d *deciding) postUpdate(c PostUpdate) error {
	t, err := text("update", c.Text, MaxText)
	if err != nil {
		return err
	}
	d.emit(Updated{Seal(t)})
	d.say(PlaceRoom, "", true)
	if !d.s.Privilege.All {
		d.tellPager("note")
	}
	if at, ok := d.r.Deadline(d.s.Severity, ClockUpdate, d.a.At); ok && d.s.Status == Open {
		d.setClock(ClockUpdate, at)
	}
	return nil
}

// a clock of somebody's typed time may run a little ahead of ours.
const skew = 2 * time.Minute

func (d *deciding) notFuture(at time.Time) error {
	if at.After(d.a.At.Add(skew)) {
		return Refuse("future", "That time is in the future.", "Say when it happened, e.g. `14:05` or `yesterday 22:10`.")
	}
	return nil
}

func (d *deciding) addNote(c AddNote) error {
	t, err := text("note", c.Text, MaxText)
	if err != nil {
		return err
	}
	if err := d.notFuture(d.a.occurred()); err != nil {
		return err
	}
	d.emit(Noted{Seal(t)})
	d.say(PlaceRoom, "", false)
	return nil
}

func (d *deciding) keepMessage(c KeepMessage) error {
	if d.s.Kept[c.Ref.Channel+"/"+c.Ref.TS] {
		return Refuse("same", "That message is on the timeline already.", "")
	}
	t, err := text("message", c.Text, 40_000)
	if err != nil {
		return err
	}
	d.meet(c.Author)
	d.emit(Kept{c.Ref, c.Author.ID, Seal(t)})
	return nil
}

func (d *deciding) entry(seq int64) error {
	if seq < 1 || seq > d.s.Seq {
		return Refuse("no-such-entry", fmt.Sprintf("There is no timeline entry %d.", seq), "`timeline` shows the numbers.")
	}
	return nil
}

func (d *deciding) editEntry(c EditEntry) error {
	if err := d.entry(c.Seq); err != nil {
		return err
	}
	var t string
	var err error
	if c.Text != "" {
		if t, err = text("text", c.Text, MaxText); err != nil {
			return err
		}
	} else if c.Occurred.IsZero() {
		return Refuse("empty", "Nothing to change was given.", "Say `timeline edit <n> <new text>`.")
	}
	if err := d.notFuture(c.Occurred); err != nil {
		return err
	}
	d.emit(EntryEdited{c.Seq, Seal(t), c.Occurred, Seal(c.Why)})
	return nil
}

func (d *deciding) hideEntry(c HideEntry) error {
	if err := d.entry(c.Seq); err != nil {
		return err
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	if d.s.Hidden[c.Seq] {
		return Refuse("same", fmt.Sprintf("Entry %d is hidden already.", c.Seq), "")
	}
	d.emit(EntryHidden{c.Seq, Seal(why)})
	return nil
}

// redact erases text for good. The line stays, the chain stays whole, and the
// record says who did it and why.
func (d *deciding) redact(c Redact) error {
	if err := d.entry(c.Seq); err != nil {
		return err
	}
	why, err := line("reason", c.Why, MaxName)
	if err != nil {
		return err
	}
	if err := d.noErasing(c.Held); err != nil {
		return err
	}
	if len(c.Refs) == 0 {
		return Refuse("nothing-to-erase", fmt.Sprintf("Entry %d holds no text that could be erased.", c.Seq), "")
	}
	d.emit(Redacted{c.Seq, c.Refs, why})
	d.c.Erase = append(d.c.Erase, c.Refs...)
	d.say(PlaceRoom, "", false)
	return nil
}

func (d *deciding) addTask(c AddTask) error {
	t, err := text("task", c.Text, MaxText)
	if err != nil {
		return err
	}
	if len(d.s.Tasks) >= MaxItems {
		return Refuse("too-many", fmt.Sprintf("An incident has at most %d tasks.", MaxItems), "")
	}
	owner, err := d.ownerOf(c.Owner)
	if err != nil {
		return err
	}
	n := len(d.s.Tasks) + 1
	d.emit(TaskAdded{N: n, Text: Seal(t), Phase: d.s.Phase, Owner: owner, Due: c.Due})
	d.say(PlaceRoom, "", false)
	d.tellOwner(owner)
	d.bringIn(owner)
	if !c.Due.IsZero() {
		d.setClock(taskClock(n), Deadline{Due: c.Due})
	}
	return nil
}

func (d *deciding) ownerOf(p *Person) (PersonID, error) {
	if p == nil {
		return "", nil
	}
	if err := d.fit(*p); err != nil {
		return "", err
	}
	d.meet(*p)
	return p.ID, nil
}

// bringIn makes whoever was given something to do a responder.
func (d *deciding) bringIn(id PersonID) {
	if id != "" && !d.s.People[id].Joined {
		d.emit(Joined{Person: id})
		d.invite(d.s.Person(id))
	}
}

// tellOwner lets somebody know directly of what somebody else gave them.
func (d *deciding) tellOwner(id PersonID) {
	if id != "" && id != d.a.By.ID {
		d.say(PlacePerson, id, false)
	}
}

func (d *deciding) changeTask(c ChangeTask) error {
	if c.N < 1 || c.N > len(d.s.Tasks) {
		return Refuse("no-such-task", fmt.Sprintf("There is no task %d.", c.N), "`task list` shows them.")
	}
	t := d.s.Tasks[c.N-1]
	if c.Done != nil && *c.Done == t.Done && c.Owner == nil && c.Due == nil {
		return Refuse("same", fmt.Sprintf("Task %d stands like that already.", c.N), "")
	}
	var owner *PersonID
	if c.Owner != nil {
		id, err := d.ownerOf(c.Owner)
		if err != nil {
			return err
		}
		owner = &id
	}
	d.emit(TaskChanged{c.N, owner, c.Due, c.Done})
	d.say(PlaceRoom, "", false)
	if owner != nil {
		d.tellOwner(*owner)
		d.bringIn(*owner)
	}
	switch t := d.s.Tasks[c.N-1]; {
	case t.Done:
		d.stopClock(taskClock(c.N), true)
	case c.Due != nil && !c.Due.IsZero(), c.Done != nil && !t.Due.IsZero() && t.Due.After(d.a.At):
		d.setClock(taskClock(c.N), Deadline{Due: t.Due})
	}
	return nil
}

func (d *deciding) setPhase(c SetPhase) error {
	if c.Phase == d.s.Phase {
		return Refuse("same", fmt.Sprintf("The response is in %s already.", c.Phase), "")
	}
	if !has(Phases(), c.Phase) {
		return Refuse("unknown-phase", fmt.Sprintf("%q is not a phase.", c.Phase), "Phases: detection, containment, eradication, recovery, lessons.")
	}
	listed := d.s.Listed[c.Phase]
	d.emit(PhaseSet{d.s.Phase, c.Phase})
	d.say(PlaceRoom, "", true)
	if !d.s.Times.Contained.IsZero() {
		d.stopClock(ClockContain, true)
	}
	if !listed {
		d.layOut(c.Phase)
	}
	d.dress()
	return nil
}
