package incident

import (
	"fmt"
	"strings"
	"time"
)

func (d *deciding) knownRole(r Role) error {
	var names []string
	for _, spec := range d.r.Roles() {
		if spec.Role == r {
			return nil
		}
		names = append(names, string(spec.Role))
	}
	return Refuse("unknown-role", fmt.Sprintf("%q is not a role of the plan.", r), "Roles: "+strings.Join(names, ", ")+".")
}

// fit checks that somebody may be given a duty here.
func (d *deciding) fit(p Person) error {
	if !p.Known() {
		return Refuse("unknown-person", "It is not known who that is.", "Mention them with @.")
	}
	if err := standing(p); err != nil {
		return err
	}
	if d.s.IsExcluded(p.ID) {
		return Refuse("excluded", "That person is excluded from this incident.", "")
	}
	return nil
}

func (d *deciding) assignRole(c AssignRole) error {
	if err := d.knownRole(c.Role); err != nil {
		return err
	}
	if err := d.fit(c.To); err != nil {
		return err
	}
	holder := d.s.Holder(c.Role)
	if holder == c.To.ID {
		return Refuse("same", fmt.Sprintf("They are %s already.", c.Role), "")
	}
	if holder == d.a.By.ID {
		return d.offerRole(OfferRole(c)) // handing over wants acceptance
	}
	if holder != "" {
		if v := d.r.May(d.a.By, MayReassign, d.s); !v.Allowed {
			return Refuse("held", fmt.Sprintf("%s is held by somebody who has not offered it.", c.Role),
				fmt.Sprintf("They can hand over with `role offer %s @you`.", c.Role))
		}
	}
	d.take(c.Role, c.To)
	return nil
}

func (d *deciding) take(r Role, p Person) {
	from := d.s.Holder(r)
	d.meet(p)
	d.stopClock(offerClock(r), true)
	d.emit(RoleTaken{r, p.ID, from})
	d.say(PlaceRoom, "", r == Commander)
	if p.ID != d.a.By.ID {
		d.say(PlacePerson, p.ID, true)
	}
	if !d.s.People[p.ID].Joined {
		d.emit(Joined{Person: p.ID})
		d.invite(p)
	}
	if r == Commander {
		d.dress()
	}
}

func (d *deciding) offerRole(c OfferRole) error {
	if err := d.knownRole(c.Role); err != nil {
		return err
	}
	if err := d.fit(c.To); err != nil {
		return err
	}
	holder := d.s.Holder(c.Role)
	switch {
	case holder == c.To.ID:
		return Refuse("same", fmt.Sprintf("They are %s already.", c.Role), "")
	case holder != "" && holder != d.a.By.ID && (c.Role == Commander || d.s.Holder(Commander) != d.a.By.ID):
		return Refuse("not-yours", fmt.Sprintf("Only who holds %s, or the commander, can hand it over.", c.Role), "")
	case c.To.ID == d.a.By.ID:
		return d.assignRole(AssignRole(c))
	}
	d.meet(c.To)
	d.emit(RoleOffered{c.Role, c.To.ID})
	d.say(PlaceRoom, "", true)
	d.say(PlacePerson, c.To.ID, true)
	d.invite(c.To)
	d.setClock(offerClock(c.Role), Deadline{Due: d.a.At.Add(offerWait)})
	return nil
}

// An offer that nobody answers is said, so that the duty is not between two people.
const offerWait = 10 * time.Minute

func offerClock(r Role) ClockName { return ClockName("offer/" + string(r)) }

func (d *deciding) acceptRole(c AcceptRole) error {
	if d.s.Posts[c.Role].Offered != d.a.By.ID {
		return Refuse("not-offered", fmt.Sprintf("%s has not been offered to you.", c.Role), fmt.Sprintf("If nobody holds it: `role %s me`.", c.Role))
	}
	d.take(c.Role, d.a.By)
	return nil
}

func (d *deciding) declineRole(c DeclineRole) error {
	if d.s.Posts[c.Role].Offered != d.a.By.ID {
		return Refuse("not-offered", fmt.Sprintf("%s has not been offered to you.", c.Role), "")
	}
	d.stopClock(offerClock(c.Role), true)
	d.emit(RoleDeclined{c.Role, d.a.By.ID})
	d.say(PlaceRoom, "", true)
	if h := d.s.Holder(c.Role); h != "" {
		d.say(PlacePerson, h, true)
	}
	return nil
}

