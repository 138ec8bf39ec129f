package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfEnd() Card {
	switch e := v.r.Event.(type) {
	case incident.WasResolved:
		return v.resolved(e)
	case incident.WasReopened:
		return v.card(Warn, "*Reopened* by "+v.by()+". The clocks run again.", because(v.words(e.Why)), buttons(v.room()...))
	case incident.WasClosed:
		return v.card(Good, "*Closed* by "+v.by()+".", text(prefixed("Left open on purpose: ", v.words(e.Waived))), small("The room is archived in a week; the record stays.", heldWord(v.s)))
	case incident.MergedAway:
		return v.card(Calm, fmt.Sprintf("*Merged into %s.* Go on there.", Line(string(e.Into), 40)),
			small("Open tasks and responders went along. Nobody is paged here any more."), buttons(append(v.room(), v.button("Show "+Label(string(e.Into), 40), "status "+string(e.Into)))...))
	case incident.TookMerged:
		return v.card(Calm, fmt.Sprintf("*%s was merged into this incident.*", Line(string(e.From), 40)),
			small("Its responders and open tasks are here now."))
	case incident.LinkedTo:
		return v.card(Calm, fmt.Sprintf("Related: *%s*, linked by %s.", Line(string(e.To), 40), v.by()))
	case incident.PostMortemDrafted:
		return v.drafted(e)
	case incident.PostMortemEscalated:
		return v.postMortemLate(e)
	case incident.PostMortemPublished:
		return v.published(e)
	case incident.ItemIsFiled:
		return v.card(Calm, fmt.Sprintf("Action item %d is %s.", e.N, issueLink(e.URL, e.Number)))
	}
	return Card{}
}

func (v voice) resolved(e incident.WasResolved) Card {
	after := ""
	if !v.s.Declared.IsZero() && v.r.Occurred.After(v.s.Declared) {
		after = " after " + Age(v.r.Occurred.Sub(v.s.Declared))
	}
	if v.direct() {
		return v.card(Good, fmt.Sprintf("*%s is resolved*%s.", v.title(), after), buttons(v.room()...))
	}
	next := "Next: "
	switch {
	case !v.s.Report.Due.IsZero():
		next += "the post-mortem, due " + When(v.s.Report.Due, "")
		if v.s.Report.Owner != "" {
			next += ", owner " + v.who(v.s.Report.Owner)
		}
		next += "."
	case v.s.Clocks[incident.ClockPostMortem].Running():
		next += "the post-mortem, due " + When(v.s.Clocks[incident.ClockPostMortem].Due, "") + "."
	default:
		next += "close it when nothing is left to do."
	}
	if n := openTasks(v.s); n > 0 {
		next += " Still open: " + count(n, "task", "tasks") + "."
	}
	c := v.card(Good, fmt.Sprintf("*Resolved*%s by %s.", after, v.by()), quoted(v.words(e.Text)), text(next),
		buttons(v.button("Show the draft", "postmortem show"), v.form("Add an action item", "item add"), v.form("Reopen", "reopen")))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func (v voice) drafted(e incident.PostMortemDrafted) Card {
	row := append([]Button{v.button("Show the draft", "postmortem show"), v.form("Edit", "postmortem edit"), v.button("Publish", "postmortem publish")}, v.room()...)
	if v.direct() {
		return v.card(Calm, "*The post-mortem is yours*"+dueText(e.Due)+". A draft from the record is ready.", buttons(row...))
	}
	c := v.card(Calm, "*The post-mortem is drafted.*", text(owned(v.who(e.Owner), e.Owner, e.Due)+"."),
		small("Timeline, clocks and roles are filled in. Causes and lessons are for people to write."), buttons(row...))
	return v.toward(c, e.Owner)
}

func (v voice) published(e incident.PostMortemPublished) Card {
	if e.URL == "" && e.Trouble != "" {
		return v.card(Alarm, "*The post-mortem was not published.* "+Line(e.Trouble, maxLine),
			text("Put that right, then publish again."), buttons(append([]Button{v.button("Try again", "postmortem publish")}, v.room()...)...))
	}
	tone := Good
	trouble := ""
	if e.Trouble != "" {
		tone, trouble = Warn, "But: "+Line(e.Trouble, maxLine)
	}
	where := issueLink(e.URL, e.Number)
	if e.Repo != "" {
		where += " in " + Line(e.Repo, 120)
	}
	row := v.room()
	if isWeb(e.URL) {
		row = append([]Button{{Label: "Open the issue", URL: e.URL, Stream: v.s.Stream}}, row...)
	}
	return v.card(tone, "*The post-mortem is published:* "+where+".", text(trouble), buttons(row...))
}

func (v voice) vendorNoted(e incident.VendorNoted) Card {
	vendor := vendorName(Line(e.Vendor.Vendor, 40))
	if vendor == "" {
		vendor = "The pager"
	}
	who := ""
	if e.Who != "" && e.Who != incident.Vendor(e.Vendor.Vendor).ID {
		who = " (" + v.who(e.Who) + ")"
	}
	if e.Kind == "incident.resolved" && v.s.Status == incident.Open {
		row := []Button{v.form("Resolve", "resolve"), v.button("Keep open", "note "+vendor+" resolved its incident; we keep ours open")}
		c := v.card(Warn, fmt.Sprintf("*%s says resolved%s; the room stays open.*", vendor, who), text("Resolve here too?"), buttons(append(row, v.room()...)...))
		return v.toward(c, v.s.Holder(incident.Commander))
	}
	if e.Kind == "incident.annotated" {
		if v.ownNote(e) {
			return Card{}
		}
		return v.card(Calm, fmt.Sprintf("*Note* in %s%s:", vendor, who), quoted(v.words(e.Text)))
	}
	return v.card(Calm, fmt.Sprintf("%s: %s%s", vendor, vendorKind(e.Kind), who), quoted(v.words(e.Text)))
}

// ownNote reports that the pager repeats a note that came from here: those end in
// the room's address.
func (v voice) ownNote(e incident.VendorNoted) bool {
	return v.s.Room.URL != "" && strings.HasSuffix(strings.TrimSpace(e.Text.String()), v.s.Room.URL)
}

// vendorKind reads "incident.status_update_published" aloud.
func vendorKind(kind string) string {
	return Line(wordsOf(kind), 80)
}

func issueLink(url string, number int) string {
	label := "the issue"
	if number > 0 {
		label = fmt.Sprintf("issue %d", number)
	}
	if !isWeb(url) {
		return label
	}
	return "<" + url + "|" + label + ">"
}

func openTasks(s incident.State) int {
	n := 0
	for _, t := range s.Tasks {
		if !t.Done {
			n++
		}
	}
	return n
}

// postMortemLate tells those above the owner, who was told when it fell due.
func (v voice) postMortemLate(e incident.PostMortemEscalated) Card {
	owner := "Nobody owns it."
	if id := v.s.Report.Owner; id != "" {
		owner = "It is " + v.who(id) + "'s; the reminders were not enough."
	}
	row := append([]Button{v.button("Show the draft", "postmortem show")}, v.room()...)
	news := "*The post-mortem is overdue.*"
	if due := v.s.Clocks[incident.ClockPostMortem].Due; !due.IsZero() {
		news += " It was due " + When(due, "") + "."
	}
	if v.direct() {
		return v.card(Alarm, news, text(owner+" See that it is finished, or give it to somebody who can."), buttons(row...))
	}
	return v.toward(v.card(Warn, news+" "+whoAll(v.s, e.To)+" was told.", text(owner), buttons(row...)), e.To...)
}
