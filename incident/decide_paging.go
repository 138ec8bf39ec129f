package incident

import (
	"fmt"
	"strconv"
	"time"
)

// A page is of no use to anybody a day later.
const pageLife = 24 * time.Hour

// quiet is how long somebody who acknowledged may be silent before they are asked;
// patience is how long they then have before others are paged.
const (
	quiet    = 10 * time.Minute
	patience = 5 * time.Minute
)

func (d *deciding) startLadder(l Ladder, why string) {
	if d.s.Drill {
		l = d.drillLadder()
	}
	if len(l.Rungs) == 0 {
		return
	}
	l.Rounds = max(1, l.Rounds)
	d.emit(LadderStarted{Ladder: l, Why: Seal(why)})
	d.fire(0, 1)
}

// fire owes the page of a rung, in a lane of its own so that one that does not go
// through cannot hold up the next, and sets the clock that steps on.
func (d *deciding) fire(rung, round int) {
	r := d.s.Paging.Ladder.Rungs[rung]
	id := PageID(strconv.FormatInt(d.s.Seq+1, 10))
	d.emit(RungFired{Page: id, Rung: rung, Round: round, Again: round > 1})
	d.owe(Page{Page: id, Rung: r}, lanePage+"/"+string(id), RankPage, d.a.At, d.a.At.Add(pageLife))
	d.say(PlaceRoom, "", false)
	d.setClock(ClockRung, Deadline{Due: d.a.At.Add(r.Wait)})
}

// nextRung steps on, or says loudly that nobody is left.
func (d *deciding) nextRung() {
	p := d.s.Paging
	switch {
	case p.Rung+1 < len(p.Ladder.Rungs):
		d.fire(p.Rung+1, p.Round)
	case p.Round < p.Ladder.Rounds && d.someoneReachable():
		d.fire(0, p.Round+1)
	default:
		d.emit(LadderEnded{p.Ladder.Name, p.Round})
		d.say(PlaceRoom, "", true)
		for _, id := range d.owners() {
			d.say(PlacePerson, id, true)
		}
		d.stopClock(ClockRung, false)
	}
}

// someoneReachable keeps a ladder whose every rung was skipped from going round forever.
func (d *deciding) someoneReachable() bool {
	for _, p := range d.s.Paging.Pages {
		if p.To == "" && !p.Skipped {
			return true
		}
	}
	return false
}

func (d *deciding) stopLadder(why string) {
	d.emit(LadderStopped{why})
	d.say(PlaceRoom, "", false)
	d.stopClock(ClockRung, false)
	d.tellPager("resolve")
}

