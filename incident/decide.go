package incident

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Decide applies the rules of the war room to one command. For a declaration the
// State must carry the Stream it will have and nothing else. It returns a *Refusal
// when the rules say no: nothing changed, and the sentence may be shown to whoever
// asked. Any other error is a fault of the program.
func Decide(s State, a Asked, r Rules) (Change, error) {
	if a.Root == "" {
		a.Root = a.ID
	}
	d := &deciding{s: s, a: a, r: r, c: Change{Before: s, Asked: a}}
	err := d.decide()
	var no *Refusal
	if errors.As(err, &no) {
		return Change{Before: s, Asked: a, Refused: no}, no
	}
	if err != nil {
		return Change{}, err
	}
	d.refresh()
	return d.c, nil
}

func (d *deciding) decide() error {
	if d.s.Stream.IsHold() {
		return d.hold(d.a.What)
	}
	if c, ok := d.a.What.(Declare); ok {
		if d.s.Exists {
			return Refuse("exists", fmt.Sprintf("%s is declared already.", d.s.Stream), "")
		}
		return d.declare(c)
	}
	if !d.s.Exists {
		return d.unknown()
	}
	if d.a.By.Standing == System {
		return d.system(d.a.What)
	}
	if err := d.admit(); err != nil {
		return err
	}
	return d.person(d.a.What)
}

// unknown is also the answer to those who may not know that there is one.
func (d *deciding) unknown() *Refusal {
	return Refuse("no-such-incident", fmt.Sprintf("There is no incident %s that you can see.", d.s.Stream), "Try `list`.")
}

// admit checks who asks before what is asked.
func (d *deciding) admit() error {
	p := d.a.By
	if !p.Known() {
		return Refuse("unknown-person", "It is not known who you are.", "Ask an administrator to add you to the plan's people.")
	}
	if err := standing(p); err != nil {
		return err
	}
	if !d.s.MaySee(p.ID) {
		return d.unknown()
	}
	right, when := rightFor(d.a.What, d.s)
	if v := d.r.May(p, right, d.s); !v.Allowed {
		return Refuse("not-entitled", v.Why, hintFor(right))
	}
	switch {
	case d.s.Status == Merged && when != always:
		return Refuse("merged", fmt.Sprintf("%s was merged into %s.", d.s.Stream, d.s.Into), fmt.Sprintf("Go on in %s.", d.s.Into))
	case d.s.Status == Closed && when == whileOpen, d.s.Status == Resolved && when == whileUnresolved:
		return Refuse("not-open", fmt.Sprintf("%s is %s.", d.s.Stream, d.s.Status), "Reopen it first: `reopen <why>`.")
	case d.s.Status == Closed && when == whileUnresolved:
		return Refuse("not-open", fmt.Sprintf("%s is closed.", d.s.Stream), "Reopen it first: `reopen <why>`.")
	}
	d.meet(p)
	if d.s.People[p.ID].Joined {
		d.heard()
	}
	return nil
}

func standing(p Person) error {
	switch p.Standing {
	case Guest:
		return Refuse("guest", "Guests of this workspace cannot take part in incidents.", "Ask a member to do it.")
	case Deactivated:
		return Refuse("deactivated", "This account is deactivated.", "")
	case Foreign:
		return Refuse("foreign", "People of another workspace cannot take part in incidents here.", "Ask a member to do it.")
	}
	return nil
}

// when a command makes sense.
type when int

const (
	whileUnresolved when = iota // open only
	whileOpen                   // open or resolved
	afterToo                    // also when closed
	always                      // even when merged
)

func rightFor(c Command, s State) (Right, when) {
	switch c := c.(type) {
	case SetSeverity:
		if c.Severity > s.Severity {
			return MayDowngrade, whileUnresolved
		}
	case Exclude:
		return MayExclude, afterToo
	case SetTime:
		return MaySetTimes, afterToo
	case HideEntry:
		return MayHide, always
	case Redact:
		return MayRedact, always
	case Resolve:
		return MayResolve, whileUnresolved
	case Close:
		return MayClose, whileOpen
	case MergeInto:
		return MayMerge, whileUnresolved
	case PublishPostMortem:
		return MayPublish, afterToo
	case AdoptPlan:
		return MayAdoptPlan, whileOpen
	case PageNow:
		return MayPageOthers, whileUnresolved
	case Reopen, AddItem, ChangeItem, EditPostMortem, RemindPostMortem, Relate, Join, ChangeTask, MarkScope, Retitle, SetType:
		return MayRespond, afterToo
	case AddNote, KeepMessage, EditEntry, Heard:
		return MayRespond, always
	case NewRoom, AddTask, AssignRole, OfferRole, AcceptRole, DeclineRole, SetPhase, PostUpdate:
		return MayRespond, whileOpen
	}
	return MayRespond, whileUnresolved
}

func hintFor(r Right) string {
	switch r {
	case MayDowngrade, MayResolve, MayClose, MayMerge, MayExclude:
		return "Ask the commander, or take the role if nobody holds it: `role commander me`."
	}
	return "The plan's rights.yaml says who may."
}

