package incident

import (
	"fmt"
	"slices"
	"strings"
)

// The roster is the list of identities whose credentials have to be reset before the
// incident can be closed.

func (d *deciding) addToRoster(c AddToRoster) error {
	names, err := targetNames(c.Names)
	if err != nil {
		return err
	}
	added := 0
	for _, name := range names {
		if slices.ContainsFunc(d.s.Roster, func(r RosterItem) bool { return strings.EqualFold(r.Name.Text, name) }) {
			continue
		}
		if len(d.s.Roster) >= MaxItems {
			return Refuse("too-many", fmt.Sprintf("At most %d identities fit on the roster.", MaxItems), "")
		}
		d.emit(RosterAdded{len(d.s.Roster) + 1, Seal(name)})
		added++
	}
	if added == 0 {
		return Refuse("same", "They are on the roster already.", "")
	}
	d.say(PlaceRoom, "", false)
	return nil
}

func (d *deciding) settleRoster(c SettleRoster) error {
	if c.N < 1 || c.N > len(d.s.Roster) {
		return Refuse("no-such-entry", fmt.Sprintf("There is no entry %d on the roster.", c.N), "See `/contain roster`.")
	}
	if it := d.s.Roster[c.N-1]; it.Done || it.Waived {
		return Refuse("same", "That one is settled already.", "")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	d.emit(RosterSettled{N: c.N, Waived: c.Waive, Why: Seal(why)})
	d.say(PlaceRoom, "", false)
	return nil
}

// resetOnRoster ticks off what a deed was seen to have reset. A hold resets nothing: once an
// account is released, or is back in its channels, what the intruder knows opens it again.
func (d *deciding) resetOnRoster(n, index int, m Mark) {
	deed, _ := d.s.Deed(n)
	if deed.Lasts || deed.Kind != "identity" && deed.Kind != "credential" || m != MarkInEffect && m != MarkDone {
		return
	}
	for _, it := range d.s.Roster {
		if !it.Done && !it.Waived && it.Name.Text != "" && strings.EqualFold(it.Name.Text, deed.Name(index)) {
			d.emit(RosterSettled{N: it.N, Deed: n})
		}
	}
}

// Unreset is how many identities on the roster are neither reset nor waived.
func (s State) Unreset() int {
	n := 0
	for _, it := range s.Roster {
		if !it.Done && !it.Waived {
			n++
		}
	}
	return n
}