func (d *deciding) pageNow(c PageNow) error {
	if c.Person == nil {
		l, ok := d.r.Named(c.Ladder)
		if !ok {
			return Refuse("unknown-ladder", fmt.Sprintf("%q is neither a person nor a ladder of the plan.", c.Ladder), "Mention a person with @, or see `plan`.")
		}
		if d.s.Paging.Running && d.s.Paging.Ladder.Name == l.Name {
			return Refuse("same", fmt.Sprintf("%s is being paged already.", l.Name), "")
		}
		if len(l.Rungs) == 0 {
			return Refuse("empty-ladder", fmt.Sprintf("%s pages nobody.", l.Name), "")
		}
		d.startLadder(l, c.Why)
		return nil
	}
	p := *c.Person
	if err := d.fit(p); err != nil {
		return err
	}
	if d.s.People[p.ID].Observer {
		return Refuse("observer", "Observers are never paged.", "They can `join` first.")
	}
	if d.s.Drill && !d.r.Drills().OptedIn(p.ID) {
		return Refuse("not-opted-in", "In a drill only those are paged who opted in.", "They can be asked in person. The plan's drills.yaml says who opted in.")
	}
	var why Sealed
	if c.Why != "" {
		words, err := text("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(words)
	}
	d.pageOne(p, why)
	return nil
}

// pageByName pages one person beside whatever runs, for a reason of ours. In a drill only
// who opted in is paged, observers never.
func (d *deciding) pageByName(p Person, why string) {
	if d.fit(p) != nil || d.s.People[p.ID].Observer || d.s.Drill && !d.r.Drills().OptedIn(p.ID) {
		return
	}
	d.pageOne(p, Seal(why))
}

func (d *deciding) pageOne(p Person, why Sealed) {
	d.meet(p)
	id := PageID(strconv.FormatInt(d.s.Seq+1, 10))
	d.emit(RungFired{Page: id, To: p.ID, Why: why})
	d.owe(Page{Page: id, To: p.ID, Rung: Rung{Name: "by name", Escalator: "tocsin", People: []Person{d.s.Person(p.ID)}}},
		lanePage+"/"+string(id), RankPage, d.a.At, d.a.At.Add(pageLife))
	d.say(PlaceRoom, "", false)
}

func (d *deciding) pageTaken(c PageTaken) error {
	var ids []PersonID
	for _, p := range c.People {
		if d.s.IsExcluded(p.ID) {
			continue
		}
		d.meet(p)
		ids = append(ids, p.ID)
	}
	told := map[PersonID]bool{}
	if at, ok := d.s.Paging.Pages[c.Page]; ok && at.Trouble != "" {
		for _, id := range at.People {
			told[id] = true // was messaged when the page did not go through
		}
	}
	d.emit(Paged{c.Page, ids, c.Vendor})
	if c.Vendor.Incident != "" {
		d.c.Claims = append(d.c.Claims, "pd:"+c.Vendor.Incident)
	}
	for _, id := range ids {
		if !told[id] {
			d.ring(c.Page, id)
		}
	}
	for _, id := range ids {
		d.invite(d.s.Person(id)) // who is paged has to be able to read what it is about
	}
	return nil
}

// ring messages somebody who is paged, with the rank of a page and in a lane of its own:
// neither chatter nor another message to them holds it up.
func (d *deciding) ring(page PageID, who PersonID) {
	if d.s.IsExcluded(who) || d.s.Person(who).Slack == "" {
		return
	}
	d.owe(Say{PlacePerson, who, true}, lanePage+"/"+string(page)+"/"+string(who), RankPage, d.a.At, time.Time{})
}

// pageTroubled says at once, in the room and to the rung directly, that the pager
// did not take the page; the trying goes on beside it.
func (d *deciding) pageTroubled(c PageTroubled) error {
	at, ok := d.s.Paging.Pages[c.Page]
	if !ok || at.Trouble != "" || at.Taken {
		return nil
	}
	people := c.People
	people = append(people, at.Def.People...)
	var ids []PersonID
	for _, p := range people {
		if !d.s.IsExcluded(p.ID) && !has(ids, p.ID) {
			d.meet(p)
			ids = append(ids, p.ID)
		}
	}
	d.emit(PageTrouble{c.Page, c.Why, ids})
	d.say(PlaceRoom, "", true)
	for _, id := range ids {
		d.ring(c.Page, id)
	}
	return nil
}

func (d *deciding) pageSkipped(c PageSkipped) error {
	at, ok := d.s.Paging.Pages[c.Page]
	if !ok {
		return nil
	}
	d.emit(RungSkipped(c))
	d.say(PlaceRoom, "", false)
	if d.s.Paging.Running && at.To == "" && at.Rung == d.s.Paging.Rung {
		d.nextRung()
	}
	return nil
}

// acknowledge stops the ladder when it comes from somebody who was paged, or from a
// responder who takes the duty. The declarer was not paged by declaring.
func (d *deciding) acknowledge(c Acknowledge) error {
	p := d.a.By
	if d.s.Paging.AckedBy == p.ID && !d.s.Paging.Running && d.s.Paging.AskedAt.IsZero() {
		return Refuse("same", "You have it already.", "")
	}
	page, paged := d.pagedFor(p.ID)
	if !paged && !c.TakeDuty {
		if by := d.s.Paging.AckedBy; by != "" && !d.s.Paging.Running {
			return Refuse("acknowledged", "Somebody has acknowledged it already.", "To take it over, say `ack i-have-it`.")
		}
		if d.inFlight() {
			return Refuse("not-paged", "Whom the page reached is not known yet.", "If you take the duty, say `ack i-have-it`.")
		}
		return Refuse("not-paged", "The page was not for you, so this does not stop it.", "If you take the duty, say `ack i-have-it`.")
	}
	d.acked(p, page, !paged)
	if d.a.Via != ViaPagerDuty {
		d.tellPager("acknowledge")
	}
	return nil
}

// inFlight reports whether a page is out of which nobody has told yet whom it reached.
func (d *deciding) inFlight() bool {
	for _, p := range d.s.Paging.Pages {
		if !p.Taken && !p.Skipped {
			return true
		}
	}
	return false
}

func (d *deciding) acked(p Person, page PageID, duty bool) {
	d.meet(p)
	asked := !d.s.Paging.AskedAt.IsZero()
	d.emit(Acknowledged{p.ID, page, duty})
	d.say(PlaceRoom, "", true)
	d.stopClock(ClockRung, true)
	d.stopClock(ClockAck, true)
	if !d.s.People[p.ID].Joined {
		d.emit(Joined{Person: p.ID})
		d.invite(p)
	}
	if !asked {
		d.setClock(ClockQuiet, Deadline{Due: d.a.At.Add(quiet)})
	}
}

// pagedFor is the latest page that reached this person.
func (d *deciding) pagedFor(id PersonID) (PageID, bool) {
	var best PageID
	var at time.Time
	for page, p := range d.s.Paging.Pages {
		if (p.To == id || has(p.People, id)) && !p.At.Before(at) {
			best, at = page, p.At
		}
	}
	return best, best != ""
}

func (d *deciding) unacknowledge(c Unacknowledge) error {
	if d.s.Paging.AckedBy == "" {
		return Refuse("not-acknowledged", "Nobody has acknowledged it.", "")
	}
	d.unacked(d.a.By.ID, "", c.Why)
	return nil
}

func (d *deciding) unacked(by PersonID, page PageID, why string) {
	d.emit(Unacknowledged{by, page, Seal(why)})
	d.say(PlaceRoom, "", true)
	d.stopClock(ClockQuiet, false)
	d.startLadder(d.r.Ladder(d.s.Severity, d.s.Type), "the acknowledgement was taken back")
}

// heard ends the watch on a silent acknowledger: somebody is at work.
func (d *deciding) heard() {
	if d.s.Clocks[ClockQuiet].Running() {
		d.stopClock(ClockQuiet, true)
	}
}

// stillThere asks whoever acknowledged and fell silent; then pages again.
func (d *deciding) stillThere() {
	p := d.s.Paging
	if p.AckedBy == "" {
		return
	}
	if p.AskedAt.IsZero() {
		d.emit(AskedAgain{p.AckedBy})
		d.say(PlacePerson, p.AckedBy, true)
		d.say(PlaceRoom, "", false)
		d.setClock(ClockQuiet, Deadline{Due: d.a.At.Add(patience)})
		return
	}
	d.unacked(Clockwork.ID, "", "silent since the acknowledgement")
}

// tellPager keeps every page that the pager took in step.
func (d *deciding) tellPager(op string) {
	for _, id := range sortedKeys(d.s.Paging.Pages) {
		p := d.s.Paging.Pages[id]
		if p.Vendor.Vendor != "" {
			d.owe(TellPager{op, p.Vendor}, lanePager, RankAct, d.a.At, time.Time{})
		}
	}
}
