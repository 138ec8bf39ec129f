package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Containment belongs to the target, not to the room. A stream named
// "hold:<kind>/<name>" is the register of one target: the first hold does the deed,
// the last one's end undoes it, and every holder's room is told.

// HoldID names the register of a target, e.g. HoldID("host", "web-3").
func HoldID(kind, name string) ID { return ID("hold:" + kind + "/" + strings.ToLower(name)) }

// Commands to a register of holds.
type (
	// PlaceHold asks for an incident's hold on the target, or moves its end.
	PlaceHold struct {
		Incident ID        `json:"incident"`
		Action   string    `json:"action"`
		Until    time.Time `json:"until,omitzero"`
		OnExpiry string    `json:"on_expiry,omitempty"` // "ask" (default) or "release"
	}
	// EndHold ends an incident's hold.
	EndHold struct {
		Incident ID     `json:"incident"`
		Action   string `json:"action"`
	}
	// HoldChanged tells an incident what became of a target it holds.
	HoldChanged struct {
		Target string `json:"target"` // stream of the register
		What   string `json:"what"`   // one sentence
	}
)

// Events of a register of holds.
type (
	// HoldPlaced says an incident holds the target. First: the deed is owed.
	HoldPlaced struct {
		Held  Held `json:"held"`
		First bool `json:"first,omitempty"`
	}
	// HoldEnded says an incident holds it no longer. Last: the undoing is owed.
	HoldEnded struct {
		Incident ID     `json:"incident"`
		Action   string `json:"action"`
		Last     bool   `json:"last,omitempty"`
	}
	// HoldNearEnd says a time to live ran out. By default that asks and does not expose.
	HoldNearEnd struct {
		Incident ID     `json:"incident"`
		Action   string `json:"action"`
	}
)

// Effects of a register of holds.
type (
	// Enforce does the deed on the target of the stream.
	Enforce struct {
		Action string `json:"action"`
	}
	// Release undoes it, restoring what was found.
	Release struct {
		Action string `json:"action"`
	}
)

func (PlaceHold) command()   {}
func (EndHold) command()     {}
func (HoldChanged) command() {}
func (HoldPlaced) event()    {}
func (HoldEnded) event()     {}
func (HoldNearEnd) event()   {}
func (Enforce) effect()      {}
func (Release) effect()      {}

func holdKey(id ID, action string) string { return string(id) + " " + action }

func holdClock(id ID, action string) ClockName { return ClockName("hold/" + holdKey(id, action)) }

func (d *deciding) hold(c Command) error {
	switch c := c.(type) {
	case PlaceHold:
		return d.placeHold(c)
	case EndHold:
		return d.endHold(c)
	case Tick:
		return d.holdTick(c)
	}
	return fmt.Errorf("register of holds: %T is not asked of one", c)
}

func (d *deciding) placeHold(c PlaceHold) error {
	if c.OnExpiry == "" {
		c.OnExpiry = "ask"
	}
	first := true
	for _, h := range d.s.Hold {
		first = first && h.Action != c.Action
	}
	since := d.a.At
	if had, ok := d.s.Hold[holdKey(c.Incident, c.Action)]; ok {
		since = had.Since
	}
	d.emit(HoldPlaced{Held{c.Incident, c.Action, c.Until, c.OnExpiry, since}, first})
	if first {
		d.owe(Enforce{c.Action}, laneDeed, RankPage, d.a.At, time.Time{})
	} else {
		d.tellHolders(c.Action, c.Incident, fmt.Sprintf("%s is held by %s too.", d.target(), c.Incident))
	}
	if !c.Until.IsZero() {
		d.setClock(holdClock(c.Incident, c.Action), Deadline{Due: c.Until})
	}
	return nil
}

func (d *deciding) endHold(c EndHold) error {
	if _, ok := d.s.Hold[holdKey(c.Incident, c.Action)]; !ok {
		return Refuse("not-held", fmt.Sprintf("%s does not hold %s.", c.Incident, d.target()), "")
	}
	left := 0
	for _, h := range d.s.Hold {
		if h.Action == c.Action {
			left++
		}
	}
	d.emit(HoldEnded{c.Incident, c.Action, left == 1})
	if left == 1 {
		d.owe(Release{c.Action}, laneDeed, RankPage, d.a.At, time.Time{})
		return nil
	}
	var who []string
	for _, h := range d.s.Hold {
		if h.Action == c.Action {
			who = append(who, string(h.Incident))
		}
	}
	slices.Sort(who)
	still := fmt.Sprintf("%s stays contained: %s still holds it.", d.target(), strings.Join(who, ", "))
	d.tell(c.Incident, HoldChanged{string(d.s.Stream), still})
	d.tellHolders(c.Action, c.Incident, still)
	return nil
}

// holdTick asks at the end of a time to live; it exposes only where the grant said so.
func (d *deciding) holdTick(c Tick) error {
	for _, h := range d.s.Hold {
		if holdClock(h.Incident, h.Action) != c.Clock {
			continue
		}
		if h.OnExpiry == "release" {
			return d.endHold(EndHold{h.Incident, h.Action})
		}
		d.emit(HoldNearEnd{h.Incident, h.Action})
		d.tell(h.Incident, HoldChanged{string(d.s.Stream), fmt.Sprintf("The time to live of the hold on %s has run out; it stays contained until somebody decides.", d.target())})
	}
	return nil
}

func (d *deciding) target() string { return strings.TrimPrefix(string(d.s.Stream), "hold:") }

func (d *deciding) tellHolders(action string, except ID, what string) {
	var ids []ID
	for _, h := range d.s.Hold {
		if h.Action == action && h.Incident != except {
			ids = append(ids, h.Incident)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		d.tell(id, HoldChanged{string(d.s.Stream), what})
	}
}
