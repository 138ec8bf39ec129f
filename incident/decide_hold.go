package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (d *deciding) hold(c Command) error {
	if d.a.By.Standing != System {
		// Only an incident's own rules speak to a register; a person goes through them.
		return Refuse("not-entitled", "Holds are placed and ended by incidents.", "")
	}
	switch c := c.(type) {
	case PlaceHold:
		return d.placeHold(c)
	case EndHold:
		return d.endHold(c)
	case Enforced:
		return d.enforced(c)
	case ReleasedIt:
		return d.releasedIt(c)
	case Stuck:
		if h, ok := d.s.Hold[c.String()]; ok {
			n, all := d.emit(HoldTroubled{c.HoldKey, SealWords(c.Words)}), []Held{h}
			if c.End {
				all = append(all, d.sharing(h.HoldKey, h.Action)...)
			}
			for _, o := range all {
				d.tellRegister(o.Incident, TargetTroubled{N: o.Deed, Index: o.Index, Register: d.s.Stream, Line: n, End: c.End})
			}
		}
		return nil
	case Preserved:
		if h, ok := d.s.Hold[c.String()]; ok {
			n := d.emit(HoldPreserved(c))
			d.tellRegister(h.Incident, EvidenceIsKept{N: h.Deed, Index: h.Index, Register: d.s.Stream, Line: n})
		}
		return nil
	case Freeze:
		if d.s.Stream != EverythingID || d.s.Frozen.Is == !c.Thaw {
			return nil
		}
		d.emit(Frozen(c))
		return nil
	case Tick:
		return d.holdTick(c)
	case EffectFailed:
		return d.holdFailed(c)
	case EffectStale:
		return nil
	}
	return fmt.Errorf("register of holds: %T is not asked of one", c)
}

// tellRegister hands a command to an incident, in a lane for each so that a room that
// cannot be written to holds up no other.
func (d *deciding) tellRegister(to ID, c Command) {
	d.owe(Tell{to, c}, laneTell+"/"+string(to), RankPage, d.a.At, time.Time{})
}

// sharing lists the other holds of the same action that are not about to end, in a
// stable order.
func (d *deciding) sharing(k HoldKey, action string) []Held {
	var out []Held
	for _, key := range sortedKeys(d.s.Hold) {
		h := d.s.Hold[key]
		if h.HoldKey != k && h.Action == action && !h.Once && !h.Ending {
			out = append(out, h)
		}
	}
	return out
}

func labels(held []Held) []string {
	var out []string
	for _, h := range held {
		if !slices.Contains(out, h.Label) {
			out = append(out, h.Label)
		}
	}
	return out
}

func (d *deciding) placeHold(c PlaceHold) error {
	if c.OnExpiry == "" {
		c.OnExpiry = "ask"
	}
	h := Held{c.HoldKey, c.Round, c.Try, c.Action, c.Label, c.Once, c.Until, c.OnExpiry, d.a.At, MarkNone, 0, false, 0}
	had, again := d.s.Hold[c.String()]
	if c.Move {
		if !again || had.Ending || had.Until.Equal(c.Until) && had.OnExpiry == c.OnExpiry {
			return nil
		}
		had.Until, had.OnExpiry = c.Until, c.OnExpiry
		d.emit(HoldPlaced{had, false})
		d.armHold(had)
		d.prolong(had)
		return nil
	}
	if again && had.Round == c.Round && had.Try == c.Try {
		return nil
	}
	var others []Held
	if !c.Once {
		others = d.sharing(c.HoldKey, c.Action)
	}
	if len(others) == 0 {
		d.emit(HoldPlaced{h, true})
		d.owe(Enforce{c.HoldKey, c.Round, c.Try}, laneDeed, RankPage, d.a.At, time.Time{})
		d.armHold(h)
		return nil
	}
	h.Mark, h.Receipt = others[0].Mark, others[0].Receipt
	d.emit(HoldPlaced{h, false})
	d.armHold(h)
	d.prolong(h)
	for _, o := range others {
		d.tellRegister(o.Incident, TargetShared{N: o.Deed, Index: o.Index, Label: h.Label})
	}
	if h.Mark != MarkNone { // else the answer of the first is this one's too
		d.tellRegister(h.Incident, TargetSettled{N: h.Deed, Index: h.Index, Round: h.Round, Try: h.Try, Mark: h.Mark, Register: d.s.Stream, Line: h.Receipt, Others: labels(others)})
	}
	return nil
}

// prolong has the target's own timer put right, where there is a deed that has one: an end that was
// moved here only would come all the same.
func (d *deciding) prolong(h Held) {
	if h.Mark.Holds() {
		d.owe(Prolong{h.HoldKey}, laneDeed, RankPage, d.a.At, time.Time{})
	}
}

// LastEnd is until when somebody holds the target by an action; zero: until it is released.
func LastEnd(held map[string]Held, action string) (end time.Time) {
	for _, h := range held {
		switch {
		case h.Action != action || h.Once || h.Ending:
		case h.Until.IsZero() || h.OnExpiry != "release":
			return time.Time{}
		case h.Until.After(end):
			end = h.Until
		}
	}
	return end
}

// armHold sets the clock of a hold that releases by itself. Any other asks, which is
// its incident's business.
func (d *deciding) armHold(h Held) {
	if h.OnExpiry == "release" && !h.Until.IsZero() && !h.Once {
		d.setClock(holdClock(h.HoldKey), Deadline{Due: h.Until})
		return
	}
	d.stopClock(holdClock(h.HoldKey), false)
}

