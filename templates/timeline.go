package templates

import (
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Entry is one line of the timeline as it reads today: corrected where it was
// corrected, empty where it was erased.
type Entry struct {
	Stream   incident.ID
	Seq      int64
	At       time.Time // recorded
	Occurred time.Time // in the world
	By       incident.PersonID
	Kind     string // the event's stored kind, e.g. "updated"
	Text     string // one sentence, not escaped
	Key      bool   // belongs in the story: updates, severity, phases, what was kept
	Link     string // permalink of a kept message
	Phase    incident.Phase
	Edited   bool
	First    string // the sentence before it was corrected
	Hidden   bool
	Erased   bool
	Why      string // of the correction, hiding or erasure
	// Privileged: marked as a communication with lawyers.
	Privileged bool
}

// Timeline folds the record into entries, oldest first by when things occurred.
// Hidden entries are there and marked. It wants the record from its first event, so
// that names and tasks are known.
func Timeline(events []incident.Recorded) []Entry {
	var s incident.State
	return timeline(events, func(r incident.Recorded) string {
		s = incident.Apply(s, r)
		return Sentence(s, r)
	})
}

// timeline folds with sentences of the caller's choosing, asked for in order.
func timeline(events []incident.Recorded, say func(incident.Recorded) string) []Entry {
	var out []Entry
	at := map[int64]int{}
	phase := incident.Detection
	for _, r := range events {
		sentence := say(r)
		switch e := r.Event.(type) {
		case incident.PhaseSet:
			phase = e.To
		case incident.EntryEdited:
			change(out, at, e.Seq, func(n *Entry) { n.edit(e) })
			continue
		case incident.EntryHidden:
			change(out, at, e.Seq, func(n *Entry) { n.Hidden, n.Why = true, e.Why.String() })
			continue
		case incident.PrivilegeMarked:
			change(out, at, e.Seq, func(n *Entry) { n.Privileged = !e.Off })
		case incident.Redacted:
			change(out, at, e.Seq, func(n *Entry) { n.erase(e.Why) })
			continue
		}
		if sentence == "" {
			continue
		}
		n := Entry{Stream: r.Stream, Seq: r.Seq, At: r.At, Occurred: r.Occurred, By: r.By, Kind: incident.KindOf(r.Event), Text: sentence, Key: isKey(r.Event), Phase: phase}
		if n.Occurred.IsZero() {
			n.Occurred = r.At
		}
		if k, ok := r.Event.(incident.Kept); ok && isWeb(k.Ref.Permalink) {
			n.Link = k.Ref.Permalink
		}
		at[r.Seq] = len(out)
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		if c := a.Occurred.Compare(b.Occurred); c != 0 {
			return c
		}
		return int(a.Seq - b.Seq)
	})
	return out
}

func change(out []Entry, at map[int64]int, seq int64, f func(*Entry)) {
	if i, ok := at[seq]; ok {
		f(&out[i])
	}
}

func (n *Entry) edit(e incident.EntryEdited) {
	if n.Erased {
		return
	}
	if text := e.Text.String(); text != "" {
		if n.First == "" {
			n.First = n.Text
		}
		n.Text = text
	}
	if !e.When.IsZero() {
		n.Occurred = e.When
	}
	n.Edited, n.Why = true, e.Why.String()
}

// erase forgets the text here too, whoever still had it in memory.
func (n *Entry) erase(why string) {
	n.Text, n.First, n.Erased, n.Why, n.Link = "[erased: "+why+"]", "", true, why, ""
}

// isKey says what belongs in the short story of the incident.
func isKey(e incident.Event) bool {
	switch e := e.(type) {
	case incident.Declared, incident.SeveritySet, incident.PhaseSet, incident.Updated, incident.Kept,
		incident.Acknowledged, incident.LadderEnded, incident.WasResolved, incident.WasReopened, incident.WasClosed,
		incident.MergedAway, incident.TookMerged, incident.TimeSet:
		return true
	case incident.RoleTaken:
		return e.Role == incident.Commander
	case incident.Scoped:
		return e.State == incident.Confirmed
	case incident.ClockBreached:
		return isTarget(e.Clock)
	case incident.SignalSeen:
		return e.Level.Loud()
	case incident.LookEnded:
		return e.Count.Hit > 0
	}
	return false
}

// isTarget tells the severity's targets from clocks that are only ours.
func isTarget(c incident.ClockName) bool {
	switch c {
	case incident.ClockAck, incident.ClockUpdate, incident.ClockContain, incident.ClockResolve:
		return true
	}
	return false
}

// shown leaves out what was hidden.
func shown(entries []Entry) []Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(n Entry) bool { return n.Hidden })
}
