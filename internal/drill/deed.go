package drill

import (
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Deed names a kind of action that can be expected of people.
type Deed string

// The deeds, and which event of the record says that one was done.
const (
	Declared     Deed = "declared"     // an incident was opened
	Acknowledged Deed = "acknowledged" // somebody answered the page
	SeveritySet  Deed = "severity"     // raised or lowered
	RoleTaken    Deed = "role"
	PhaseSet     Deed = "phase"
	Scoped       Deed = "scope"
	Updated      Deed = "update"
	Noted        Deed = "note"
	TaskAdded    Deed = "task"
	TaskDone     Deed = "task-done"
	Paged        Deed = "page" // somebody, or another ladder, was called in
	Excluded     Deed = "excluded"
	Distrusted   Deed = "distrusted"
	ItemAdded    Deed = "item"
	Resolved     Deed = "resolved"
)

// Deeds lists all of them.
func Deeds() []Deed {
	return []Deed{Declared, Acknowledged, SeveritySet, RoleTaken, PhaseSet, Scoped, Updated, Noted, TaskAdded, TaskDone,
		Paged, Excluded, Distrusted, ItemAdded, Resolved}
}

// fields are what Match may narrow a deed by.
var fields = map[Deed]string{
	Declared: "severity words", Acknowledged: "another", SeveritySet: "severity", RoleTaken: "role person another", PhaseSet: "phase",
	Scoped: "state words", Updated: "words", Noted: "words", TaskAdded: "words", TaskDone: "another", Paged: "person",
	Excluded: "person", Distrusted: "words", ItemAdded: "words", Resolved: "words",
}

// done reports whether an event is the deed, and narrow enough.
func (e Expected) done(r incident.Recorded, before map[incident.PersonID]bool) bool {
	m := e.Match
	switch ev := r.Event.(type) {
	case incident.Declared:
		return e.When == Declared && atLeast(ev.Severity, m.Severity) && says(m.Words, ev.Title, ev.FromText)
	case incident.SeveritySet:
		// A declaration that was not grave enough is made good by raising it.
		return (e.When == SeveritySet || e.When == Declared && m.Severity != 0) && atLeast(ev.To, m.Severity)
	case incident.Acknowledged:
		return e.When == Acknowledged && (!m.Another || !before[ev.Person])
	case incident.RoleTaken:
		return e.When == RoleTaken && (m.Role == "" || m.Role == ev.Role) && (m.Person == "" || m.Person == ev.Person) &&
			(!m.Another || !before[ev.Person])
	case incident.PhaseSet:
		return e.When == PhaseSet && phase(ev.To) >= phase(m.Phase)
	case incident.Scoped:
		return e.When == Scoped && (m.State == "" || m.State == ev.State) && says(m.Words, ev.Name, ev.Note)
	case incident.Updated:
		return e.When == Updated && says(m.Words, ev.Text)
	case incident.Noted:
		return e.When == Noted && says(m.Words, ev.Text)
	case incident.TaskAdded:
		return e.When == TaskAdded && !ev.Checklist && says(m.Words, ev.Text)
	case incident.TaskChanged:
		return e.When == TaskDone && ev.Done != nil && *ev.Done && (!m.Another || !before[r.By])
	case incident.RungFired:
		return e.When == Paged && ev.To != "" && (m.Person == "" || m.Person == ev.To)
	case incident.Excluded:
		return e.When == Excluded && !ev.Lifted && (m.Person == "" || m.Person == ev.Person)
	case incident.Distrusted:
		return e.When == Distrusted && (len(m.Words) == 0 || says(m.Words, incident.Seal(ev.Kind)) || says(m.Words, ev.Name))
	case incident.ItemAdded:
		return e.When == ItemAdded && says(m.Words, ev.Text)
	case incident.WasResolved:
		return e.When == Resolved && says(m.Words, ev.Text)
	}
	return false
}

// did is who a deed counts for: whoever holds the role now, or did it.
func did(r incident.Recorded) incident.PersonID {
	switch e := r.Event.(type) {
	case incident.RoleTaken:
		return e.Person
	case incident.Acknowledged:
		return e.Person
	}
	return r.By
}

func atLeast(got, want incident.Severity) bool { return want == 0 || got != 0 && got <= want }

func phase(p incident.Phase) int {
	for i, x := range incident.Phases() {
		if x == p {
			return i
		}
	}
	return -1
}

// says reports whether one of the words is in one of the texts. An erased text says
// nothing.
func says(words []string, texts ...incident.Sealed) bool {
	if len(words) == 0 {
		return true
	}
	for _, t := range texts {
		text := strings.ToLower(t.Text)
		for _, w := range words {
			if text != "" && strings.Contains(text, strings.ToLower(w)) {
				return true
			}
		}
	}
	return false
}
