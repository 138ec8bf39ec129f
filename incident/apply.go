package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Apply folds one line of the record into the State. It depends on nothing but the
// two, never on a plan, a clock or the text inside a Sealed, so that replay gives
// the same State forever, erased text or not. The State handed in is not changed.
func Apply(s State, r Recorded) State {
	s.Stream, s.Seq = r.Stream, r.Seq
	if part, ok := s.People[r.By]; ok && part.Joined && r.At.After(s.Times.Heard) {
		s.Times.Heard = r.At
	}
	switch e := r.Event.(type) {
	case Declared:
		s = applyDeclared(s, r, e)
	case Met:
		s.People = with(s.People, e.Person.ID, func(p Part) Part { p.Person = e.Person; return p })
	case Excluded:
		s.People = with(s.People, e.Person, func(p Part) Part {
			p.Excluded = !e.Lifted
			if p.Excluded {
				p.Joined, p.Observer = false, false
			}
			return p
		})
		if !e.Lifted {
			s.Posts = vacate(s.Posts, e.Person)
		}
	case RoomOpened:
		s.Room = Room{Channel: e.Channel, Name: e.Name, URL: e.URL}
	case RoomLost:
		s.Room.Lost = e.Why
		s.Looks = nil // there is no place any more where they could be seen
	case RoomWanted:
		s.Room = Room{}
		s.Messages = maps.Clone(s.Messages)
		delete(s.Messages, ViewSummary)
	case MessagePinned:
		s.Messages = with(s.Messages, e.View, func(MessageRef) MessageRef { return MessageRef{Channel: e.Channel, TS: e.TS} })
	case SeveritySet:
		s.Severity = e.To
		if s.Severest == 0 || e.To < s.Severest {
			s.Severest = e.To
		}
	case Retitled:
		s.Title = e.Title
	case TypeSet:
		s.Type = e.To
	case Scoped:
		s.Scope = applyScope(s.Scope, r, e)
	case TimeSet:
		switch e.Which {
		case Impact:
			s.Times.Impact = e.At
		case Detected:
			s.Times.Detected = e.At
		case Awareness:
			s.Times.Awareness = e.At
		}
	case RoleTaken:
		s.Posts = with(s.Posts, e.Role, func(Post) Post { return Post{Holder: e.Person} })
	case RoleOffered:
		s.Posts = with(s.Posts, e.Role, func(p Post) Post { p.Offered = e.To; return p })
	case RoleDeclined:
		s.Posts = with(s.Posts, e.Role, func(p Post) Post { p.Offered = ""; return p })
	case Joined:
		s.People = with(s.People, e.Person, func(p Part) Part { p.Joined, p.Observer = !e.Observer, e.Observer; return p })
	case LadderStarted, RungFired, RungSkipped, Paged, PagerNamed, PageTrouble, LadderEnded, LadderStopped, Acknowledged, Unacknowledged, AskedAgain:
		s = applyPaging(s, r)
	case ClockSet:
		s.Clocks = with(s.Clocks, e.Clock, func(old Clock) Clock {
			return Clock{Due: e.Due, Warn: e.Warn, Armed: r.Seq, Breached: old.Breached}
		})
	case ClockStopped:
		s.Clocks = with(s.Clocks, e.Clock, func(c Clock) Clock { c.Stopped, c.Met, c.At = true, e.Met, r.At; return c })
	case ClockWarned:
		s.Clocks = with(s.Clocks, e.Clock, func(c Clock) Clock { c.Warned = true; return c })
	case ClockBreached:
		s.Clocks = with(s.Clocks, e.Clock, func(c Clock) Clock { c.Breached = true; return c })
	case Updated:
		s.Update, s.Times.Updated = e.Text, r.At
	case Kept:
		s.Kept = with(s.Kept, e.Ref.Channel+"/"+e.Ref.TS, func(bool) bool { return true })
	case TaskAdded:
		s.Tasks = append(slices.Clip(s.Tasks), TaskItem{N: e.N, Text: e.Text, Phase: e.Phase, Owner: e.Owner, Due: e.Due, Checklist: e.Checklist})
	case TaskChanged:
		s.Tasks = applyTask(s.Tasks, r, e)
	case PhaseSet:
		s.Phase = e.To
		s.Listed = with(s.Listed, e.To, func(bool) bool { return true })
		if s.Times.Contained.IsZero() && slices.Index(Phases(), e.To) > slices.Index(Phases(), Containment) {
			s.Times.Contained = r.Occurred
		}
	case EntryHidden:
		s.Hidden = with(s.Hidden, e.Seq, func(bool) bool { return true })
	case MergeAsked:
		s.Merging = e.Into
	case MergedAway:
		s.Status, s.Into, s.Merging, s.Paging.Running = Merged, e.Into, "", false
	case TookMerged:
		s.Related = addID(s.Related, e.From)
	case LinkedTo:
		s.Related = addID(s.Related, e.To)
	case WasResolved:
		s.Status, s.Times.Resolved, s.Paging.Running = Resolved, r.Occurred, false
		if s.Times.Contained.IsZero() {
			s.Times.Contained = r.Occurred // what is over is contained
		}
	case WasReopened:
		s.Status, s.Times.Resolved, s.Times.Closed = Open, Times{}.Resolved, Times{}.Closed
		s.Report.Late, s.Report.LateTo = 0, nil
	case WasClosed:
		s.Status, s.Times.Closed = Closed, r.Occurred
	case ItemAdded:
		s.Items = append(slices.Clip(s.Items), ActionItem{N: e.N, Text: e.Text, Kind: e.Kind, Owner: e.Owner, Due: e.Due, From: e.From, Seq: r.Seq})
	case ItemChanged:
		s.Items = slices.Clone(s.Items)
		if i := e.N - 1; i >= 0 && i < len(s.Items) {
			set(&s.Items[i].Owner, e.Owner)
			set(&s.Items[i].Due, e.Due)
			set(&s.Items[i].Done, e.Done)
		}
	case ItemIsFiled:
		s.Items = slices.Clone(s.Items)
		if i := e.N - 1; i >= 0 && i < len(s.Items) {
			s.Items[i].Number, s.Items[i].URL = e.Number, e.URL
		}
	case PostMortemDrafted:
		s.Report.Drafted, s.Report.Owner, s.Report.Due = r.At, e.Owner, e.Due
	case PostMortemEdited:
		s.Report.Sections = with(s.Report.Sections, e.Section, func(Sealed) Sealed { return e.Text })
	case PublishAsked:
		s.Report.Asked = r.Seq
		s.Privilege.Waived = s.Privilege.Waived || !e.Waived.IsZero()
	case PostMortemEscalated:
		s.Report.Late, s.Report.LateTo = e.Step, merge(s.Report.LateTo, e.To)
	case PrivilegeMarked:
		s.Privilege = applyPrivilege(s.Privilege, r, e)
	case PostMortemPublished:
		s.Report.Repo, s.Report.Number, s.Report.URL = e.Repo, e.Number, e.URL
		s.Report.At, s.Report.Told, s.Report.Trouble = r.At, r.Seq, e.Trouble
	case PlanAdopted:
		s.Plan = e.Plan
	case HoldPlaced, HoldEnforced, HoldEnding, HoldEnded, Frozen:
		s = applyHold(s, r)
	case ActionRequested, ActionPlanned, ActionNotPlanned, ActionReplanned, ActionApproved, ActionDenied, ApproversAsked, ActionExpired, ActionStarted,
		TargetMarked, ActionEnded, EvidenceWaived, ActionsFrozen, ActionsResumed, ReleaseAsked, HoldExtended, HoldRanOut, HoldKept, GlassReviewed, RosterAdded, RosterSettled:
		s = applyDeed(s, r)
	case ExceptionMade, ExceptionEnding, ExceptionEnded:
		s = applyException(s, e)
	case Distrusted, TrustAsked, Trusted:
		s.Doubts = applyDoubt(s.Doubts, r)
	case LegalHoldSet, LegalHoldLiftAsked, LegalHoldLifted:
		s.LegalHold = applyLegalHold(s.LegalHold, r)
	case DrillBegun, Injected, DrillEnded, DrillScored:
		s = applyDrill(s, r)
	case CardPosted:
		s.Cards = append(slices.Clip(s.Cards), e)
	case SecretSeen:
		s.Secrets = applySecret(s.Secrets, r, e)
	case SignalSeen, SignalGrew, SignalsJudged:
		s = applySignal(s, r)
	case LookBegun, LookStopped, LookEnded:
		s = applyLook(s, r)
	case Reminded:
		s.Reminded = with(s.Reminded, e.What, func(time.Time) time.Time { return r.At })
	case EffectDied:
		if e.Kind == "tell" {
			s.Merging = "" // the other incident would not take it
		}
	case Intruded, Redacted, Noted, EntryEdited, VendorNoted, AckIgnored, EffectDropped, DrillYielded,
		HoldTroubled, HoldPreserved, HoldShared, ActionTroubled, EvidenceKept, EvidenceExported, EvidenceErased, ApprovalRefused, Looked:
		// Part of the record; nothing is decided by them.
	default:
		// An event that this program lists and Apply forgot would silently lose truth.
		panic(fmt.Sprintf("incident: Apply does not know %T", e))
	}
	if slices.ContainsFunc(s.Cards, func(c CardPosted) bool { return !s.waiting(c) }) {
		s.Cards = slices.DeleteFunc(slices.Clone(s.Cards), func(c CardPosted) bool { return !s.waiting(c) })
	}
	return s
}

