package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func (t teller) ofDeeds(r incident.Recorded) string {
	by := t.name(r.By)
	deed := func(n int) string { d, _ := t.s.Deed(n); return deedRaw(d, t.s.Stream) }
	switch e := r.Event.(type) {
	case incident.ActionRequested:
		verb := "asked for"
		if e.BreakGlass {
			verb = "broke the glass for"
		}
		return fmt.Sprintf("%s %s %s%s", by, verb, deed(e.N), colon(e.Reason))
	case incident.ActionPlanned:
		return fmt.Sprintf("Planned: %s (plan %s)", deed(e.N), shortDigest(e.Digest))
	case incident.ActionNotPlanned:
		return fmt.Sprintf("No plan for %s%s", deed(e.N), colon(e.Why))
	case incident.ActionReplanned:
		return fmt.Sprintf("Planned anew, because the target changed: %s", deed(e.N))
	case incident.ActionApproved:
		return fmt.Sprintf("%s approved %s (plan %s)", by, deed(e.N), shortDigest(e.Digest))
	case incident.ApprovalRefused:
		return fmt.Sprintf("%s tried to approve %s, and it did not count: %s", by, deed(e.N), refusedWhy(e.Code))
	case incident.ActionDenied:
		return fmt.Sprintf("%s said no to %s%s", by, deed(e.N), colon(e.Why))
	case incident.ApproversAsked:
		if len(e.People) == 0 {
			return "Nobody was left to ask for an approval of " + deed(e.N)
		}
		return fmt.Sprintf("%s was paged for an approval of %s", several(e.People, 6, t.name), deed(e.N))
	case incident.ActionExpired:
		return "Nobody approved in time: " + deed(e.N)
	case incident.ActionStarted:
		return fmt.Sprintf("Begun: %s (plan %s)", deed(e.N), shortDigest(e.Digest))
	case incident.TargetMarked:
		return t.marked(e)
	case incident.ActionTroubled:
		d, _ := t.s.Deed(e.N)
		if e.End {
			return fmt.Sprintf("The new end did not reach %s: %s", Defang(d.Name(e.Index)), e.Why)
		}
		return fmt.Sprintf("Not through yet at %s: %s", Defang(d.Name(e.Index)), e.Why)
	case incident.ActionEnded:
		return fmt.Sprintf("%s: %s", title(string(e.Status)), deed(e.N))
	}
	return t.ofHolds(r, by, deed)
}

func (t teller) ofHolds(r incident.Recorded, by string, deed func(int) string) string {
	switch e := r.Event.(type) {
	case incident.EvidenceKept:
		var items []string
		for _, it := range e.Items {
			items = append(items, prefixed(it.Name.String()+" ", it.SHA256))
		}
		return fmt.Sprintf("Evidence kept before %s: %s", deed(e.N), strings.Join(items, ", "))
	case incident.EvidenceWaived:
		return fmt.Sprintf("%s waived the evidence of %s%s", by, deed(e.N), colon(e.Why))
	case incident.ActionsFrozen:
		what := "all containment here"
		switch {
		case e.N != 0:
			what = deed(e.N)
		case e.All:
			what = "all containment everywhere"
		}
		return fmt.Sprintf("%s stopped %s%s", by, what, colon(e.Why))
	case incident.ActionsResumed:
		return fmt.Sprintf("%s let containment go on%s", by, colon(e.Why))
	case incident.ReleaseAsked:
		return fmt.Sprintf("%s ended the hold of %s%s", by, deed(e.N), colon(e.Why))
	case incident.HoldExtended:
		return fmt.Sprintf("%s extended the hold of %s to %s", by, deed(e.N), Stamp(e.Until))
	case incident.HoldRanOut:
		if e.Soon {
			return "The hold ends soon: " + deed(e.N)
		}
		return "The time of the hold is over, and it stays: " + deed(e.N)
	case incident.HoldKept:
		return fmt.Sprintf("%s answers for the hold of %s", t.name(e.Keep.Owner), deed(e.N))
	case incident.HoldShared:
		d, _ := t.s.Deed(e.N)
		if e.Left {
			return fmt.Sprintf("%s does not hold %s any more; this incident does", e.Label, Defang(d.Name(e.Index)))
		}
		return fmt.Sprintf("%s holds %s too", e.Label, Defang(d.Name(e.Index)))
	case incident.GlassReviewed:
		return fmt.Sprintf("%s reviewed the broken glass of %s%s", by, deed(e.N), colon(e.Text))
	case incident.RosterAdded:
		return fmt.Sprintf("On the list of credentials to reset: %s", e.Name)
	case incident.RosterSettled:
		name := "entry " + fmt.Sprint(e.N)
		if e.N >= 1 && e.N <= len(t.s.Roster) {
			name = t.s.Roster[e.N-1].Name.String()
		}
		switch {
		case e.Waived:
			return fmt.Sprintf("%s waived the reset of %s%s", by, name, colon(e.Why))
		case e.Deed != 0:
			return fmt.Sprintf("%s was reset by %s", name, deed(e.Deed))
		}
		return fmt.Sprintf("%s reset %s%s", by, name, colon(e.Why))
	}
	return ofRegister(r.Event)
}

// ofRegister tells of a register of holds, which names nobody.
func ofRegister(e incident.Event) string {
	switch e := e.(type) {
	case incident.HoldPlaced:
		return fmt.Sprintf("%s asks for %s", e.Held.HoldKey, e.Held.Action)
	case incident.HoldEnforced:
		return fmt.Sprintf("%s: %s", e.HoldKey, e.Mark)
	case incident.HoldEnding:
		return fmt.Sprintf("%s lets go", e.HoldKey)
	case incident.HoldEnded:
		return fmt.Sprintf("%s: %s", e.HoldKey, e.Mark)
	case incident.HoldTroubled:
		return fmt.Sprintf("%s does not get through yet", e.HoldKey)
	case incident.HoldPreserved:
		return fmt.Sprintf("%s: evidence kept", e.HoldKey)
	case incident.Frozen:
		if e.Thaw {
			return "Containment goes on everywhere"
		}
		return "All containment was stopped everywhere"
	}
	return ""
}

func (t teller) marked(e incident.TargetMarked) string {
	d, _ := t.s.Deed(e.N)
	more := e.Seen
	if more.IsZero() {
		more = e.Why
	}
	held := ""
	if len(e.Others) > 0 {
		held = ", held by " + strings.Join(e.Others, ", ")
	}
	return fmt.Sprintf("%s at %s: %s%s%s", d.Action, Defang(d.Name(e.Index)), e.Mark, held, strings.ReplaceAll(colon(more), "\n", "; "))
}

func deedRaw(d incident.Deed, stream incident.ID) string {
	names := d.TargetNames()
	what := Defang(strings.Join(names[:min(3, len(names))], ", "))
	if len(names) > 3 {
		what = fmt.Sprintf("%s and %d more", what, len(names)-3)
	}
	return fmt.Sprintf("%s on %s (%s)", d.Action, what, d.ID(stream))
}
