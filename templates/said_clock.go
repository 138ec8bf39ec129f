package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// clockText is what one kind of clock wants, in words.
type clockText struct {
	near   string // the target comes near
	missed string // the target is past
	next   string // what to do
	name   string // in lists
}

var clockTexts = map[incident.ClockName]clockText{
	incident.ClockAck:        {"Nobody has acknowledged yet", "Not acknowledged in time", "Press Acknowledge if you take it.", "Acknowledge"},
	incident.ClockUpdate:     {"A status update is wanted soon", "The status update is overdue", "One line is enough: what is known, what happens next.", "Update"},
	incident.ClockContain:    {"The containment target comes near", "The containment target was missed", "Contain now, or say in an update why not yet.", "Contain"},
	incident.ClockResolve:    {"The resolution target comes near", "The resolution target was missed", "Resolve it, or say in an update what is in the way.", "Resolve"},
	incident.ClockPostMortem: {"The post-mortem is due soon", "The post-mortem is overdue", "Finish the draft and publish it.", "Post-mortem"},
	incident.ClockLate:       {"The overdue post-mortem goes up a step soon", "The overdue post-mortem goes up a step", "Finish the draft and publish it.", "Overdue post-mortem"},
	incident.ClockRung:       {"The next step of the ladder is near", "Nobody answered on this step", "The next step is paged.", "Next page"},
	incident.ClockQuiet:      {"It has been quiet", "It has been quiet for too long", "Say whether you are still on it.", "Quiet"},
	"offer":                  {"An offered role waits for an answer", "An offered role was not answered", "Accept, decline, or offer it to somebody else.", "Offer"},
}

func (v voice) clockWords(name incident.ClockName) clockText {
	if t, ok := clockTexts[name]; ok {
		return t
	}
	kind, rest, _ := strings.Cut(string(name), "/")
	n := Line(rest, 20)
	switch kind {
	case "task":
		what := "Task " + n
		return clockText{what + " is due soon", what + " is overdue", v.taskWords(n), what}
	case "item":
		what := "Action item " + n
		return clockText{what + " is due soon", what + " is overdue", "", what}
	case "offer":
		t := clockTexts["offer"]
		t.name = "Offer of " + n
		return t
	}
	what := title(Line(string(name), 60))
	return clockText{what + " is near", what + " is past", "", what}
}

func (v voice) taskWords(n string) string {
	for _, t := range v.s.Tasks {
		if fmt.Sprint(t.N) == n {
			return v.short(t.Text)
		}
	}
	return ""
}

func (v voice) clockNear(e incident.ClockWarned) Card {
	t := v.clockWords(e.Clock)
	return v.clockCard(Warn, e.Clock, t.near+".", "due "+When(e.Due, ""), t.next)
}

func (v voice) clockMissed(e incident.ClockBreached) Card {
	t := v.clockWords(e.Clock)
	return v.clockCard(Alarm, e.Clock, t.missed+".", "was due "+When(e.Due, ""), t.next)
}

// clockCard speaks to the owner by name first, then to the room in one line.
func (v voice) clockCard(tone Tone, name incident.ClockName, news, due, next string) Card {
	owner := v.ownerOf(name)
	row := v.clockRow(name)
	if v.direct() {
		return v.card(tone, fmt.Sprintf("*%s* %s, %s.", news, v.s.Severity, due), text(next), buttons(append(row, v.room()...)...))
	}
	line := fmt.Sprintf("*%s* It %s.", news, isDue(due))
	ask := next
	if owner != "" {
		ask = v.who(owner) + ": " + next
	}
	return v.toward(v.card(tone, line, text(ask), buttons(row...)), owner)
}

func isDue(due string) string {
	if strings.HasPrefix(due, "was ") {
		return due
	}
	return "is " + due
}

func (v voice) clockRow(name incident.ClockName) []Button {
	kind, n, _ := strings.Cut(string(name), "/")
	switch incident.ClockName(kind) {
	case incident.ClockAck, incident.ClockRung:
		if v.s.Paging.AckedBy == "" {
			return []Button{v.primary("Acknowledge", "ack")}
		}
	case incident.ClockUpdate:
		b := v.form("Post update", "update")
		b.Style = "primary"
		return []Button{b}
	case incident.ClockContain:
		return []Button{v.button("Contained: go on to eradication", "phase eradication"), v.form("Post update", "update")}
	case incident.ClockResolve:
		return []Button{v.form("Resolve", "resolve"), v.form("Post update", "update")}
	case incident.ClockPostMortem:
		return []Button{v.button("Show the draft", "postmortem show"), v.button("Publish", "postmortem publish")}
	case incident.ClockQuiet:
		return []Button{v.primary("Still on it", "ack i-have-it")}
	case "task":
		return []Button{v.button("Done", "task done "+n)}
	case "item":
		return []Button{v.button("Done", "item done "+n)}
	case "offer":
		return []Button{v.primary("Accept", "role accept "+n), v.button("Decline", "role decline "+n)}
	}
	return nil
}

// ownerOf is who is asked first.
func (v voice) ownerOf(name incident.ClockName) incident.PersonID {
	kind, n, _ := strings.Cut(string(name), "/")
	switch incident.ClockName(kind) {
	case incident.ClockPostMortem:
		return v.s.Report.Owner
	case incident.ClockQuiet:
		return v.s.Paging.AckedBy
	case "task":
		for _, t := range v.s.Tasks {
			if fmt.Sprint(t.N) == n && t.Owner != "" {
				return t.Owner
			}
		}
	case "item":
		for _, it := range v.s.Items {
			if fmt.Sprint(it.N) == n && it.Owner != "" {
				return it.Owner
			}
		}
	case "offer":
		return v.s.Posts[incident.Role(n)].Offered
	}
	return v.s.Holder(incident.Commander)
}

func (v voice) reminded(e incident.Reminded) Card {
	what, ok := reminders[e.What]
	if !ok {
		return Card{}
	}
	var row []Button
	next := ""
	switch e.What {
	case "postmortem":
		row = []Button{v.button("Show the draft", "postmortem show"), v.button("Publish", "postmortem publish")}
	case "tasks":
		row = []Button{v.button("Show the tasks", "task list")}
		next = "Do them, date them anew, or give them to somebody."
	case "items":
		row = []Button{v.button("Show the action items", "item")}
		next = "Do them, date them anew, or give them to somebody."
	case "stale":
		row = []Button{v.form("Post update", "update"), v.form("Resolve", "resolve")}
		next = "Post an update, or resolve it."
	}
	row = append(row, v.room()...)
	if v.direct() || e.Person == "" {
		return v.card(Warn, "*Reminder:* "+what+".", text(next), buttons(row...))
	}
	return v.toward(v.card(Warn, fmt.Sprintf("*Reminder* for %s: %s.", v.who(e.Person), what), text(next), buttons(row...)), e.Person)
}
