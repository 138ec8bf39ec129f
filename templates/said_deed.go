package templates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Bounds of what a card shows of a deed: more is in its status.
const (
	maxBriefs = 3 // targets told one by one
	maxSteps  = 5 // lines of each kind for a target
	maxNamed  = 5 // names in a row
)

func (v voice) saidOfDeed() Card {
	switch e := v.r.Event.(type) {
	case incident.ActionRequested:
		return v.actionRequested(e)
	case incident.ActionPlanned:
		return v.actionPlanned(e)
	case incident.ActionNotPlanned:
		d := v.deed(e.N)
		return v.toward(v.card(Warn, "*Not possible:* "+v.deedWords(d)+". Nothing was changed.", text(v.words(e.Why)), v.deedSmall(d)), d.By)
	case incident.ActionReplanned:
		return v.card(Warn, "*Another plan is being made* for "+v.deedWords(v.deed(e.N))+": the target changed since the last one, and nothing was done. Earlier approvals do not count.")
	case incident.ActionApproved:
		return v.actionApproved(e)
	case incident.ApprovalRefused:
		return v.toward(v.card(Warn, fmt.Sprintf("*%s tried to approve %s, and it does not count:* %s.", title(v.by()), v.deedWords(v.deed(e.N)), refusedWhy(e.Code))), v.s.Holder(incident.Commander))
	case incident.ActionDenied:
		d := v.deed(e.N)
		return v.toward(v.card(Warn, fmt.Sprintf("*%s said no to %s.* Nothing was changed.", title(v.by()), v.deedWords(d)), because(v.words(e.Why)), v.deedSmall(d)), d.By)
	case incident.ApproversAsked:
		return v.approversAsked(e)
	case incident.ActionExpired:
		d := v.deed(e.N)
		return v.toward(v.card(Alarm, "*Nobody approved "+v.deedWords(d)+" in time.* Nothing was changed.",
			text("Ask for it again, or break the glass if it cannot wait: “contain … break-glass reason:…”.")), d.By, v.s.Holder(incident.Commander))
	case incident.ActionStarted:
		return v.card(Calm, "*Under way:* "+v.deedWords(v.deed(e.N))+".", v.deedSmall(v.deed(e.N)))
	case incident.ActionTroubled:
		if e.End {
			return v.card(Warn, fmt.Sprintf("*The new end did not reach its target:* %s. A timer there may end it as it was set before; look then whether it still holds.", v.deedWords(v.deed(e.N))), small(v.short(e.Why)))
		}
		return v.card(Warn, fmt.Sprintf("*Not through yet:* %s. The trying goes on.", v.deedWords(v.deed(e.N))), small(v.short(e.Why)))
	case incident.TargetMarked:
		return v.targetMarked(e)
	case incident.ActionEnded:
		return v.actionEnded(e)
	}
	return v.saidOfHolds()
}