// person dispatches what people ask.
func (d *deciding) person(c Command) error {
	switch c := c.(type) {
	case SetSeverity:
		return d.setSeverity(c)
	case Retitle:
		return d.retitle(c)
	case SetType:
		return d.setType(c)
	case MarkScope:
		return d.markScope(c)
	case SetTime:
		return d.setTime(c)
	case Exclude:
		return d.exclude(c)
	case AssignRole:
		return d.assignRole(c)
	case OfferRole:
		return d.offerRole(c)
	case AcceptRole:
		return d.acceptRole(c)
	case DeclineRole:
		return d.declineRole(c)
	case Join:
		return d.join(c)
	case PageNow:
		return d.pageNow(c)
	case Acknowledge:
		return d.acknowledge(c)
	case Unacknowledge:
		return d.unacknowledge(c)
	case NewRoom:
		return d.newRoom()
	case Heard:
		d.heard()
		return nil
	case PostUpdate:
		return d.postUpdate(c)
	case AddNote:
		return d.addNote(c)
	case KeepMessage:
		return d.keepMessage(c)
	case EditEntry:
		return d.editEntry(c)
	case HideEntry:
		return d.hideEntry(c)
	case Redact:
		return d.redact(c)
	case AddTask:
		return d.addTask(c)
	case ChangeTask:
		return d.changeTask(c)
	case SetPhase:
		return d.setPhase(c)
	case MergeInto:
		return d.mergeInto(c)
	case Relate:
		return d.relate(c)
	case Resolve:
		return d.resolve(c)
	case Reopen:
		return d.reopen(c)
	case Close:
		return d.close(c)
	case AddItem:
		return d.addItem(c)
	case ChangeItem:
		if d.a.Via == ViaGitHub {
			return d.issueSaid(c)
		}
		return d.changeItem(c)
	case EditPostMortem:
		return d.editPostMortem(c)
	case PublishPostMortem:
		return d.publish()
	case RemindPostMortem:
		return d.remindPostMortem()
	case AdoptPlan:
		d.emit(PlanAdopted{d.r.Digest()})
		d.say(PlaceRoom, "", false)
		return nil
	case VendorSaid:
		return d.vendorSaid(c) // a vendor's webhook with a known person behind it
	}
	return fmt.Errorf("decide: %T is not asked by people", c)
}

// system dispatches what clocks, vendors and the engine come back with.
func (d *deciding) system(c Command) error {
	switch c := c.(type) {
	case Tick:
		return d.tick(c)
	case RoomIsOpen:
		return d.roomIsOpen(c)
	case RoomIsGone:
		return d.roomIsGone(c)
	case Entered:
		d.entered(c.Person)
		return nil
	case MessageIsUp:
		d.emit(MessagePinned(c))
		return nil
	case PageTaken:
		return d.pageTaken(c)
	case PageTroubled:
		return d.pageTroubled(c)
	case PageSkipped:
		return d.pageSkipped(c)
	case VendorSaid:
		return d.vendorSaid(c)
	case Published:
		return d.published(c)
	case ItemFiled:
		return d.itemFiled(c)
	case ChangeItem:
		return d.issueSaid(c) // on GitHub, by somebody who is not known here
	case EffectFailed:
		return d.effectFailed(c)
	case EffectStale:
		d.emit(EffectDropped(c))
		return nil
	case TakeMerged:
		return d.takeMerged(c)
	case MergeTaken:
		return d.mergeTaken(c)
	case TakeRelated:
		if !has(d.s.Related, c.From) {
			d.emit(LinkedTo{c.From})
			d.say(PlaceRoom, "", false)
		}
		return nil
	case HoldChanged:
		d.emit(HoldTold(c))
		d.say(PlaceRoom, "", true)
		return nil
	case Nudge:
		return d.nudge(c)
	}
	return fmt.Errorf("decide: %T is not asked by the system", c)
}

// say owes a message rendered from the last event.
func (d *deciding) say(to Place, who PersonID, loud bool) {
	lane, rank := laneRoom, RankSay
	if to == PlacePerson {
		if d.s.IsExcluded(who) || d.s.Person(who).Slack == "" {
			return
		}
		lane = "dm/" + string(who)
	}
	if loud {
		rank = RankAct
	}
	d.owe(Say{to, who, loud}, lane, rank, d.a.At, time.Time{})
}

// meet records who somebody is the first time they matter here, and again when
// another account of theirs became known.
func (d *deciding) meet(p Person) {
	had, met := d.s.People[p.ID]
	if p.Standing == System || p.ID == "" {
		return
	}
	old := had.Person
	known := met && old.ID != "" && (p.Slack == "" || p.Slack == old.Slack) &&
		(p.PagerDuty == "" || p.PagerDuty == old.PagerDuty) && (p.GitHub == "" || p.GitHub == old.GitHub)
	if known {
		return
	}
	fill(&p.Slack, old.Slack)
	fill(&p.PagerDuty, old.PagerDuty)
	fill(&p.GitHub, old.GitHub)
	fill(&p.Zone, old.Zone)
	d.emit(Met{p})
}

func fill(to *string, from string) {
	if *to == "" {
		*to = from
	}
}

// text checks what a person wrote: something, not too much, no control characters.
func text(what, s string, most int) (string, error) {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, s))
	if s == "" {
		return "", Refuse("empty", fmt.Sprintf("The %s is empty.", what), "")
	}
	if n := utf8.RuneCountInString(s); n > most {
		return "", Refuse("too-long", fmt.Sprintf("The %s has %d characters; at most %d fit.", what, n, most), "Nothing was changed.")
	}
	return s, nil
}

// line is text on one line.
func line(what, s string, most int) (string, error) {
	return text(what, strings.Join(strings.Fields(s), " "), most)
}

func has[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}
