package incident

import (
	"fmt"
	"strings"
)

// ScopeKinds lists the kinds of things that can be affected.
func ScopeKinds() []ScopeKind {
	return []ScopeKind{ScopeHost, ScopeIdentity, ScopeService, ScopeData, ScopeIndicator}
}

func (d *deciding) markScope(c MarkScope) error {
	if !has(ScopeKinds(), c.Kind) {
		return Refuse("unknown-kind", fmt.Sprintf("%q is not a kind of scope.", c.Kind), "Kinds: host, identity, service, data, indicator.")
	}
	if c.State == "" {
		c.State = Suspected
	}
	if !has([]ScopeState{Suspected, Confirmed, Cleared}, c.State) {
		return Refuse("unknown-state", fmt.Sprintf("%q is not a state of scope.", c.State), "States: suspected, confirmed, cleared.")
	}
	return d.scoped(c)
}

// scoped records what stands where; the same thing again changes its line.
func (d *deciding) scoped(c MarkScope) error {
	name, err := line("name", c.Name, MaxName)
	if err != nil {
		return err
	}
	n, known := len(d.s.Scope)+1, false
	for _, it := range d.s.Scope {
		if it.Kind == c.Kind && strings.EqualFold(it.Name.Text, name) {
			if it.State == c.State && c.Note == "" {
				return Refuse("same", fmt.Sprintf("%s is %s already.", name, c.State), "")
			}
			n, known = it.N, true
		}
	}
	if n > MaxItems {
		return Refuse("too-many", fmt.Sprintf("An incident has at most %d things in scope.", MaxItems), "")
	}
	d.emit(Scoped{n, c.Kind, Seal(name), c.State, Seal(c.Note)})
	if d.s.Room.Channel != "" {
		d.say(PlaceRoom, "", false)
	}
	if !known && c.State != Cleared && !d.s.Private {
		d.invite(d.r.Owners(name)...)
	}
	return nil
}

func (d *deciding) setTime(c SetTime) error {
	if c.At.IsZero() {
		return Refuse("no-time", "No time was given.", "Say e.g. `times awareness 14:05 <why>`.")
	}
	if err := d.notFuture(c.At); err != nil {
		return err
	}
	if !has([]TimeKind{Impact, Detected, Awareness}, c.Which) {
		return Refuse("unknown-time", fmt.Sprintf("%q is not one of the incident's times.", c.Which), "Times: awareness, impact, detection.")
	}
	d.emit(TimeSet{c.Which, c.At, Seal(c.Why)})
	d.say(PlaceRoom, "", false)
	return nil
}
