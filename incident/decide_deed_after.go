package incident

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (d *deciding) replan(c ReplanAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if err := d.mayStart(false); err != nil {
		return err
	}
	switch deed.Status {
	case DeedPartial, DeedFailed, DeedNotOpen, DeedExpired:
	default:
		return Refuse("not-now", fmt.Sprintf("%s is %s; there is nothing to plan again.", deed.ID(d.s.Stream), deed.Status), "")
	}
	if err := d.mayHandle(deed); err != nil {
		return err
	}
	d.replanned(c.N)
	return nil
}

// retry takes up what was left undone, with the plan that was approved.
func (d *deciding) retry(c RetryAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if err := d.mayStart(false); err != nil {
		return err
	}
	left := deed.with(MarkFailed, MarkPartial, MarkNoEffect, MarkBarred)
	if deed.Status != DeedPartial && deed.Status != DeedFailed && deed.Status != DeedStopped || len(left) == 0 || deed.Digest == "" {
		return Refuse("not-now", fmt.Sprintf("%s left nothing undone that could be taken up.", deed.ID(d.s.Stream)), fmt.Sprintf("See `/contain status %d`.", c.N))
	}
	if err := d.mayHandle(deed); err != nil {
		return err
	}
	return d.startDeed(c.N, left)
}

// with lists the targets that have one of the marks.
func (deed Deed) with(marks ...Mark) []int {
	var out []int
	for i, t := range deed.Targets {
		if slices.Contains(marks, t.Mark) {
			out = append(out, i)
		}
	}
	return out
}

// mayHandle lets those handle a deed who might ask for it now.
func (d *deciding) mayHandle(deed Deed) error {
	q := d.question(deed, d.a.By)
	q.BreakGlass = false
	if j := d.r.Judge(q); !j.Allowed {
		return Refuse("not-granted", j.Why, j.Hint)
	}
	return nil
}

// undo ends what a deed holds. Releasing is asked of whoever might ask for the deed.
func (d *deciding) undo(c UndoAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if deed.Holding() == 0 {
		hint := ""
		if !deed.Lasts && (deed.Status == DeedDone || deed.Status == DeedPartial) {
			hint = "It leaves nothing that could be taken back."
		}
		return Refuse("not-held", fmt.Sprintf("%s holds nothing.", deed.ID(d.s.Stream)), hint)
	}
	if err := d.mayHandle(deed); err != nil {
		return err
	}
	var why Sealed
	if c.Why != "" {
		t, err := text("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(t)
	}
	d.emit(ReleaseAsked{c.N, c.Force, why})
	d.say(PlaceRoom, "", false)
	for i, t := range deed.Targets {
		if t.Mark.Holds() || t.Mark == MarkRunning { // what is still under way is not to stand either
			d.owe(Tell{t.Register, EndHold{HoldKey{d.s.Stream, c.N, i}, c.Force}}, laneTell+"/"+strconv.Itoa(i%tellLanes), RankPage, d.a.At, time.Time{})
		}
	}
	return nil
}

func (d *deciding) extend(c ExtendAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if deed.Holding() == 0 {
		return Refuse("not-held", fmt.Sprintf("%s holds nothing.", deed.ID(d.s.Stream)), "")
	}
	if c.TTL <= 0 || deed.Grant.MaxTTL > 0 && c.TTL > deed.Grant.MaxTTL {
		return Refuse("ttl", fmt.Sprintf("It can be held for up to %s from now.", deed.Grant.MaxTTL), "")
	}
	if err := d.mayHandle(deed); err != nil {
		return err
	}
	until := d.a.At.Add(c.TTL)
	d.emit(HoldExtended{c.N, until})
	d.say(PlaceRoom, "", false)
	d.armHeld(c.N, until)
	d.moveHolds(c.N)
	return nil
}

// moveHolds tells the registers the new end of what a deed holds.
func (d *deciding) moveHolds(n int) {
	deed, _ := d.s.Deed(n)
	for i, t := range deed.Targets {
		if t.Mark.Holds() {
			d.placeAt(deed, i, true)
		}
	}
}

func (d *deciding) keep(c KeepAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if deed.Holding() == 0 {
		return Refuse("not-held", fmt.Sprintf("%s holds nothing.", deed.ID(d.s.Stream)), "")
	}
	if c.Permanent == !c.Until.IsZero() {
		return Refuse("until", "Say until when it is kept, or that it is permanent.", "")
	}
	if !c.Until.IsZero() && !c.Until.After(d.a.At) {
		return Refuse("past", "That time has passed.", "")
	}
	if err := d.fit(c.Owner); err != nil {
		return err
	}
	if err := d.mayHandle(deed); err != nil {
		return err
	}
	d.meet(c.Owner)
	d.emit(HoldKept{c.N, Keep{c.Owner.ID, c.Until, c.Permanent}})
	d.say(PlaceRoom, "", false)
	d.moveHolds(c.N)
	if c.Permanent {
		d.stopClock(heldClock(c.N), true)
		return nil
	}
	d.armHeld(c.N, c.Until)
	return nil
}

func (d *deciding) deny(c DenyAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if deed.Status != DeedWaiting && deed.Status != DeedPlanning {
		return Refuse("not-waiting", fmt.Sprintf("%s does not wait for an answer: it is %s.", deed.ID(d.s.Stream), deed.Status), "")
	}
	var why Sealed
	if c.Why != "" {
		t, err := text("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(t)
	}
	d.emit(ActionDenied{c.N, why})
	d.say(PlaceRoom, "", true)
	d.stopClock(approveClock(c.N), false)
	return nil
}

func (d *deciding) waiveEvidence(c WaiveEvidence) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	left := deed.with(MarkEvidence)
	if len(left) == 0 {
		return Refuse("not-now", fmt.Sprintf("%s does not wait for evidence.", deed.ID(d.s.Stream)), "")
	}
	if err := d.mayStart(false); err != nil {
		return err
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	d.emit(EvidenceWaived{c.N, Seal(why)})
	d.say(PlaceRoom, "", true)
	return d.startDeed(c.N, left)
}

func (d *deciding) review(c ReviewAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if !deed.BreakGlass || deed.Reviewed != "" {
		return Refuse("not-now", fmt.Sprintf("%s needs no review.", deed.ID(d.s.Stream)), "")
	}
	if deed.By == d.a.By.ID {
		return Refuse("own", "Whoever broke the glass does not review it.", "")
	}
	t, err := text("review", c.Text, MaxText)
	if err != nil {
		return err
	}
	d.emit(GlassReviewed{c.N, Seal(t)})
	d.say(PlaceRoom, "", false)
	return nil
}
