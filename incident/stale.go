package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Drop says why an effect is no longer wanted. A silent one, such as the bell of a
// clock that was set anew, leaves no line on the timeline.
type Drop struct {
	Why    string
	Silent bool
}

// Wanted asks, just before an effect is performed, whether anybody still wants it:
// no page after the incident was acknowledged, no reminder of what was done. It
// returns nil when it is wanted.
func Wanted(t Task, now time.Time) *Drop {
	s := t.State
	if !t.NotAfter.IsZero() && now.After(t.NotAfter) {
		return &Drop{Why: "it was too late for it"}
	}
	switch e := t.Effect.(type) {
	case Page:
		return wantedPage(s, e)
	case Wake:
		if c := s.Clocks[e.Clock]; c.Armed != t.Seq || !c.Running() {
			return &Drop{Silent: true}
		}
	case Say:
		return wantedSay(t, e)
	case Invite:
		if s.IsExcluded(e.Person) {
			return &Drop{Why: "that person is excluded"}
		}
		if !s.Live() {
			return &Drop{Why: fmt.Sprintf("the incident is %s", s.Status)}
		}
	case Remove:
		if !s.IsExcluded(e.Person) {
			return &Drop{Why: "the exclusion was lifted"}
		}
	case Refresh:
		if e.Person != "" && s.IsExcluded(e.Person) {
			return &Drop{Silent: true}
		}
		if e.View != ViewHome && s.Room.Lost != "" && e.View == ViewSummary {
			return &Drop{Silent: true}
		}
	case Restate:
		if e.Person != "" && s.IsExcluded(e.Person) || e.To == PlaceRoom && s.Room.Lost != "" {
			return &Drop{Silent: true}
		}
	case DestroyContents:
		if s.LegalHold.On {
			return &Drop{Why: "a legal hold was set"}
		}
	case ArchiveRoom:
		if s.Live() {
			return &Drop{Why: "the incident was reopened"}
		}
	case Publish:
		if s.Status == Open {
			return &Drop{Why: "the incident was reopened"}
		}
		if s.Privilege.Withheld(0) {
			return &Drop{Why: "the incident was marked as privileged meanwhile"}
		}
	case FileItem:
		if n := e.N - 1; n >= 0 && n < len(s.Items) && s.Privilege.Withheld(s.Items[n].Seq) {
			return &Drop{Why: "the action item is marked as privileged"}
		}
	}
	return nil
}

func wantedPage(s State, e Page) *Drop {
	switch {
	case s.Status != Open:
		return &Drop{Why: fmt.Sprintf("the incident was %s meanwhile", s.Status)}
	case e.To != "" && s.IsExcluded(e.To):
		return &Drop{Why: "that person is excluded"}
	case e.To != "":
		return nil
	case !s.Paging.Running && s.Paging.AckedBy != "":
		return &Drop{Why: "it was acknowledged meanwhile"}
	case !s.Paging.Running && !s.Paging.Ended:
		return &Drop{Why: "paging was stopped meanwhile"}
	}
	return nil
}

func wantedSay(t Task, e Say) *Drop {
	s := t.State
	if e.To == PlacePerson && s.IsExcluded(e.Person) {
		return &Drop{Silent: true}
	}
	if e.To == PlaceRoom && s.Room.Lost != "" {
		return &Drop{Silent: true}
	}
	direct := e.To == PlacePerson
	switch ev := t.Event.Event.(type) {
	case ClockWarned:
		if c := s.Clocks[ev.Clock]; !c.Running() || !c.Due.Equal(ev.Due) {
			return &Drop{Silent: true}
		}
	case Paged:
		if direct && (s.Status != Open || s.Paging.answeredPage(ev.Page)) {
			return &Drop{Silent: true}
		}
	case PageTrouble:
		if direct && (s.Status != Open || s.Paging.answeredPage(ev.Page)) {
			return &Drop{Silent: true}
		}
	case RoleOffered:
		if direct && s.Posts[ev.Role].Offered != ev.To {
			return &Drop{Silent: true}
		}
	case AskedAgain:
		if s.Paging.AckedBy != ev.Person || s.Paging.AskedAt.IsZero() {
			return &Drop{Silent: true}
		}
	}
	return nil
}

// answeredPage is Answered while no ladder runs: one that does still wants its people.
func (p Paging) answeredPage(id PageID) bool {
	return p.Answered(id) && (!p.Running || p.Pages[id].To != "")
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