func (d *deciding) join(c Join) error {
	p := d.a.By
	if c.Person != nil {
		p = *c.Person
	}
	if err := d.fit(p); err != nil {
		return err
	}
	part := d.s.People[p.ID]
	if part.Joined && !c.Observer || part.Observer && c.Observer {
		if d.s.Room.Channel == "" {
			return Refuse("same", "They are in already; the room is still being opened.", "")
		}
	}
	d.meet(p)
	d.emit(Joined{p.ID, c.Observer})
	d.invite(p)
	return nil
}

// exclude bars somebody from now on, everywhere: room, pages, roles, home tab.
func (d *deciding) exclude(c Exclude) error {
	if !c.Person.Known() {
		return Refuse("unknown-person", "It is not known who that is.", "Mention them with @.")
	}
	if c.Lift {
		if !d.s.IsExcluded(c.Person.ID) {
			return Refuse("same", "They are not excluded.", "")
		}
		d.emit(Excluded{c.Person.ID, true})
		d.say(PlaceRoom, "", false)
		return nil
	}
	if c.Person.ID == d.a.By.ID {
		return Refuse("exclude-self", "You cannot exclude yourself.", "Ask somebody else to.")
	}
	if d.s.IsExcluded(c.Person.ID) {
		return Refuse("same", "They are excluded already.", "")
	}
	d.meet(c.Person)
	answered := d.s.Paging.AckedBy == c.Person.ID
	onRung := d.s.Paging.Running && d.onCurrentRung(c.Person.ID)
	d.emit(Excluded{Person: c.Person.ID})
	if d.s.Room.Channel != "" {
		d.owe(Remove{c.Person.ID}, "invite", RankPage, d.a.At, time.Time{})
	}
	d.say(PlaceRoom, "", true)
	d.dress()
	switch {
	case answered && d.s.Status == Open:
		d.emit(Unacknowledged{Person: c.Person.ID})
		d.startLadder(d.r.Ladder(d.s.Severity, d.s.Type), "whoever acknowledged is out")
	case onRung:
		d.nextRung()
	}
	return nil
}

// entered shows the excluded out again, and says aloud when somebody is in a
// confidential room whom nobody brought in.
func (d *deciding) entered(p Person) {
	part := d.s.People[p.ID]
	switch {
	case p.Standing == System || p.ID == "" || !d.s.Live():
	case part.Excluded:
		d.emit(Intruded{p.ID, true})
		d.owe(Remove{p.ID}, "invite", RankPage, d.a.At, time.Time{})
		d.say(PlaceRoom, "", true)
	case d.s.Private && !d.s.MaySee(p.ID) && !d.invited(p):
		d.meet(p)
		d.emit(Intruded{Person: p.ID})
		d.say(PlaceRoom, "", true)
	}
}

// invited reports whether the plan brings this person into such rooms.
func (d *deciding) invited(p Person) bool {
	for _, who := range d.r.Invitees(d.s.Severity, d.s.Type) {
		if who.ID == p.ID {
			return true
		}
	}
	return false
}

func (d *deciding) onCurrentRung(id PersonID) bool {
	for _, p := range d.s.Paging.Pages {
		if p.To == "" && p.Rung == d.s.Paging.Rung && has(p.People, id) {
			return true
		}
	}
	return false
}

// owners are those whose duty it is now: commander, else who acknowledged, else who
// declared; nobody when none of them is known.
func (d *deciding) owners() []PersonID {
	for _, id := range []PersonID{d.s.Holder(Commander), d.s.Paging.AckedBy, d.s.Declarer} {
		if part, ok := d.s.People[id]; ok && !part.Excluded {
			return []PersonID{id}
		}
	}
	return nil
}

// dress brings topic, purpose and bookmarks up to date.
func (d *deciding) dress() {
	if d.s.Room.Channel != "" {
		d.owe(DressRoom{}, laneRoom, RankSay, d.a.At, time.Time{})
		d.merge("dress")
	}
}

// merge marks the effect owed last as one that may stand for another of its kind.
func (d *deciding) merge(key string) { d.c.Effects[len(d.c.Effects)-1].Merge = key }
