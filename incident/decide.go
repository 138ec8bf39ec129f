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
	if err == nil {
		d.typed()
		d.afterDrill()
		d.callOffDrills(s)
		d.settleCards(s.Cards)
	}
	var no *Refusal
	if errors.As(err, &no) {
		return d.refused(s, no), no
	}
	if err != nil {
		return Change{}, err
	}
	d.refresh()
	return d.c, nil
}

// refused changes nothing but what is worth keeping of the attempt.
func (d *deciding) refused(s State, no *Refusal) Change {
	if d.attempt == nil {
		return Change{Before: s, Asked: d.a, Refused: no}
	}
	kept := &deciding{s: s, a: d.a, r: d.r, c: Change{Before: s, Asked: d.a, Refused: no}}
	kept.meet(d.a.By)
	kept.emit(d.attempt)
	kept.say(PlaceRoom, "", true)
	return kept.c
}

func (d *deciding) decide() error {
	if d.s.Stream.IsHold() {
		return d.hold(d.a.What)
	}
	if d.s.Stream == ExceptionsID {
		return d.exceptions(d.a.What)
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
	case Distrust:
		return d.distrust(c)
	case Trust:
		return d.trust(c)
	case MarkPrivileged:
		return d.markPrivileged(c)
	case HoldForLegal:
		return d.holdForLegal(c)
	case LiftLegalHold:
		return d.liftLegalHold(c)
	case ExportEvidence:
		return d.exportEvidence(c)
	case EndDrill:
		return d.stopDrill(c)
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
		return d.publish(c)
	case RemindPostMortem:
		return d.remindPostMortem()
	case RequestAction:
		return d.requestAction(c)
	case ApproveAction:
		return d.approve(c)
	case DenyAction:
		return d.deny(c)
	case StopActions:
		return d.stop(c)
	case ResumeActions:
		return d.resume(c)
	case RetryAction:
		return d.retry(c)
	case ReplanAction:
		return d.replan(c)
	case UndoAction:
		return d.undo(c)
	case ExtendAction:
		return d.extend(c)
	case KeepAction:
		return d.keep(c)
	case WaiveEvidence:
		return d.waiveEvidence(c)
	case ReviewAction:
		return d.review(c)
	case AddToRoster:
		return d.addToRoster(c)
	case SettleRoster:
		return d.settleRoster(c)
	case JudgeSignals:
		return d.judgeSignals(c)
	case BeginLook:
		return d.beginLook(c)
	case StopLook:
		return d.stopLook(c)
	case NoteLook:
		return d.noteLook(c)
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
	case ActionIsPlanned:
		return d.planned(c)
	case TargetSettled:
		return d.targetSettled(c)
	case TargetTroubled:
		return d.targetTroubled(c)
	case TargetShared:
		return d.targetShared(c)
	case EvidenceIsKept:
		if deed, ok := d.s.Deed(c.N); ok && c.Index >= 0 && c.Index < len(deed.Targets) {
			d.emit(EvidenceKept{c.N, c.Index, c.Items})
			d.say(PlaceRoom, "", false)
		}
		return nil
	case EraseEvidence:
		return d.eraseEvidence(c)
	case Nudge:
		return d.nudge(c)
	case SecretFound:
		return d.secretFound(c)
	case CardIsUp:
		return d.cardIsUp(c)
	case SignalsSeen:
		return d.signalsSeen(c)
	case LookIsOver:
		return d.lookIsOver(c)
	case YieldDrill:
		return d.yieldDrill(c)
	case DrillMeasured:
		return d.drillMeasured(c)
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
