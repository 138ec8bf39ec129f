package incident

import (
	"slices"
	"strings"
)

// targetSettled writes down what became of a deed at one target. What holds no longer,
// or never did, is told as loudly as what does.
func (d *deciding) targetSettled(c TargetSettled) error {
	deed, ok := d.s.Deed(c.N)
	if !ok || c.Index < 0 || c.Index >= len(deed.Targets) {
		return nil
	}
	late := c.Round != 0 && (c.Round != deed.Round || c.Try != deed.Try)
	if late && !c.Mark.Holds() {
		return nil // of an earlier try, and nothing stands because of it
	}
	var w DeedWords
	if c.Words != nil {
		w = *c.Words
	}
	e := TargetMarked{N: c.N, Index: c.Index, Mark: c.Mark, Others: c.Others, Done: lines(w.Done), Seen: lines(w.Seen)}
	if w.Why != "" {
		e.Why = Seal(w.Why)
	}
	if !deed.Lasts && (c.Mark == MarkInEffect || c.Mark == MarkAlready) {
		e.Mark = MarkDone
	}
	d.emit(e)
	d.resetOnRoster(c.N, c.Index, e.Mark)
	if len(deed.Targets) > 1 {
		d.showDeed(c.N)
	}
	switch e.Mark {
	case MarkDisputed, MarkStuck:
		d.say(PlaceRoom, "", true) // nobody may believe that it is released
	}
	d.endDeed(c.N, w)
	return nil
}

func (d *deciding) targetTroubled(c TargetTroubled) error {
	if deed, ok := d.s.Deed(c.N); !ok || c.Words == nil || c.Index < 0 || c.Index >= len(deed.Targets) {
		return nil
	}
	d.emit(ActionTroubled{c.N, c.Index, Seal(c.Words.Why), c.End})
	d.say(PlaceRoom, "", false)
	return nil
}

// targetShared tells a holder who else came or went: neither frees the target alone.
func (d *deciding) targetShared(c TargetShared) error {
	if deed, ok := d.s.Deed(c.N); !ok || c.Index < 0 || c.Index >= len(deed.Targets) {
		return nil
	}
	d.emit(HoldShared(c))
	d.say(PlaceRoom, "", false)
	return nil
}

func lines(list []string) Sealed {
	if len(list) == 0 {
		return Sealed{}
	}
	return Seal(strings.Join(list, "\n"))
}

// endDeed says how the deed stands once nothing is awaited at any target.
func (d *deciding) endDeed(n int, last DeedWords) {
	deed, _ := d.s.Deed(n)
	if deed.Status != DeedRunning && deed.Status != DeedReleasing && deed.Status != DeedInEffect && deed.Status != DeedPartial {
		return
	}
	total := len(deed.Targets)
	if deed.Count(Mark.settled) < total && deed.Status == DeedRunning {
		return
	}
	count := func(marks ...Mark) int {
		return deed.Count(func(m Mark) bool { return slices.Contains(marks, m) })
	}
	holding := deed.Holding()
	good := count(MarkInEffect, MarkUnproven, MarkAlready, MarkDone, MarkDrill)
	stale, gone := count(MarkStale), count(MarkReleased, MarkShared)
	if stale > 0 && good == 0 && holding == 0 && gone == 0 {
		d.replanned(n) // nothing was done: it is shown and approved anew
		return
	}
	status := DeedPartial
	switch {
	case gone > 0 && holding == 0:
		status = DeedReleased
	case deed.Status == DeedReleasing && holding > 0 && count(MarkDisputed, MarkStuck) < holding:
		return // the others are under way
	case good == total && deed.Lasts:
		status = DeedInEffect
	case good == total:
		status = DeedDone
	case count(MarkEvidence) > 0 && deed.Status == DeedRunning:
		status = DeedEvidence
	case good == 0 && holding == 0 && stale == 0:
		status = DeedFailed
	}
	if status == deed.Status {
		return
	}
	end := ActionEnded{N: n, Status: status}
	if total == 1 {
		end.Words = SealWords(last)
	}
	d.emit(end)
	d.say(PlaceRoom, "", true)
	if holding == 0 {
		d.stopClock(heldClock(n), false)
	}
	if stale > 0 && status != DeedReleased {
		d.replanned(n) // never a different deed: the world changed, so it is shown and approved anew
	}
}

func (d *deciding) replanned(n int) {
	deed, _ := d.s.Deed(n)
	d.emit(ActionReplanned{n, deed.Round + 1})
	d.say(PlaceRoom, "", true)
	d.plan(n, deed.Round+1)
}
