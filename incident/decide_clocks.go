package incident

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// targets are the clocks that a severity sets.
var targets = []ClockName{ClockAck, ClockUpdate, ClockContain, ClockResolve}

func (d *deciding) startClocks(from time.Time) {
	for _, name := range targets {
		if at, ok := d.r.Deadline(d.s.Severity, name, from); ok {
			d.setClock(name, at)
		}
	}
}

// rearm re-computes the targets that still run, measured from a moment: now when it
// got worse, the declaration when it got better. Breaches stay breached.
func (d *deciding) rearm(from time.Time) {
	for _, name := range targets {
		old, had := d.s.Clocks[name]
		if had && old.Stopped {
			continue
		}
		base := from
		if name == ClockUpdate {
			base = d.a.At
		}
		at, ok := d.r.Deadline(d.s.Severity, name, base)
		switch {
		case ok:
			d.setClock(name, at)
		case had:
			d.stopClock(name, false)
		}
	}
}

func (d *deciding) stopClock(name ClockName, met bool) {
	c, ok := d.s.Clocks[name]
	if !ok || !c.Running() {
		return
	}
	d.emit(ClockStopped{name, met && !c.Breached && !d.a.At.After(c.Due)})
}

func (d *deciding) tick(c Tick) error {
	clock, ok := d.s.Clocks[c.Clock]
	if !ok || clock.Armed != c.Armed || !clock.Running() {
		return nil
	}
	switch {
	case d.deedTick(c.Clock, c.Stage == StageWarn):
	case c.Stage == StageRemind:
		d.postMortemBell()
	case c.Stage == StageWarn:
		d.warn(c.Clock, clock)
	case c.Clock == ClockRung:
		if d.s.Paging.Running {
			d.nextRung()
		}
	case c.Clock == ClockDrill:
		d.inject()
	case c.Clock == ClockQuiet:
		d.stillThere()
	case c.Clock == ClockLate:
		d.postMortemLate()
	default:
		d.breach(c.Clock, clock)
	}
	return nil
}

// warn goes to the owner of the duty; the room hears only where nobody owns it.
func (d *deciding) warn(name ClockName, c Clock) {
	d.emit(ClockWarned{name, c.Due})
	owners := d.owners()
	for _, id := range owners {
		d.say(PlacePerson, id, true)
	}
	if len(owners) == 0 {
		d.say(PlaceRoom, "", false)
	}
}

// breach goes to the owner first, then as one line to the room; missed updates are
// escalated to everybody who holds a role, and asked for again.
func (d *deciding) breach(name ClockName, c Clock) {
	again := c.Breached
	d.emit(ClockBreached{name, c.Due})
	for _, id := range d.breachOwners(name) {
		d.say(PlacePerson, id, true)
	}
	d.say(PlaceRoom, "", !again)
	if name == ClockUpdate {
		for _, role := range sortedKeys(d.s.Posts) {
			if id := d.s.Posts[role].Holder; id != "" && role != Commander {
				d.say(PlacePerson, id, true)
			}
		}
		if at, ok := d.r.Deadline(d.s.Severity, ClockUpdate, d.a.At); ok {
			d.setClock(ClockUpdate, at)
		}
		return
	}
	d.stopClock(name, false)
	if name == ClockPostMortem {
		d.armLate()
	}
}

func (d *deciding) breachOwners(name ClockName) []PersonID {
	if n, ok := strings.CutPrefix(string(name), "task/"); ok {
		if i, err := strconv.Atoi(n); err == nil && i >= 1 && i <= len(d.s.Tasks) && d.s.Tasks[i-1].Owner != "" {
			return []PersonID{d.s.Tasks[i-1].Owner}
		}
	}
	if role, ok := strings.CutPrefix(string(name), "offer/"); ok {
		var both []PersonID
		for _, id := range []PersonID{d.s.Posts[Role(role)].Offered, d.s.Holder(Role(role))} {
			if id != "" {
				both = append(both, id)
			}
		}
		return both
	}
	if name == ClockPostMortem && d.s.Report.Owner != "" {
		return []PersonID{d.s.Report.Owner}
	}
	return d.owners()
}

func taskClock(n int) ClockName { return ClockName(fmt.Sprintf("task/%d", n)) }

// A sweep asks at most once a day about the same thing.
const sweepRest = 20 * time.Hour

// stale is how long an open incident may lie untouched before the room is asked.
const staleAfter = 24 * time.Hour

func (d *deciding) nudge(c Nudge) error {
	if d.a.At.Sub(d.s.Reminded[c.Sweep]) < sweepRest {
		return nil
	}
	switch c.Sweep {
	case "stale":
		last := later3(d.s.Declared, d.s.Times.Heard, d.s.Times.Updated)
		if d.s.Status == Open && d.a.At.Sub(last) >= staleAfter {
			d.emit(Reminded{What: "stale"})
			d.say(PlaceRoom, "", false)
			for _, id := range d.owners() {
				d.say(PlacePerson, id, false)
			}
		}
	case "items":
		late := map[PersonID]bool{}
		for _, it := range d.s.Items {
			if !it.Done && !it.Due.IsZero() && d.a.At.After(it.Due) {
				late[it.Owner] = true
			}
		}
		d.remind("items", late)
	case "tasks":
		late := map[PersonID]bool{}
		for _, t := range d.s.Tasks {
			if !t.Done && !t.Due.IsZero() && d.a.At.After(t.Due) && d.s.Live() {
				late[t.Owner] = true
			}
		}
		d.remind("tasks", late)
	}
	return nil
}

// remind goes to each owner; the room hears what nobody owns.
func (d *deciding) remind(what string, late map[PersonID]bool) {
	for _, id := range sortedKeys(late) {
		d.emit(Reminded{id, what})
		if id == "" {
			d.say(PlaceRoom, "", false)
			continue
		}
		d.say(PlacePerson, id, false)
	}
}

func later3(a, b, c time.Time) time.Time {
	if b.After(a) {
		a = b
	}
	if c.After(a) {
		a = c
	}
	return a
}
