package templates

import (
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfPaging() Card {
	switch e := v.r.Event.(type) {
	case incident.LadderStarted:
		news := fmt.Sprintf("*Paging begins: %s*, %s.", ladderName(e.Ladder.Name), count(len(e.Ladder.Rungs), "step", "steps"))
		return v.card(Warn, news, because(v.words(e.Why)), small("It goes on until somebody acknowledges."), buttons(v.ackRow()...))
	case incident.RungFired:
		return v.rungFired(e)
	case incident.RungSkipped:
		return v.card(Warn, fmt.Sprintf("*Nobody could be paged on %s:* %s.", v.rungOf(e.Page), Line(discreet(e.Why), maxLine)), small("The next step is paged at once."))
	case incident.Paged:
		return v.paged(e)
	case incident.PageTrouble:
		return v.pageTrouble(e)
	case incident.LadderEnded:
		return v.ladderEnded(e)
	case incident.LadderStopped:
		return v.card(Calm, "Paging stopped: "+Line(e.Why, maxLine)+".")
	case incident.Acknowledged:
		return v.acknowledged(e)
	case incident.AckIgnored:
		return v.ackIgnored(e)
	case incident.Unacknowledged:
		c := v.card(Alarm, fmt.Sprintf("*%s took the acknowledgement back.* Nobody has it.", v.who(e.Person)),
			because(v.words(e.Why)), small("Paging runs again."), buttons(v.ackRow()...))
		return v.toward(c, v.s.Holder(incident.Commander))
	case incident.AskedAgain:
		return v.askedAgain(e)
	case incident.VendorNoted:
		return v.vendorNoted(e)
	}
	return Card{}
}

// ackRow is what a person who is paged may press. One button answers: whoever was not
// paged and presses it is asked whether they take it all the same.
func (v voice) ackRow() []Button {
	return v.answerRow(v.primary("Acknowledge", "ack"))
}

// ackPage is ackRow for one page: one by name waits for an answer of its own.
func (v voice) ackPage(id incident.PageID) []Button {
	if v.s.Status != incident.Open || v.s.Paging.Answered(id) {
		return v.room()
	}
	return append([]Button{v.primary("Acknowledge", "ack")}, v.room()...)
}

// takeRow is for when anybody may take it, paged or not.
func (v voice) takeRow() []Button {
	return v.answerRow(v.primary("I have it", "ack i-have-it"))
}

func (v voice) answerRow(b Button) []Button {
	if v.s.Paging.AckedBy != "" || v.s.Status != incident.Open {
		return v.room()
	}
	return append([]Button{b}, v.room()...)
}

// paging names whom the present rung pages, as far as the pager has said.
func (v voice) paging() string {
	var who []incident.PersonID
	for _, p := range v.s.Paging.Pages {
		if p.Rung == v.s.Paging.Rung && p.To == "" && !p.Skipped {
			for _, id := range p.People {
				if !slices.Contains(who, id) {
					who = append(who, id)
				}
			}
		}
	}
	if len(who) == 0 {
		return v.rungName(v.s.Paging.Rung)
	}
	slices.Sort(who)
	return whoAll(v.s, who) + " (" + v.rungName(v.s.Paging.Rung) + ")"
}

// youArePaged is the page itself, for when it travels by direct message.
func (v voice) youArePaged(page incident.PageID, again bool, why string) Card {
	word := "You are paged"
	if again {
		word = "You are paged again"
	}
	news := fmt.Sprintf("*%s: %s %s*", word, v.s.Severity, v.title())
	if v.s.Status != incident.Open || v.s.Paging.Answered(page) {
		return v.card(Calm, news, text("It has been answered meanwhile; nothing is asked of you."), buttons(v.room()...))
	}
	return v.card(Alarm, news,
		text("Acknowledge if you take it. If you cannot, say so in the room: the next person is paged when nobody answers."),
		because(v.words(v.s.Paging.Pages[page].Why)), small(why), buttons(v.ackPage(page)...))
}

func (v voice) rungFired(e incident.RungFired) Card {
	if v.direct() {
		return v.youArePaged(e.Page, e.Again, "")
	}
	what := v.rungName(e.Rung)
	if e.To != "" {
		what = v.who(e.To)
	}
	news := "*Paging " + what + ".*"
	if e.Again {
		news = "*Paging " + what + " again.*"
	}
	var lines []string
	if e.Round > 1 {
		lines = append(lines, fmt.Sprintf("Round %d", e.Round))
	}
	if r, ok := v.rung(e.Rung); ok && e.To == "" {
		var ids []incident.PersonID
		for _, p := range r.People {
			if !v.s.IsExcluded(p.ID) {
				ids = append(ids, p.ID)
			}
		}
		lines = append(lines, prefixed("Messaged directly: ", whoAll(v.s, ids)))
		if r.Wait > 0 && v.s.Paging.AckedBy == "" {
			lines = append(lines, "No answer in "+Age(r.Wait)+": the next step is paged")
		}
	}
	if e.To == "" && v.s.Paging.AckedBy != "" {
		lines = append(lines, "Answered by "+v.who(v.s.Paging.AckedBy))
	}
	return v.card(Warn, news, because(v.words(e.Why)), small(lines...), buttons(v.ackPage(e.Page)...))
}

func (v voice) paged(e incident.Paged) Card {
	if v.direct() {
		why := ""
		if e.Vendor.Vendor != "" {
			why = vendorName(Line(e.Vendor.Vendor, 40)) + " has the same page for you; answering once is enough."
		}
		return v.youArePaged(e.Page, false, why)
	}
	whom := whoAll(v.s, e.People)
	if whom == "" {
		whom = v.rungOf(e.Page)
	}
	via := "Page sent"
	if e.Vendor.Vendor != "" {
		via = vendorName(Line(e.Vendor.Vendor, 40)) + " took the page"
	}
	return v.card(Calm, fmt.Sprintf("%s for %s.", via, whom), small("Taken is not delivered: the clock runs until somebody acknowledges."), buttons(v.ackPage(e.Page)...))
}

func (v voice) pageTrouble(e incident.PageTrouble) Card {
	if v.direct() {
		why := "PagerDuty is not taking our pages, so this message is the page."
		return v.youArePaged(e.Page, false, why)
	}
	next := "Nobody is known to message directly. Call the on-call by phone now."
	if len(e.People) > 0 {
		next = "Messaged directly: " + whoAll(v.s, e.People) + ". Nobody answers? Call them."
	}
	row := append(v.ackPage(e.Page), v.button("Show contact details", "contacts "+string(e.Page)))
	c := v.card(Alarm, "*The page to "+v.rungOf(e.Page)+" does not go through.* PagerDuty did not take it.",
		text(next), small(prefixed("Reason: ", Line(e.Why, maxLine)), "Tocsin keeps trying."), buttons(row...))
	return v.toward(c, e.People...)
}

func (v voice) ladderEnded(e incident.LadderEnded) Card {
	lead := "*NOBODY ANSWERED.*"
	rounds := max(e.Rounds, 1)
	if v.direct() { // whoever reads it may not have been paged
		return v.card(Alarm, fmt.Sprintf("%s %s %s has no responder.", lead, v.s.Severity, v.title()),
			text("Everybody on the ladder was paged. Take it, or find somebody by phone now."), buttons(append(v.takeRow(), v.button("Show contact details", "contacts"))...))
	}
	c := v.card(Alarm, fmt.Sprintf("%s Everybody on %s was paged, %s, and nobody is left to page.", lead, ladderName(e.Ladder), count(rounds, "round", "rounds")),
		text("Whoever reads this: press *I have it*, or call somebody by phone now."),
		buttons(append(v.takeRow(), v.button("Show contact details", "contacts"), v.form("Page somebody", "page"))...))
	return v.toward(c, v.s.Holder(incident.Commander), v.s.Declarer)
}

func (v voice) acknowledged(e incident.Acknowledged) Card {
	took := "acknowledged"
	if e.Duty {
		took = "has it"
	}
	after := ""
	if !v.s.Declared.IsZero() && v.r.Occurred.After(v.s.Declared) {
		after = " after " + Age(v.r.Occurred.Sub(v.s.Declared))
	}
	if v.direct() && e.Person == v.person {
		return v.card(Good, "You have it. Paging stopped.", text("Join the room and say in one line what you know."), buttons(v.room()...))
	}
	var row []Button
	next := "Paging stopped."
	if v.s.Holder(incident.Commander) == "" && !v.direct() {
		next = "Paging stopped. There is no commander yet."
		row = []Button{v.primary("Take command", "role commander me")}
	}
	return v.card(Good, fmt.Sprintf("*%s %s*%s.", v.who(e.Person), took, after), text(next), buttons(row...))
}

func (v voice) ackIgnored(e incident.AckIgnored) Card {
	if v.s.IsExcluded(e.Person) { // the room may be read by the one who was shut out
		return v.card(Warn, "An acknowledgement did not count. Paging goes on.", buttons(v.ackRow()...))
	}
	why := Line(unmarked(e.Why), maxLine)
	if v.direct() {
		return v.card(Warn, "Your acknowledgement did not stop the paging.",
			text("If you take it, press *I have it*."), buttons(append([]Button{v.primary("I have it", "ack i-have-it")}, v.room()...)...))
	}
	return v.card(Warn, fmt.Sprintf("%s acknowledged, but paging goes on: %s.", v.who(e.Person), why),
		small("Taking it all the same? Press “I have it”."), buttons(v.takeRow()...))
}

func (v voice) askedAgain(e incident.AskedAgain) Card {
	still := v.primary("Still on it", "ack i-have-it")
	not := v.button("I cannot, page on", "unack")
	row, next := []Button{still, not}, "No answer and the paging starts again."
	if v.s.Paging.AskedAt.IsZero() || v.s.Paging.AckedBy != e.Person {
		row, next = nil, "That is settled."
	}
	if v.direct() {
		return v.card(Warn, "*Are you still on it?* You acknowledged and the room has been quiet since.",
			text(next), buttons(append(row, v.room()...)...))
	}
	c := v.card(Warn, fmt.Sprintf("%s, *are you still on it?* It has been quiet since you acknowledged.", v.who(e.Person)),
		text(next), buttons(row...))
	return v.toward(c, e.Person)
}

func (v voice) rung(n int) (incident.Rung, bool) {
	if r := v.s.Paging.Ladder.Rungs; n >= 0 && n < len(r) {
		return r[n], true
	}
	return incident.Rung{}, false
}

func (v voice) rungName(n int) string {
	if r, ok := v.rung(n); ok && r.Name != "" {
		return Line(r.Name, 60)
	}
	return fmt.Sprintf("step %d", n+1)
}

// rungOf names whom a page was for.
func (v voice) rungOf(id incident.PageID) string {
	p, ok := v.s.Paging.Pages[id]
	if !ok {
		return "the on-call"
	}
	if p.To != "" {
		return v.who(p.To)
	}
	return v.rungName(p.Rung)
}

func ladderName(n string) string {
	if n == "" {
		return "the ladder"
	}
	return Line(n, 60)
}