// enforced writes down what the deed came to and tells everybody who waits for it. Where
// it failed, the next who wants it tries for themselves.
func (d *deciding) enforced(c Enforced) error {
	h, ok := d.s.Hold[c.String()]
	if !ok || h.Round != c.Round || h.Try != c.Try {
		return nil
	}
	waiting := slices.DeleteFunc(d.sharing(h.HoldKey, h.Action), func(o Held) bool { return o.Mark != MarkNone })
	var receipt Sealed
	if c.Receipt != "" {
		receipt = Seal(c.Receipt)
	}
	line := d.emit(HoldEnforced{c.HoldKey, c.Mark, receipt, SealWords(c.Words)})
	if c.Mark.Holds() && len(waiting) > 0 {
		d.owe(Prolong{c.HoldKey}, laneDeed, RankPage, d.a.At, time.Time{})
	}
	all := append([]Held{h}, waiting...)
	if !c.Mark.Holds() {
		all = all[:1]
	}
	for _, o := range all {
		d.tellRegister(o.Incident, TargetSettled{N: o.Deed, Index: o.Index, Round: o.Round, Try: o.Try, Mark: c.Mark, Register: d.s.Stream, Line: line})
	}
	if key, ok := nextWaiting(d.s.Hold, h.Action); ok && !c.Mark.Holds() && !h.Once {
		next := d.s.Hold[key]
		d.owe(Enforce{next.HoldKey, next.Round, next.Try}, laneDeed, RankPage, d.a.At, time.Time{})
	}
	return nil
}

// nextWaiting is whose deed is tried next when one failed.
func nextWaiting(held map[string]Held, action string) (key string, ok bool) {
	for _, key := range sortedKeys(held) {
		if h := held[key]; h.Action == action && !h.Once && !h.Ending && h.Mark == MarkNone {
			return key, true
		}
	}
	return "", false
}

func (d *deciding) endHold(c EndHold) error {
	h, ok := d.s.Hold[c.String()]
	if !ok {
		if len(d.c.Events) == 0 && d.s.Exists {
			d.emit(HoldEnded{c.HoldKey, MarkReleased, Sealed{}})
			d.tellRegister(c.Incident, TargetSettled{N: c.Deed, Index: c.Index, Mark: MarkReleased, Register: d.s.Stream})
		}
		return nil
	}
	if h.Ending && !c.Force {
		return nil
	}
	others := d.sharing(h.HoldKey, h.Action)
	if len(others) > 0 {
		d.emit(HoldEnded{c.HoldKey, MarkShared, Sealed{}})
		d.tellRegister(h.Incident, TargetSettled{N: h.Deed, Index: h.Index, Mark: MarkShared, Register: d.s.Stream, Others: labels(others)})
		for _, o := range others {
			d.tellRegister(o.Incident, TargetShared{N: o.Deed, Index: o.Index, Label: h.Label, Left: true})
		}
		return nil
	}
	if h.Mark == MarkAlready {
		d.emit(HoldEnded{c.HoldKey, MarkReleased, Sealed{}}) // it was so before us, and stays so
		d.tellRegister(h.Incident, TargetSettled{N: h.Deed, Index: h.Index, Mark: MarkReleased, Register: d.s.Stream})
		return nil
	}
	d.emit(HoldEnding(c))
	d.owe(Release(c), laneDeed, RankPage, d.a.At, time.Time{})
	return nil
}

func (d *deciding) releasedIt(c ReleasedIt) error {
	h, ok := d.s.Hold[c.String()]
	if !ok || !h.Ending {
		return nil
	}
	line := d.emit(HoldEnded{c.HoldKey, c.Mark, SealWords(c.Words)})
	d.tellRegister(h.Incident, TargetSettled{N: h.Deed, Index: h.Index, Mark: c.Mark, Register: d.s.Stream, Line: line})
	return nil
}

// holdTick releases where the grant said so.
func (d *deciding) holdTick(c Tick) error {
	clock, ok := d.s.Clocks[c.Clock]
	if !ok || clock.Armed != c.Armed || !clock.Running() {
		return nil
	}
	for _, key := range sortedKeys(d.s.Hold) {
		if h := d.s.Hold[key]; holdClock(h.HoldKey) == c.Clock && h.OnExpiry == "release" {
			return d.endHold(EndHold{HoldKey: h.HoldKey})
		}
	}
	return nil
}

// holdFailed is the end of a deed that was given up: nobody may believe that it is done.
func (d *deciding) holdFailed(c EffectFailed) error {
	for _, key := range sortedKeys(d.s.Hold) {
		h := d.s.Hold[key]
		words := DeedWords{Why: c.Why}
		switch {
		case c.Kind == "enforce" && h.Owed == c.line():
			return d.enforced(Enforced{HoldKey: h.HoldKey, Round: h.Round, Try: h.Try, Mark: MarkFailed, Words: words})
		case c.Kind == "release" && h.Owed == c.line() && h.Ending:
			return d.releasedIt(ReleasedIt{h.HoldKey, MarkStuck, words})
		}
	}
	return nil
}

// line is the line of the record that owed the effect.
func (c EffectFailed) line() int64 {
	parts := strings.Split(string(c.Effect), "/")
	if len(parts) < 3 {
		return 0
	}
	n, err := strconv.ParseInt(parts[len(parts)-2], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