func applyDeclared(s State, r Recorded, e Declared) State {
	s.Exists, s.Status, s.Phase = true, Open, Detection
	s.Declared, s.Declarer = r.At, r.By
	s.Title, s.Codename = e.Title, e.Codename
	s.Listed = map[Phase]bool{Detection: true}
	s.Severity, s.Severest, s.Type = e.Severity, e.Severity, e.Type
	s.Private, s.Drill, s.Plan = e.Private, e.Drill, e.Plan
	s.Times.Detected = r.Occurred
	return s
}

func applyScope(items []ScopeItem, r Recorded, e Scoped) []ScopeItem {
	items = slices.Clone(items)
	it := ScopeItem{N: e.N, Kind: e.Kind, Name: e.Name, State: e.State, By: r.By, At: r.At}
	if i := e.N - 1; i >= 0 && i < len(items) {
		items[i] = it
		return items
	}
	return append(items, it)
}

func applyTask(tasks []TaskItem, r Recorded, e TaskChanged) []TaskItem {
	tasks = slices.Clone(tasks)
	i := e.N - 1
	if i < 0 || i >= len(tasks) {
		return tasks
	}
	set(&tasks[i].Owner, e.Owner)
	set(&tasks[i].Due, e.Due)
	if e.Done != nil {
		tasks[i].Done, tasks[i].DoneBy, tasks[i].DoneAt = *e.Done, r.By, r.At
	}
	return tasks
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// with copies the map, so that the State handed in stays as it was.
func with[K comparable, V any](m map[K]V, k K, f func(V) V) map[K]V {
	c := make(map[K]V, len(m)+1)
	maps.Copy(c, m)
	c[k] = f(c[k])
	return c
}

func vacate(posts map[Role]Post, id PersonID) map[Role]Post {
	c := maps.Clone(posts)
	for role, p := range c {
		if p.Holder == id {
			p.Holder = ""
		}
		if p.Offered == id {
			p.Offered = ""
		}
		c[role] = p
	}
	return c
}

func addID(ids []ID, id ID) []ID {
	if slices.Contains(ids, id) {
		return ids
	}
	return append(slices.Clip(ids), id)
}
