package templates

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfIncident() Card {
	switch e := v.r.Event.(type) {
	case incident.Declared:
		return v.declared(e)
	case incident.SeveritySet:
		return v.severity(e)
	case incident.TypeSet:
		if v.closed {
			return v.card(Calm, "The type was changed.", buttons(v.room()...))
		}
		return v.card(Calm, fmt.Sprintf("*Type is now %s*, was %s. Set by %s.", Line(e.To, 60), orNone(Line(e.From, 60)), v.by()))
	case incident.Retitled:
		if v.closed {
			return v.card(Calm, "The title was changed.", buttons(v.room()...))
		}
		return v.card(Calm, fmt.Sprintf("*Renamed to “%s”* by %s.", v.short(e.Title), v.by()))
	case incident.Scoped:
		return v.scoped(e)
	case incident.TimeSet:
		return v.card(Calm, fmt.Sprintf("*%s is %s.* Set by %s.", timeName(e.Which), When(e.At, ""), v.by()), because(v.words(e.Why)))
	case incident.PhaseSet:
		return v.phase(e)
	case incident.Excluded:
		return v.excluded()
	case incident.Intruded:
		if e.Excluded {
			return v.card(Alarm, "*Somebody who is barred from this incident entered the room* and is being taken out again.",
				text("What was said here meanwhile may have been read. If it happens again, make the room private or go elsewhere."))
		}
		return v.card(Alarm, "*"+v.who(e.Person)+" is in this confidential room, and nobody brought them in.*",
			text("An administrator, or somebody with the link? Until that is clear, what is said here may be read."),
			buttons(v.button("They belong here", "join @"+v.s.Person(e.Person).Slack)))
	case incident.RoomLost:
		return v.card(Alarm, "*The room is gone:* "+Line(e.Why, maxLine)+".",
			text("The incident goes on without it: paging and clocks run, and these buttons still work."),
			buttons(v.button("Open a new room", "room"), v.form("Post update", "update"), v.button("Status", "status"), v.form("Resolve", "resolve")))
	case incident.PlanAdopted:
		return v.card(Calm, "*A newer plan applies from now on*, taken up by "+v.by()+".",
			small("Clocks already running keep their targets. Plan "+Line(shortDigest(e.Plan), 20)), buttons(v.button("Show the plan", "plan")))
	}
	return Card{}
}

func (v voice) declared(e incident.Declared) Card {
	sev := e.Severity.String()
	news := fmt.Sprintf("*%s declared: %s*", orNone(sev), v.title())
	if v.direct() {
		news = fmt.Sprintf("You are asked to join: *%s %s*", sev, v.title())
		return v.card(Warn, news, buttons(append(v.room(), v.button("Join", "join"))...))
	}
	next := "Take command, then say in one line what you know."
	if id := v.s.Holder(incident.Commander); id != "" {
		next = "Commander is " + v.who(id) + ". Say in one line what you know."
	}
	row := []Button{v.form("Post update", "update"), v.form("Severity", "sev")}
	if v.s.Holder(incident.Commander) == "" {
		row = append([]Button{v.primary("Take command", "role commander me")}, row...)
	}
	kind := Line(e.Type, 60)
	if e.Private {
		kind += " · confidential: nothing of this leaves the room"
	}
	c := v.card(toneOf(e.Severity), news, text(next), quoted(v.words(e.FromText)),
		small(fmt.Sprintf("%s · by %s · %s", e.ID, v.by(), When(v.r.At, "")), kind), buttons(row...))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func (v voice) severity(e incident.SeveritySet) Card {
	word, tone := "down", Calm
	if e.From == 0 || e.To < e.From {
		word, tone = "up", toneOf(e.To)
	}
	news := fmt.Sprintf("*Severity %s: %s → %s*, set by %s.", word, orNone(e.From.String()), e.To, v.by())
	next := "Clocks were set anew; whoever is newly due is paged."
	if word == "down" {
		next = "Clocks were set anew. What was missed before stays missed."
	}
	c := v.card(tone, news, because(v.words(e.Reason)), small(next), buttons(v.room()...))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func (v voice) scoped(e incident.Scoped) Card {
	if v.closed {
		return v.card(Calm, "The scope was changed.", buttons(v.room()...))
	}
	tone := Calm
	if e.State == incident.Confirmed {
		tone = Warn
	}
	return v.card(tone, fmt.Sprintf("*%s %s: %s*, marked by %s.", title(string(e.Kind)), e.State, scopeName(e.Kind, e.Name), v.by()),
		quoted(v.words(e.Note)))
}

// scopeName shows an indicator so that nobody can follow it by accident.
func scopeName(kind incident.ScopeKind, name incident.Sealed) string {
	if kind == incident.ScopeIndicator {
		return Line(Defang(name.String()), maxLine)
	}
	return Line(name.String(), maxLine)
}

func (v voice) phase(e incident.PhaseSet) Card {
	news := fmt.Sprintf("*Phase: %s*, set by %s.", e.To, v.by())
	if v.closed {
		return v.card(Calm, news, buttons(v.room()...))
	}
	lines := []string{"To do now:"}
	n := 0
	for _, t := range v.s.Tasks {
		if t.Phase != e.To || t.Done {
			continue
		}
		if n++; n <= 12 {
			lines = append(lines, taskLine(v.s, t))
		}
	}
	if n == 0 {
		return v.card(Calm, news, small("No tasks are open for this phase."))
	}
	blocks := pack(lines, "\n")
	if n > 12 {
		blocks = append(blocks, small(fmt.Sprintf("%d more: say “task”", n-12)))
	}
	return v.card(Calm, news, append(blocks, buttons(v.button("All tasks", "task"), v.form("Add a task", "task add")))...)
}

// excluded names nobody in a room that anybody may read: whoever was shut out must
// not learn it there.
func (v voice) excluded() Card {
	e, ok := v.r.Event.(incident.Excluded)
	if !ok || v.direct() && (v.person == "" || v.person == e.Person) {
		return Card{}
	}
	next := "Who may see, be paged or be asked was changed. Questions go to the commander, not to the room."
	return v.card(Calm, "Access to this incident was changed.", small(next))
}

func toneOf(s incident.Severity) Tone {
	switch s {
	case incident.P1:
		return Alarm
	case incident.P2:
		return Warn
	}
	return Calm
}

func timeName(k incident.TimeKind) string {
	switch k {
	case incident.Impact:
		return "Start of impact"
	case incident.Detected:
		return "Detection"
	case incident.Awareness:
		return "Awareness"
	}
	return title(Line(string(k), 40))
}

func orNone(t string) string {
	if t == "" {
		return "not set"
	}
	return t
}

// title raises the first letter.
func title(t string) string {
	if t == "" || t[0] < 'a' || t[0] > 'z' {
		return t
	}
	return string(t[0]-0x20) + t[1:]
}

func shortDigest(d string) string { return cut(oneLine(d), 13) }
