package templates

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfLegalHold() Card {
	switch e := v.r.Event.(type) {
	case incident.LegalHoldSet:
		switch {
		case e.From != "":
			return v.card(Warn, fmt.Sprintf("*This incident is under legal hold*, as %s is, which was merged into it.", e.From), text(heldMeans))
		case v.s.LegalHold.At.Before(v.r.At):
			return v.card(Warn, fmt.Sprintf("*%s wants the legal hold to stay.*", title(v.by())), because(v.words(e.Why)),
				small("Whoever asked to lift it has to ask again, and a second person too."))
		}
		return v.card(Warn, fmt.Sprintf("*%s put this incident under legal hold.*", title(v.by())), because(v.words(e.Why)), text(heldMeans),
			small("Two persons lift it: “legal-hold lift <why>”."))
	case incident.LegalHoldLiftAsked:
		return v.card(Warn, fmt.Sprintf("*%s wants the legal hold lifted.*", title(v.by())), because(v.words(e.Why)),
			text("It stays until a second person who may says so within a day: “legal-hold lift <why>”."),
			small("Against it? “legal-hold <why>” takes the first voice away."))
	case incident.LegalHoldLifted:
		return v.card(Warn, fmt.Sprintf("*The legal hold is lifted*, by %s and %s.", v.who(e.First), v.by()), because(v.words(e.Why)),
			small("What the plan says of how long evidence is kept counts again."))
	case incident.EvidenceExported:
		return v.card(Calm, fmt.Sprintf("*%s took a copy of the evidence* (%s).", title(v.by()), count(e.Items, "item", "items")), text(prefixed("For: ", v.short(e.To))))
	}
	return Card{}
}

const heldMeans = "Nothing of it is erased from now on, whoever asks and whatever the plan says: no message, no entry, no evidence. Work goes on as before."

// legalHoldLine says in the summary that a hold stands.
func legalHoldLine(s incident.State) string {
	if !s.LegalHold.On {
		return ""
	}
	line := "*Under legal hold* since " + When(s.LegalHold.At, "") + ": nothing is erased."
	if s.LegalHold.Voice != "" {
		line += " " + Who(s, s.LegalHold.Voice) + " wants it lifted; it takes a second person."
	}
	return line
}

func heldWord(s incident.State) string {
	if !s.LegalHold.On {
		return ""
	}
	return "It is under legal hold: nothing of it is erased."
}

// ofEvidence is what the timeline says of legal hold and of what becomes of evidence.
func (t teller) ofEvidence(r incident.Recorded, by string) string {
	switch e := r.Event.(type) {
	case incident.LegalHoldSet:
		if e.From != "" {
			return fmt.Sprintf("Under legal hold, as %s is, which was merged into this", e.From)
		}
		return by + " put the incident under legal hold" + colon(e.Why)
	case incident.LegalHoldLiftAsked:
		return by + " wants the legal hold lifted" + colon(e.Why)
	case incident.LegalHoldLifted:
		return fmt.Sprintf("The legal hold was lifted, by %s and %s%s", t.name(e.First), by, colon(e.Why))
	case incident.EvidenceExported:
		return fmt.Sprintf("%s took a copy of the evidence (%s) for %s", by, count(e.Items, "item", "items"), e.To)
	case incident.EvidenceErased:
		return fmt.Sprintf("Evidence erased (%s): %s", count(len(e.Items), "item", "items"), e.Why)
	}
	return ""
}