func (v voice) saidOfHolds() Card {
	switch e := v.r.Event.(type) {
	case incident.EvidenceKept:
		return v.card(Calm, fmt.Sprintf("*Evidence kept* before %s: %s.", v.deedWords(v.deed(e.N)), count(len(e.Items), "item", "items")), v.evidence(e))
	case incident.EvidenceWaived:
		return v.card(Warn, fmt.Sprintf("*%s waived the evidence* of %s.", title(v.by()), v.deedWords(v.deed(e.N))), because(v.words(e.Why)))
	case incident.ActionsFrozen:
		return v.actionsFrozen(e)
	case incident.ActionsResumed:
		where := "in this incident"
		if e.All {
			where = "in every incident"
		}
		return v.card(Warn, fmt.Sprintf("*%s lets containment go on %s.*", title(v.by()), where), because(v.words(e.Why)), small("What was withheld is not made up for: “contain retry”, or ask again."))
	case incident.ReleaseAsked:
		return v.card(Warn, fmt.Sprintf("*%s ends the hold:* %s.", title(v.by()), v.deedWords(v.deed(e.N))), because(v.words(e.Why)))
	case incident.HoldExtended:
		return v.card(Calm, fmt.Sprintf("*%s extended the hold* of %s until %s.", title(v.by()), v.deedWords(v.deed(e.N)), When(e.Until, "")))
	case incident.HoldRanOut:
		return v.holdRanOut(e)
	case incident.HoldKept:
		end := "for good"
		if !e.Keep.Permanent {
			end = "until " + When(e.Keep.Until, "")
		}
		return v.card(Calm, fmt.Sprintf("%s answers for the hold of %s, %s.", title(v.who(e.Keep.Owner)), v.deedWords(v.deed(e.N)), end))
	case incident.HoldShared:
		d := v.deed(e.N)
		if e.Left {
			return v.card(Calm, fmt.Sprintf("%s does not hold %s any more. *This incident still does* (%s).", Line(e.Label, 60), v.target(d, e.Index), d.ID(v.s.Stream)))
		}
		return v.card(Calm, fmt.Sprintf("%s holds %s too: it is freed when the last of you lets go.", Line(e.Label, 60), v.target(d, e.Index)))
	case incident.GlassReviewed:
		return v.card(Calm, fmt.Sprintf("%s reviewed the broken glass of %s.", title(v.by()), v.deed(e.N).ID(v.s.Stream)), because(v.words(e.Text)))
	case incident.RosterAdded:
		return v.card(Calm, "On the list of credentials to reset: "+v.short(e.Name)+".")
	case incident.RosterSettled:
		return v.rosterSettled(e)
	}
	return Card{}
}

func (v voice) deed(n int) incident.Deed { d, _ := v.s.Deed(n); return d }

// deedWords is the deed in a few words: "okta.suspend-user on mallory@example.com".
func (v voice) deedWords(d incident.Deed) string {
	if v.closed {
		return "a containment action"
	}
	return DeedWords(d)
}

// DeedWords is a deed in a few words, escaped: its action and its targets.
func DeedWords(d incident.Deed) string { return Line(d.Action, 60) + " on " + targetsOf(d) }

func targetsOf(d incident.Deed) string {
	names := d.TargetNames()
	if len(names) > 3 {
		return fmt.Sprintf("%s targets (%s, …)", fmt.Sprint(len(names)), strings.Join(each(names[:2], targetName), ", "))
	}
	return strings.Join(each(names, targetName), ", ")
}

func targetName(n string) string { return Line(Defang(n), 80) }

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, x := range list {
		out[i] = f(x)
	}
	return out
}

func (v voice) target(d incident.Deed, i int) string {
	if v.closed {
		return "a target"
	}
	return targetName(d.Name(i))
}

func (v voice) deedSmall(d incident.Deed) Block {
	return small(d.ID(v.s.Stream), prefixed("asked by ", v.who(d.By)), prefixed("why: ", v.short(d.Reason)))
}

func (v voice) actionRequested(e incident.ActionRequested) Card {
	d := v.deed(e.N)
	if e.BreakGlass {
		c := v.card(Alarm, fmt.Sprintf("*GLASS BROKEN.* %s has %s done without an approval.", title(v.by()), v.deedWords(d)), because(v.words(e.Reason)),
			small(d.ID(v.s.Stream), fmt.Sprintf("Somebody else reviews it afterwards: “contain review %d …”; until then the incident cannot be closed.", e.N)),
			buttons(v.button("Stop everything", "contain stop")))
		return v.toward(c, e.Lead, v.s.Holder(incident.Commander))
	}
	return v.card(Calm, fmt.Sprintf("%s asks for %s. What it would change is being read.", title(v.by()), v.deedWords(d)), v.deedSmall(d))
}

