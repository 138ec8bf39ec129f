package templates

import (
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfWork() Card {
	switch e := v.r.Event.(type) {
	case incident.Updated:
		return v.updated(e)
	case incident.Noted:
		if v.closed {
			return v.card(Calm, "A note was added.", buttons(v.room()...))
		}
		when := ""
		if v.r.At.Sub(v.r.Occurred) > time.Minute {
			when = " about " + When(v.r.Occurred, "")
		}
		return v.card(Calm, fmt.Sprintf("*Note* by %s%s:", v.by(), when), quoted(v.words(e.Text)))
	case incident.TaskAdded:
		return v.taskAdded(e)
	case incident.TaskChanged:
		return v.taskChanged(e)
	case incident.ItemAdded:
		if v.direct() {
			return v.card(Calm, fmt.Sprintf("Action item %d is yours%s.", e.N, dueText(e.Due)), quoted(v.words(e.Text)), buttons(v.room()...))
		}
		c := v.card(Calm, fmt.Sprintf("*Action item %d* (%s): %s", e.N, orNone(Line(e.Kind, 40)), v.short(e.Text)), small(owned(v.who(e.Owner), e.Owner, e.Due)))
		return v.toward(c, e.Owner)
	case incident.ItemChanged:
		return v.itemChanged(e)
	}
	return Card{}
}

func (v voice) updated(e incident.Updated) Card {
	if v.closed {
		return v.card(Calm, "A status update was posted.", buttons(v.room()...))
	}
	blocks := []Block{}
	for _, p := range pieces(e.Text.String()) {
		blocks = append(blocks, quoted(p))
	}
	next := ""
	if c := v.s.Clocks[incident.ClockUpdate]; c.Running() {
		next = "Next update due " + When(c.Due, "")
	}
	return v.card(Calm, "*Status update* by "+v.by()+":", append(blocks, small(next))...)
}

func (v voice) taskAdded(e incident.TaskAdded) Card {
	done := v.button("Done", fmt.Sprintf("task done %d", e.N))
	if v.direct() {
		return v.card(Calm, fmt.Sprintf("Task %d is yours%s.", e.N, dueText(e.Due)), quoted(v.words(e.Text)), buttons(append([]Button{done}, v.room()...)...))
	}
	row := []Button{done}
	if e.Owner == "" {
		row = append(row, v.button("Take it", fmt.Sprintf("task assign %d me", e.N)))
	}
	c := v.card(Calm, fmt.Sprintf("*Task %d:* %s", e.N, v.short(e.Text)), small(owned(v.who(e.Owner), e.Owner, e.Due)), buttons(row...))
	return v.toward(c, e.Owner)
}

func (v voice) taskChanged(e incident.TaskChanged) Card {
	words := ""
	for _, t := range v.s.Tasks {
		if t.N == e.N {
			words = v.short(t.Text)
		}
	}
	news := ""
	tone := Calm
	switch {
	case e.Done != nil && *e.Done:
		news, tone = fmt.Sprintf("Task %d is done", e.N), Good
	case e.Done != nil:
		news = fmt.Sprintf("Task %d is open again", e.N)
	case e.Owner != nil && v.direct() && *e.Owner == v.person:
		news = fmt.Sprintf("Task %d is yours", e.N)
	case e.Owner != nil && *e.Owner == "":
		news = fmt.Sprintf("Task %d has no owner now", e.N)
	case e.Owner != nil:
		news = fmt.Sprintf("Task %d goes to %s", e.N, v.who(*e.Owner))
	case e.Due != nil:
		news = fmt.Sprintf("Task %d is due %s", e.N, When(*e.Due, ""))
	default:
		return Card{}
	}
	if words != "" {
		news += ": " + words
	}
	c := v.card(tone, news, small("by "+v.by()), buttons(v.room()...))
	if e.Owner != nil {
		c = v.toward(c, *e.Owner)
	}
	return c
}

func (v voice) itemChanged(e incident.ItemChanged) Card {
	news := fmt.Sprintf("Action item %d", e.N)
	tone := Calm
	switch {
	case e.Done != nil && *e.Done:
		news, tone = news+" is done.", Good
	case e.Done != nil:
		news += " is open again."
	case e.Owner != nil && v.direct() && *e.Owner == v.person:
		news += " is yours."
	case e.Owner != nil:
		news += " goes to " + v.who(*e.Owner) + "."
	case e.Due != nil:
		news += " is due " + When(*e.Due, "") + "."
	default:
		return Card{}
	}
	return v.card(tone, news, small("by "+v.by()), buttons(v.room()...))
}

func owned(who string, id incident.PersonID, due time.Time) string {
	t := "Nobody owns it yet"
	if id != "" {
		t = "Owner " + who
	}
	return t + dueText(due)
}

func dueText(due time.Time) string {
	if due.IsZero() {
		return ""
	}
	return ", due " + When(due, "")
}
