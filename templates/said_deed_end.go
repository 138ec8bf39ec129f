package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// endTexts says how a deed stands. Nothing here claims more than was seen.
var endTexts = map[incident.DeedStatus]struct {
	tone Tone
	news string
}{
	incident.DeedInEffect: {Good, "*In effect:* %s."},
	incident.DeedDone:     {Good, "*Done:* %s."},
	incident.DeedPlanned:  {Calm, "*Only planned:* %s. Nothing was changed."},
	incident.DeedPartial:  {Alarm, "*NOT everywhere:* %s."},
	incident.DeedFailed:   {Alarm, "*NOT done:* %s. Nothing is contained by it."},
	incident.DeedEvidence: {Alarm, "*Waits:* %s. What it destroys could not be kept first."},
	incident.DeedReleased: {Calm, "*Released:* %s."},
	incident.DeedStopped:  {Warn, "*Stopped:* %s."},
}

func (v voice) actionEnded(e incident.ActionEnded) Card {
	d := v.deed(e.N)
	end, ok := endTexts[e.Status]
	if !ok {
		end.tone, end.news = Warn, "%s: "+string(e.Status)+"."
	}
	if e.Status == incident.DeedPlanned {
		return Card{} // the plan itself has been said
	}
	unproven, broken := d.Count(is(incident.MarkUnproven)), d.Count(is(incident.MarkNoEffect))
	if v.s.Drill && e.Status == incident.DeedDone {
		return v.card(Calm, "*Not carried out, because this is a drill:* "+v.deedWords(d)+".")
	}
	if e.Status == incident.DeedInEffect && unproven > 0 {
		end.tone, end.news = Warn, "*Stored, but not proven to work:* %s. Do not rely on it."
	}
	if broken > 0 {
		end.tone, end.news = Alarm, "*NOT in effect:* %s. It was done, and it does not work."
	}
	blocks := []Block{text(v.ofTheOne(e.Words)), text(v.tally(d)), small(d.ID(v.s.Stream), v.until(d))}
	blocks = append(blocks, buttons(v.endRow(d)...))
	c := v.card(end.tone, fmt.Sprintf(end.news, v.deedWords(d)), blocks...)
	return v.toward(c, d.By, v.s.Holder(incident.Commander))
}

func is(m incident.Mark) func(incident.Mark) bool {
	return func(o incident.Mark) bool { return o == m }
}

// ofTheOne is what was done and seen at the only target.
func (v voice) ofTheOne(words incident.Sealed) string {
	if v.closed {
		return ""
	}
	w := incident.ReadWords(words)
	var lines []string
	for i, s := range w.Done {
		if i < maxSteps {
			lines = append(lines, "• "+Line(s, maxLine))
		}
	}
	for i, s := range w.Seen {
		if i < maxSteps {
			lines = append(lines, "Looked at afterwards: "+Line(s, maxLine))
		}
	}
	if w.Why != "" {
		lines = append(lines, Line(w.Why, 2*maxLine))
	}
	return strings.Join(lines, "\n")
}