func (v voice) actionPlanned(e incident.ActionPlanned) Card {
	d := v.deed(e.N)
	waits := d.Status == incident.DeedWaiting && d.Round == e.Round
	asked := !e.Expires.IsZero()
	tone, news := Warn, "*Approval wanted:* "+v.deedWords(d)
	switch {
	case d.DryRun:
		tone, news = Calm, "*Only planned:* "+v.deedWords(d)+". Nothing is changed."
	case !asked:
		tone, news = Calm, "*Planned:* "+v.deedWords(d)+"."
	}
	if v.closed { // a direct message about a confidential incident names nothing
		return v.card(tone, news, text("Open the room to see the plan and to decide."), buttons(v.room()...))
	}
	blocks := planBlocks(e)
	facts := []string{d.ID(v.s.Stream), "asked by " + v.who(d.By), prefixed("why: ", v.short(d.Reason)), prefixed("lasts until released, ", lasting(d))}
	if asked {
		facts = append(facts, "needs "+v.needs(d.Grant.Needs), "waits until "+When(e.Expires, ""))
	} else if d.Grant.Source != "" && !d.DryRun {
		facts = append(facts, "agreed beforehand: "+Line(d.Grant.Name, 60)+" ("+Line(d.Grant.Source, 60)+")")
	}
	facts = append(facts, "plan "+shortDigest(e.Digest))
	blocks = append(blocks, small(facts...))
	if waits {
		blocks = append(blocks, buttons(append(v.approveRow(d), v.room()...)...))
	} else if asked {
		blocks = append(blocks, small(v.decided(d)))
	}
	c := v.card(tone, news, blocks...)
	if !waits {
		return c
	}
	return v.toward(c, v.s.Holder(incident.Commander))
}

func lasting(d incident.Deed) string {
	if !d.Lasts {
		return ""
	}
	if d.TTL == 0 {
		return "no end set"
	}
	end := "asks after " + Age(d.TTL)
	if d.Grant.OnExpiry == "release" {
		end = "lets go by itself after " + Age(d.TTL)
	}
	return end
}

func (v voice) needs(needs []incident.Need) string {
	var parts []string
	for _, n := range needs {
		parts = append(parts, fmt.Sprintf("%d of %s", n.Count, strings.Join(each(n.From, func(w string) string { return v.party(w) }), ", ")))
	}
	return strings.Join(parts, " and ")
}

// party is a word of a need: a role with its holder, or a person.
func (v voice) party(word string) string {
	if _, met := v.s.People[incident.PersonID(word)]; met {
		return v.who(incident.PersonID(word))
	}
	if h := v.s.Holder(incident.Role(word)); h != "" {
		return "the " + Line(word, 40) + " (" + v.who(h) + ")"
	}
	return Line(word, 40)
}

// approveRow binds the buttons to the digest of what is shown above them.
func (v voice) approveRow(d incident.Deed) []Button {
	yes := v.primary("Approve", fmt.Sprintf("contain approve %d plan:%s", d.N, d.Digest))
	yes.Confirm = &Confirm{Title: "Approve?", Text: fmt.Sprintf("%s on %s: %s. It is carried out at once.", Label(d.Action, 60), count(len(d.Targets), "target", "targets"),
		Label(strings.Join(firstNames(d), ", "), 120)), Yes: "Approve", No: "Not yet"}
	no := v.button("Deny", fmt.Sprintf("contain deny %d", d.N))
	no.Style = "danger"
	return []Button{yes, no, v.button("Everything about it", fmt.Sprintf("contain status %d", d.N))}
}

func firstNames(d incident.Deed) []string {
	names := d.TargetNames()
	if len(names) > maxNamed {
		names = append(slices.Clip(names[:maxNamed]), fmt.Sprintf("and %d more", len(names)-maxNamed))
	}
	return names
}

func (v voice) decided(d incident.Deed) string {
	switch d.Status {
	case incident.DeedDenied, incident.DeedExpired, incident.DeedStopped:
		return "Decided: " + string(d.Status) + "."
	case incident.DeedPlanning:
		return "This plan was replaced by another."
	}
	var who []string
	for _, a := range d.Approvals {
		who = append(who, v.who(a.By))
	}
	return prefixed("Approved by ", strings.Join(who, ", "))
}

