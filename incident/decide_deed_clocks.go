package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// deedTick rings for questions and holds.
func (d *deciding) deedTick(name ClockName, warn bool) bool {
	if n, ok := numbered(name, "approve/"); ok {
		d.approvalRings(n)
		return true
	}
	if n, ok := numbered(name, "held/"); ok {
		d.holdRings(n, warn)
		return true
	}
	return false
}

func numbered(name ClockName, prefix string) (int, bool) {
	rest, ok := strings.CutPrefix(string(name), prefix)
	n, err := strconv.Atoi(rest)
	return n, ok && err == nil
}

// approvalRings pages the entitled, a few more each time, until the question expires.
func (d *deciding) approvalRings(n int) {
	deed, ok := d.s.Deed(n)
	if !ok || deed.Status != DeedWaiting {
		d.stopClock(approveClock(n), false)
		return
	}
	if !d.a.At.Before(deed.Expires) {
		d.emit(ActionExpired{n})
		d.say(PlaceRoom, "", true)
		d.stopClock(approveClock(n), false)
		return
	}
	all := d.approvers(n)
	from := min(deed.Asked*approvalPages, len(all))
	next := all[from:min(from+approvalPages, len(all))]
	var ids []PersonID
	for _, p := range next {
		d.meet(p)
		ids = append(ids, p.ID)
	}
	d.emit(ApproversAsked{n, ids, deed.Asked + 1})
	d.say(PlaceRoom, "", len(next) == 0 && deed.Asked*approvalPages <= len(all))
	for _, p := range next {
		d.pageByName(p, fmt.Sprintf("%s waits for your approval", deed.ID(d.s.Stream)))
	}
	due := d.a.At.Add(approvalRing)
	if due.After(deed.Expires) || len(next) == 0 {
		due = deed.Expires
	}
	d.setClock(approveClock(n), Deadline{Due: due})
}

// holdRings asks the owner of a hold before its end, says at its end that it stays, and
// pages after that. It never exposes anything by itself.
func (d *deciding) holdRings(n int, warn bool) {
	deed, ok := d.s.Deed(n)
	if !ok || deed.Holding() == 0 {
		d.stopClock(heldClock(n), false)
		return
	}
	releases := deed.Grant.OnExpiry == "release" && deed.Keep == (Keep{})
	owners := d.holdOwners(deed)
	switch ran := d.a.At.Before(deed.End()); {
	case warn || ran:
		d.emit(HoldRanOut{n, true})
		for _, id := range owners {
			d.say(PlacePerson, id, true)
		}
		if len(owners) == 0 || releases {
			d.say(PlaceRoom, "", false)
		}
		return
	case releases:
		d.stopClock(heldClock(n), false) // its register lets go, and says so
		return
	case deed.RanOut:
		for _, id := range owners {
			d.pageByName(d.s.Person(id), fmt.Sprintf("the hold of %s has run out and stays until somebody decides", deed.ID(d.s.Stream)))
		}
		d.stopClock(heldClock(n), false)
		return
	}
	d.emit(HoldRanOut{N: n})
	d.say(PlaceRoom, "", true)
	for _, id := range owners {
		d.say(PlacePerson, id, true)
	}
	d.setClock(heldClock(n), Deadline{Due: d.a.At.Add(holdPatience)})
}

// holdOwners are who answers for a hold: its keeper, else whoever asked for it and the
// commander.
func (d *deciding) holdOwners(deed Deed) []PersonID {
	ids := []PersonID{deed.Keep.Owner}
	if deed.Keep.Owner == "" {
		ids = []PersonID{deed.By, d.s.Holder(Commander)}
	}
	var out []PersonID
	for _, id := range ids {
		if id != "" && !slices.Contains(out, id) && !d.s.IsExcluded(id) {
			out = append(out, id)
		}
	}
	return out
}

// End is when the hold's time to live is over; zero: never.
func (deed Deed) End() time.Time {
	if deed.Keep.Permanent {
		return time.Time{}
	}
	if !deed.Keep.Until.IsZero() {
		return deed.Keep.Until
	}
	return deed.Until
}
