package incident

import (
	"fmt"
	"strings"
	"time"
)

// A closed room stays readable a week before it is archived, so that a reopening
// finds it where everybody left it.
const archiveAfter = 7 * 24 * time.Hour

func (d *deciding) resolve(c Resolve) error {
	var how Sealed
	if c.Text != "" {
		t, err := text("summary", c.Text, MaxText)
		if err != nil {
			return err
		}
		how = Seal(t)
	}
	d.stopClock(ClockAck, d.s.Paging.AckedBy != "")
	for _, name := range []ClockName{ClockRung, ClockQuiet} {
		d.stopClock(name, false)
	}
	for _, name := range []ClockName{ClockUpdate, ClockContain, ClockResolve} {
		d.stopClock(name, true)
	}
	d.emit(WasResolved{how})
	d.say(PlaceRoom, "", true)
	d.tellPager("resolve")
	if due, remind, ok := d.r.PostMortem(d.s.Severity, d.a.At); ok && !d.s.Drill {
		d.draft(due, remind)
	}
	d.dress()
	return nil
}

func (d *deciding) reopen(c Reopen) error {
	if d.s.Status == Open {
		return Refuse("same", fmt.Sprintf("%s is open.", d.s.Stream), "")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	mine := d.a.By.ID == d.s.Holder(Commander) || d.a.By.ID == d.s.Paging.AckedBy
	d.emit(WasReopened{Seal(why)})
	d.say(PlaceRoom, "", true)
	d.stopClock(ClockPostMortem, false)
	d.stopClock(ClockLate, false)
	d.startClocks(d.a.At)
	if mine {
		d.stopClock(ClockAck, true) // whoever has it reopened it
	} else {
		d.startLadder(d.r.Ladder(d.s.Severity, d.s.Type), "the incident was reopened")
	}
	d.dress()
	return nil
}

// close files the incident away. What is still owed is named, and stays an obstacle
// unless somebody waives it by name.
func (d *deciding) close(c Close) error {
	if d.s.Status == Open {
		return Refuse("not-resolved", fmt.Sprintf("%s is not resolved yet.", d.s.Stream), "`resolve <how>` comes first.")
	}
	left := d.left()
	if len(left) > 0 && c.Waive == "" {
		return Refuse("duties-open", "Before closing: "+strings.Join(left, "; ")+".",
			"Do them, or say `close waive <why>`: it is recorded under your name.")
	}
	var waived Sealed
	if c.Waive != "" {
		t, err := text("reason", c.Waive, MaxText)
		if err != nil {
			return err
		}
		waived = Seal(t)
	}
	d.stopClock(ClockPostMortem, d.s.Report.Number != 0)
	d.stopClock(ClockLate, false)
	d.emit(WasClosed{waived})
	d.say(PlaceRoom, "", true)
	d.owe(ArchiveRoom{}, "archive", RankRefresh, d.a.At.Add(archiveAfter), time.Time{})
	return nil
}

// left is what still has to be done before closing, each in a few words.
func (d *deciding) left() []string {
	var left []string
	open := 0
	for _, t := range d.s.Tasks {
		if !t.Done && !t.Checklist {
			open++
		}
	}
	if open > 0 {
		left = append(left, fmt.Sprintf("%d open task(s)", open))
	}
	left = append(left, d.heldOpen()...)
	if d.s.Drill {
		return left
	}
	if !d.s.Report.Drafted.IsZero() && d.s.Report.Number == 0 {
		left = append(left, "the post-mortem is not published")
	}
	if d.s.Severest <= P2 {
		if d.s.Report.Sections[SectionRootCause].IsZero() {
			left = append(left, "the root cause is not written")
		}
		if !d.prevents() {
			left = append(left, "no action item prevents a recurrence")
		}
	}
	for _, it := range d.s.Items {
		if it.Owner == "" || it.Due.IsZero() {
			left = append(left, fmt.Sprintf("action item %d has no owner or no date", it.N))
		}
	}
	return left
}

// heldOpen is what containment still wants: an owner and an end for each hold, a review
// of each broken glass, a reset of every credential on the roster.
func (d *deciding) heldOpen() []string {
	var left []string
	for _, deed := range d.s.Deeds {
		switch {
		case deed.Status == DeedRunning || deed.Status == DeedReleasing:
			left = append(left, fmt.Sprintf("%s is under way", deed.ID(d.s.Stream)))
		case deed.Holding() > 0 && deed.Keep == (Keep{}):
			left = append(left, fmt.Sprintf("%s still holds %d target(s): `/contain undo %d`, or `/contain keep %d` with an owner and an end", deed.ID(d.s.Stream), deed.Holding(), deed.N, deed.N))
		}
		if deed.BreakGlass && deed.Reviewed == "" && deed.Try > 0 {
			left = append(left, fmt.Sprintf("the broken glass of %s is not reviewed", deed.ID(d.s.Stream)))
		}
	}
	if n := d.s.Unreset(); n > 0 {
		left = append(left, fmt.Sprintf("%d credential(s) on the roster are not reset", n))
	}
	return left
}

func (d *deciding) prevents() bool {
	for _, it := range d.s.Items {
		if it.Kind == "prevent" {
			return true
		}
	}
	return false
}

// mergeInto only asks: this incident ends once the other has taken it, so that two
// that are merged into each other at once both stay alive.
func (d *deciding) mergeInto(c MergeInto) error {
	if c.Into == d.s.Stream {
		return Refuse("same", "An incident cannot be merged into itself.", "")
	}
	if d.s.Merging != "" {
		return Refuse("merging", fmt.Sprintf("%s is being merged into %s.", d.s.Stream, d.s.Merging), "")
	}
	d.emit(MergeAsked(c))
	d.tell(c.Into, TakeMerged{From: d.s.Stream})
	return nil
}

func (d *deciding) takeMerged(c TakeMerged) error {
	switch {
	case has(d.s.Related, c.From) && c.Source != nil && c.Source.Status == Merged:
		return nil
	case d.s.Merging != "" || d.s.Status == Merged:
		return Refuse("merged", fmt.Sprintf("%s is itself merged into another.", d.s.Stream), "")
	case d.s.Status == Closed:
		return Refuse("closed", fmt.Sprintf("%s is closed.", d.s.Stream), "Reopen it first.")
	case c.Source != nil && c.Source.Drill != d.s.Drill:
		return Refuse("drill", "A drill and what is real are never one incident.", "Declare what is real on its own.")
	}
	d.emit(TookMerged{c.From})
	d.say(PlaceRoom, "", true)
	if s := c.Source; s != nil {
		d.bringHold(*s)
		d.takeOver(*s)
	}
	d.tell(c.From, MergeTaken{d.s.Stream})
	return nil
}

// takeOver brings people and scope along; nobody enters a confidential incident, and
// no text of one leaves it, by way of a merge.
func (d *deciding) takeOver(from State) {
	if d.s.Private || from.Private {
		return
	}
	for _, id := range sortedKeys(from.People) {
		part := from.People[id]
		if part.Joined && !d.s.IsExcluded(id) && !d.s.People[id].Joined {
			d.meet(part.Person)
			d.emit(Joined{Person: id})
			d.invite(part.Person)
		}
	}
	if from.Privilege.All && !d.s.Privilege.All {
		return // what is privileged there must not stand here unmarked
	}
	for _, it := range from.Scope {
		if it.Name.Text != "" {
			_ = d.scoped(MarkScope{Kind: it.Kind, Name: it.Name.Text, State: it.State}) // already there is fine
		}
	}
	for _, g := range from.Signals {
		if _, known := d.s.Signal(g.Group); !known && len(d.s.Signals) < MaxSignals {
			d.emit(SignalSeen{Group: g.Group, Rule: Seal(g.Rule.Text), Title: Seal(g.Title.Text), Level: g.Level, Techniques: g.Techniques, Host: Seal(g.Host.Text), Hosts: g.Hosts,
				Entities: Seal(g.Entities.Text), Count: g.Count, First: g.First, Last: g.Last, Source: string(from.Stream)})
		}
	}
	for _, t := range from.Tasks {
		if !t.Done && !t.Checklist && t.Text.Text != "" && len(d.s.Tasks) < MaxItems {
			n := len(d.s.Tasks) + 1
			d.emit(TaskAdded{N: n, Text: Seal(t.Text.Text), Phase: t.Phase, Owner: t.Owner, Due: t.Due})
			if t.Due.After(d.a.At) {
				d.setClock(taskClock(n), Deadline{Due: t.Due})
			}
		}
	}
}

func (d *deciding) mergeTaken(c MergeTaken) error {
	if d.s.Status == Merged {
		return nil
	}
	for _, name := range append([]ClockName{ClockRung, ClockQuiet, ClockPostMortem, ClockLate}, targets...) {
		d.stopClock(name, false)
	}
	d.emit(MergedAway(c))
	d.say(PlaceRoom, "", true)
	d.tellPager("resolve")
	d.owe(ArchiveRoom{}, "archive", RankRefresh, d.a.At.Add(archiveAfter), time.Time{})
	d.dress()
	return nil
}

func (d *deciding) relate(c Relate) error {
	if c.To == d.s.Stream {
		return Refuse("same", "An incident is not related to itself.", "")
	}
	if has(d.s.Related, c.To) {
		return Refuse("same", fmt.Sprintf("%s and %s are related already.", d.s.Stream, c.To), "")
	}
	d.emit(LinkedTo(c))
	d.say(PlaceRoom, "", false)
	d.tell(c.To, TakeRelated{d.s.Stream})
	return nil
}