// planBlocks tells what a plan would change, target by target, worst news first.
func planBlocks(e incident.ActionPlanned) []Block {
	briefs := incident.ReadBriefs(e.Briefs)
	if briefs == nil {
		return []Block{small("What it would have changed was erased from the record.")}
	}
	var out []Block
	if e.Destroys != "" {
		out = append(out, text("*It destroys* "+Line(e.Destroys, maxLine)+". That is kept first."))
	}
	if !e.Reversible {
		out = append(out, text("*It cannot be taken back.*"))
	}
	shown := 0
	for _, b := range briefs {
		if shown == maxBriefs {
			break
		}
		shown++
		out = append(out, text(briefText(b, len(briefs) > 1)))
	}
	if more := len(briefs) - shown; more > 0 {
		out = append(out, small(fmt.Sprintf("and %s; “Everything about it” lists them", count(more, "target more", "targets more"))))
	}
	if n := refusedOf(briefs); n > 0 && n < len(briefs) {
		out = append(out, text(fmt.Sprintf("*%s cannot be done* and would be left out.", count(n, "target", "targets"))))
	}
	return out
}

func refusedOf(briefs []incident.Brief) int {
	n := 0
	for _, b := range briefs {
		if b.Refused != "" {
			n++
		}
	}
	return n
}

func briefText(b incident.Brief, named bool) string {
	var lines []string
	if named {
		lines = append(lines, "*"+targetName(b.Name)+"*")
	}
	if b.Refused != "" {
		return strings.Join(append(lines, "✗ "+Line(b.Refused, maxLine)), "\n")
	}
	if b.Already {
		lines = append(lines, "It is so already, by somebody else's doing: nothing would change, and nothing would be undone.")
	}
	add := func(mark string, list []string) {
		for i, s := range list {
			if i == maxSteps {
				lines = append(lines, fmt.Sprintf("%s and %d more", mark, len(list)-maxSteps))
				return
			}
			lines = append(lines, mark+" "+Line(s, maxLine))
		}
	}
	add("⚠", b.Warnings)
	add("•", b.Steps)
	add("↳ also felt by:", b.Dependants)
	add("✂ lost:", b.Lost)
	if b.Owner != "" {
		lines = append(lines, "Owner: "+Line(b.Owner, 80))
	}
	return strings.Join(lines, "\n")
}

func (v voice) actionApproved(e incident.ActionApproved) Card {
	d := v.deed(e.N)
	next := "It is carried out now."
	if len(e.Left) > 0 {
		next = "It still needs " + v.needs(e.Left) + "."
	}
	return v.card(Calm, fmt.Sprintf("*%s approved %s.* %s", title(v.by()), v.deedWords(d), next), small(d.ID(v.s.Stream), "plan "+shortDigest(e.Digest)))
}

func refusedWhy(code string) string {
	switch code {
	case "own":
		return "whoever asked for it cannot approve it"
	case "grant-gone":
		return "what was granted does not hold any more"
	case "grant-changed":
		return "the plan asks for other approvals now"
	}
	return "they are not entitled"
}

func (v voice) approversAsked(e incident.ApproversAsked) Card {
	d := v.deed(e.N)
	if len(e.People) == 0 {
		c := v.card(Alarm, "*Nobody is left to ask for an approval of "+v.deedWords(d)+".*",
			text("If it cannot wait: “contain … break-glass reason:…”, for what can be taken back. It is reviewed afterwards."))
		return v.toward(c, d.By, v.s.Holder(incident.Commander))
	}
	return v.card(Warn, fmt.Sprintf("*Paging for an approval* of %s: %s.", v.deedWords(d), whoAll(v.s, e.People)), small("It waits until "+When(d.Expires, "")))
}