// tally says how many targets stand how, and names those that need somebody.
func (v voice) tally(d incident.Deed) string {
	if len(d.Targets) < 2 {
		return ""
	}
	order := []incident.Mark{incident.MarkNoEffect, incident.MarkPartial, incident.MarkFailed, incident.MarkStale, incident.MarkEvidence, incident.MarkBarred, incident.MarkStuck,
		incident.MarkDisputed, incident.MarkSkipped, incident.MarkUnproven, incident.MarkInEffect, incident.MarkDone, incident.MarkAlready, incident.MarkReleased, incident.MarkShared, incident.MarkRunning, incident.MarkDrill}
	var lines []string
	for _, m := range order {
		var names []string
		n := 0
		for i, t := range d.Targets {
			if t.Mark != m {
				continue
			}
			if n++; n <= maxNamed {
				names = append(names, v.target(d, i))
			}
		}
		if n == 0 {
			continue
		}
		line := fmt.Sprintf("%d %s", n, m)
		if !quiet(m) || n <= 3 {
			if n > maxNamed {
				names = append(names, fmt.Sprintf("and %d more", n-maxNamed))
			}
			line += ": " + strings.Join(names, ", ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// quiet marks need nobody.
func quiet(m incident.Mark) bool {
	switch m {
	case incident.MarkInEffect, incident.MarkDone, incident.MarkAlready, incident.MarkReleased, incident.MarkRunning, incident.MarkDrill:
		return true
	}
	return false
}

func (v voice) until(d incident.Deed) string {
	switch {
	case d.Holding() == 0:
		return ""
	case d.Keep.Permanent:
		return "kept for good, " + v.who(d.Keep.Owner) + " answers for it"
	case d.End().IsZero():
		return "held until released"
	case d.Grant.OnExpiry == "release" && d.Keep == (incident.Keep{}):
		return "held until " + When(d.End(), "") + ", then it lets go by itself"
	}
	return "held until " + When(d.End(), "") + ", then it asks and stays"
}

// endRow is what can be done about a deed that ended.
func (v voice) endRow(d incident.Deed) []Button {
	var row []Button
	left := d.Count(is(incident.MarkFailed)) + d.Count(is(incident.MarkPartial)) + d.Count(is(incident.MarkNoEffect)) + d.Count(is(incident.MarkBarred))
	switch {
	case d.Status == incident.DeedEvidence:
		row = append(row, v.button("What to waive", fmt.Sprintf("contain status %d", d.N)))
	case left > 0 && (d.Status == incident.DeedPartial || d.Status == incident.DeedFailed):
		row = append(row, v.primary("Try the rest again", fmt.Sprintf("contain retry %d", d.N)))
	}
	if d.Holding() > 0 {
		b := v.button("Release", fmt.Sprintf("contain undo %d", d.N))
		b.Confirm = &Confirm{Title: "Release?", Text: fmt.Sprintf("%s: %s would not be contained any more by this incident.", Label(d.ID(v.s.Stream), 40), count(d.Holding(), "target", "targets")), Yes: "Release", No: "Keep it"}
		row = append(row, b)
	}
	return append(append(row, v.button("Details", fmt.Sprintf("contain status %d", d.N))), v.room()...)
}

func (v voice) targetMarked(e incident.TargetMarked) Card {
	d := v.deed(e.N)
	switch e.Mark {
	case incident.MarkDisputed:
		c := v.card(Alarm, fmt.Sprintf("*Not released:* somebody else changed %s since (%s).", v.target(d, e.Index), d.ID(v.s.Stream)), text(v.short(e.Why)),
			text(fmt.Sprintf("To release it all the same: “contain undo %d force”.", d.N)))
		return v.toward(c, d.By, v.s.Holder(incident.Commander))
	case incident.MarkStuck:
		c := v.card(Alarm, fmt.Sprintf("*NOT released:* %s (%s).", v.target(d, e.Index), d.ID(v.s.Stream)), text(v.short(e.Why)),
			text("Release it by hand when it is safe, or try again: “contain undo "+fmt.Sprint(d.N)+"”."))
		return v.toward(c, d.By, v.s.Holder(incident.Commander))
	}
	return Card{}
}

func (v voice) evidence(e incident.EvidenceKept) Block {
	if v.closed {
		return Block{}
	}
	var lines []string
	for i, it := range e.Items {
		if i == maxNamed {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Items)-i))
			break
		}
		what := it.Ref.String()
		if it.SHA256 != "" {
			what = fmt.Sprintf("%d bytes, SHA-256 %s", it.Size, shortDigest(it.SHA256))
		}
		lines = append(lines, Line(it.Name.String(), 80)+": "+Line(what, 120))
	}
	return small(lines...)
}

func (v voice) actionsFrozen(e incident.ActionsFrozen) Card {
	what := "*%s stopped all containment in this incident.* Nothing pending is carried out."
	switch {
	case e.N != 0:
		what = "*%s stopped " + strings.ReplaceAll(v.deedWords(v.deed(e.N)), "%", "%%") + ".* What is not done yet is not done any more."
	case e.All:
		what = "*%s stopped all containment in EVERY incident.* Nothing pending is carried out anywhere."
	}
	c := v.card(Alarm, fmt.Sprintf(what, title(v.by())), because(v.words(e.Why)), small("What is in effect stays in effect. To go on: “contain resume <why>”, by whoever may."))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func (v voice) holdRanOut(e incident.HoldRanOut) Card {
	d := v.deed(e.N)
	row := []Button{v.primary("4 hours more", fmt.Sprintf("contain extend %d 4h", d.N)), v.button("Details", fmt.Sprintf("contain status %d", d.N))}
	if e.Soon {
		what := "It stays contained even then; somebody has to decide."
		if d.Grant.OnExpiry == "release" && d.Keep == (incident.Keep{}) {
			what = "Then it is RELEASED by itself, as was agreed."
		}
		return v.card(Warn, fmt.Sprintf("*The hold of %s ends %s.* %s", v.deedWords(d), When(d.End(), ""), what), buttons(append(row, v.room()...)...))
	}
	c := v.card(Alarm, fmt.Sprintf("*The time of the hold of %s is over. It stays contained until somebody decides.*", v.deedWords(d)), v.deedSmall(d),
		buttons(append(row, v.room()...)...))
	return v.toward(c, d.By, v.s.Holder(incident.Commander))
}

func (v voice) rosterSettled(e incident.RosterSettled) Card {
	name := "A credential"
	if e.N >= 1 && e.N <= len(v.s.Roster) {
		name = v.short(v.s.Roster[e.N-1].Name)
	}
	left := v.s.Unreset()
	rest := small(fmt.Sprintf("%s to reset", count(left, "credential is still", "credentials are still")))
	if left == 0 {
		rest = small("Every credential on the list is settled.")
	}
	switch {
	case e.Waived:
		return v.card(Warn, fmt.Sprintf("%s waived the reset of %s.", title(v.by()), name), because(v.words(e.Why)), rest)
	case e.Deed != 0:
		return v.card(Calm, fmt.Sprintf("%s is reset, by %s.", name, v.deed(e.Deed).ID(v.s.Stream)), rest)
	}
	return v.card(Calm, fmt.Sprintf("%s reset %s by hand.", title(v.by()), name), because(v.words(e.Why)), rest)
}
