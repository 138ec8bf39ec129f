package templates

import (
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Sentence is one event in plain words, neither escaped nor mentioning anybody:
// escape it for the place it goes to. s is the state after the event. Events that
// are only bookkeeping give "".
func Sentence(s incident.State, r incident.Recorded) string {
	return teller{s, func(id incident.PersonID) string { return NameOf(s, id) }}.sentence(r)
}

// teller writes sentences with names of its reader's choosing.
type teller struct {
	s    incident.State
	name func(incident.PersonID) string
}

func (t teller) sentence(r incident.Recorded) string {
	if say := t.ofIncident(r); say != "" {
		return say
	}
	if say := t.ofPaging(r); say != "" {
		return say
	}
	if say := t.ofDrill(r); say != "" {
		return say
	}
	if say := t.ofEvidence(r, t.name(r.By)); say != "" {
		return say
	}
	if say := t.ofDeeds(r); say != "" {
		return say
	}
	if say := t.ofSignals(r); say != "" {
		return say
	}
	if say := t.ofExceptions(r); say != "" {
		return say
	}
	return t.ofWork(r)
}

func (t teller) ofIncident(r incident.Recorded) string {
	by := t.name(r.By)
	switch e := r.Event.(type) {
	case incident.Declared:
		return fmt.Sprintf("%s declared %s: %s", by, orNone(e.Severity.String()), e.Title)
	case incident.Excluded:
		return "Access to the incident was changed"
	case incident.Intruded:
		return "Somebody entered the room who should not be there"
	case incident.RoomOpened:
		return "The room opened: " + e.Name
	case incident.RoomWanted:
		return "A new room was asked for"
	case incident.RoomLost:
		return "The room was lost: " + e.Why
	case incident.SeveritySet:
		return fmt.Sprintf("%s set severity %s to %s%s", by, orNone(e.From.String()), e.To, colon(e.Reason))
	case incident.Retitled:
		return fmt.Sprintf("%s renamed it to %s", by, e.Title)
	case incident.TypeSet:
		return fmt.Sprintf("%s set the type to %s", by, e.To)
	case incident.Scoped:
		return fmt.Sprintf("%s marked %s %s as %s%s", by, e.Kind, scopeRaw(e.Kind, e.Name), e.State, colon(e.Note))
	case incident.TimeSet:
		return fmt.Sprintf("%s set %s to %s%s", by, lowerFirst(timeName(e.Which)), Stamp(e.At), colon(e.Why))
	case incident.RoleTaken:
		if e.From != "" && e.From != e.Person {
			return fmt.Sprintf("%s took over as %s from %s", t.name(e.Person), e.Role, t.name(e.From))
		}
		return fmt.Sprintf("%s became %s", t.name(e.Person), e.Role)
	case incident.RoleOffered:
		return fmt.Sprintf("%s offered %s to %s", by, e.Role, t.name(e.To))
	case incident.RoleDeclined:
		return fmt.Sprintf("%s declined %s", t.name(e.Person), e.Role)
	case incident.Joined:
		if e.Observer {
			return t.name(e.Person) + " joined to observe"
		}
		return t.name(e.Person) + " joined"
	case incident.PhaseSet:
		return fmt.Sprintf("%s moved the response to %s", by, e.To)
	case incident.Distrusted:
		return fmt.Sprintf("%s distrusted %s%s", by, t.doubted(e.N), colon(e.Why))
	case incident.TrustAsked:
		return fmt.Sprintf("%s wants %s to be believed again%s", by, t.doubted(e.N), colon(e.Why))
	case incident.Trusted:
		return fmt.Sprintf("%s is believed again, by %s and %s%s", title(t.doubted(e.N)), t.name(e.First), by, colon(e.Why))
	case incident.PlanAdopted:
		return by + " took up a newer plan"
	}
	return ""
}

func (t teller) ofPaging(r incident.Recorded) string {
	v := voice{s: t.s}
	switch e := r.Event.(type) {
	case incident.LadderStarted:
		return "Paging began on " + ladderName(e.Ladder.Name) + colon(e.Why)
	case incident.RungFired:
		again := ""
		if e.Again {
			again = " again"
		}
		if e.To != "" {
			return fmt.Sprintf("%s was paged%s", t.name(e.To), again) + colon(e.Why)
		}
		return fmt.Sprintf("%s was paged%s", title(v.rungName(e.Rung)), again)
	case incident.RungSkipped:
		return "A step of the ladder was skipped: " + discreet(e.Why)
	case incident.Paged:
		whom := several(e.People, 6, t.name)
		if whom == "" {
			whom = "the on-call"
		}
		return fmt.Sprintf("%s took the page for %s", orPager(e.Vendor.Vendor), whom)
	case incident.PageTrouble:
		return "A page did not go through: " + e.Why
	case incident.LadderEnded:
		return "Nobody answered; everybody on " + ladderName(e.Ladder) + " was paged"
	case incident.LadderStopped:
		return "Paging stopped: " + discreet(e.Why)
	case incident.Acknowledged:
		if e.Duty {
			return t.name(e.Person) + " took it"
		}
		return t.name(e.Person) + " acknowledged"
	case incident.AckIgnored:
		if t.s.IsExcluded(e.Person) {
			return "An acknowledgement did not count"
		}
		return fmt.Sprintf("%s acknowledged, which did not stop the paging: %s", t.name(e.Person), unmarked(e.Why))
	case incident.Unacknowledged:
		return t.name(e.Person) + " took the acknowledgement back" + colon(e.Why)
	case incident.VendorNoted:
		return fmt.Sprintf("%s: %s%s", orPager(e.Vendor.Vendor), wordsOf(e.Kind), colon(e.Text))
	case incident.ClockWarned:
		return fmt.Sprintf("%s, due %s", v.clockWords(e.Clock).near, Stamp(e.Due))
	case incident.ClockBreached:
		return fmt.Sprintf("%s, was due %s", v.clockWords(e.Clock).missed, Stamp(e.Due))
	case incident.AskedAgain:
		return t.name(e.Person) + " was asked whether they are still on it"
	}
	return ""
}

func (t teller) ofWork(r incident.Recorded) string {
	by := t.name(r.By)
	switch e := r.Event.(type) {
	case incident.Updated:
		return fmt.Sprintf("Update by %s: %s", by, e.Text)
	case incident.Noted:
		return fmt.Sprintf("%s noted: %s", by, e.Text)
	case incident.Kept:
		return fmt.Sprintf("%s wrote: %s", t.name(e.Author), e.Text)
	case incident.TaskAdded:
		return fmt.Sprintf("Task %d added: %s", e.N, e.Text)
	case incident.TaskChanged:
		return t.changed(fmt.Sprintf("Task %d", e.N), e.Done, e.Owner, e.Due, by)
	case incident.ItemAdded:
		return fmt.Sprintf("Action item %d added: %s", e.N, e.Text)
	case incident.ItemChanged:
		return t.changed(fmt.Sprintf("Action item %d", e.N), e.Done, e.Owner, e.Due, by)
	case incident.ItemIsFiled:
		return fmt.Sprintf("Action item %d was filed as issue %d", e.N, e.Number)
	case incident.MergedAway:
		return fmt.Sprintf("%s merged it into %s", by, e.Into)
	case incident.TookMerged:
		return fmt.Sprintf("%s was merged into this incident", e.From)
	case incident.LinkedTo:
		return fmt.Sprintf("%s related it to %s", by, e.To)
	case incident.WasResolved:
		return by + " resolved it" + colon(e.Text)
	case incident.WasReopened:
		return by + " reopened it" + colon(e.Why)
	case incident.WasClosed:
		return by + " closed it" + colon(e.Waived)
	case incident.PostMortemDrafted:
		return "The post-mortem was drafted"
	case incident.PostMortemEscalated:
		return several(e.To, 6, t.name) + " was told that the post-mortem is overdue"
	case incident.PostMortemEdited:
		return fmt.Sprintf("%s wrote the section %s of the post-mortem", by, e.Section)
	case incident.PublishAsked:
		if !e.Waived.IsZero() {
			return by + " asked for the post-mortem to be published and waived what is privileged" + colon(e.Waived)
		}
		return by + " asked for the post-mortem to be published"
	case incident.PostMortemPublished:
		if e.URL == "" {
			return "The post-mortem was not published: " + e.Trouble
		}
		return fmt.Sprintf("The post-mortem was published as issue %d in %s", e.Number, e.Repo)
	case incident.Reminded:
		return t.reminded(e)
	case incident.PrivilegeMarked:
		what := "the incident"
		if e.Seq != 0 {
			what = fmt.Sprintf("entry %d", e.Seq)
		}
		if e.Off {
			return fmt.Sprintf("%s took the privileged marking off %s%s", by, what, colon(e.Why))
		}
		return fmt.Sprintf("%s marked %s as privileged%s", by, what, colon(e.Why))
	case incident.SecretSeen:
		return fmt.Sprintf("Something that looks like a secret (%s) was seen in %s", secretKinds(e.Found), secretPlace(e, t.name))
	case incident.EffectDied:
		if o, ok := owedTexts[e.Kind]; ok {
			return o.what + ": " + e.Why
		}
		return fmt.Sprintf("Not carried out: %s: %s", wordsOf(e.Kind), e.Why)
	case incident.EffectDropped:
		return fmt.Sprintf("No longer wanted: %s: %s", wordsOf(e.Kind), e.Why)
	}
	return ""
}

func (t teller) changed(what string, done *bool, owner *incident.PersonID, due *time.Time, by string) string {
	switch {
	case done != nil && *done:
		return what + " done by " + by
	case done != nil:
		return what + " opened again by " + by
	case owner != nil:
		return fmt.Sprintf("%s given to %s", what, t.name(*owner))
	case due != nil:
		return fmt.Sprintf("%s due %s", what, Stamp(*due))
	}
	return ""
}

// colon adds what a person gave as the reason or the content.
func colon(x incident.Sealed) string { return prefixed(": ", x.String()) }

func scopeRaw(kind incident.ScopeKind, name incident.Sealed) string {
	if kind == incident.ScopeIndicator {
		return Defang(name.String())
	}
	return name.String()
}

func orPager(vendor string) string {
	if vendor == "" {
		return "The pager"
	}
	return vendorName(vendor)
}

func lowerFirst(t string) string {
	if t == "" || t[0] < 'A' || t[0] > 'Z' {
		return t
	}
	return string(t[0]+0x20) + t[1:]
}

// reminders says what each kind of reminder is about.
var reminders = map[string]string{
	"postmortem": "the post-mortem is waiting to be published",
	"items":      "action items are overdue",
	"tasks":      "tasks are overdue",
	"stale":      "this incident is open and nothing has happened for a day",
}

func (t teller) reminded(e incident.Reminded) string {
	what, ok := reminders[e.What]
	switch {
	case !ok:
		return "" // bookkeeping of what was already complained about
	case e.Person == "":
		return "Reminder: " + what
	}
	return fmt.Sprintf("%s was reminded: %s", t.name(e.Person), what)
}

func (t teller) doubted(n int) string {
	it := voice{s: t.s}.doubt(n)
	return doubted(it, it.Name.String())
}
