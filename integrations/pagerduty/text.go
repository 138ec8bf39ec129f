package pagerduty

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxSummary = 1024 // runes; Events v2 "payload.summary", and an incident's title
	maxNote    = 2000 // runes of a note; ours are far shorter
)

// severities of an event by ours (Events v2, "payload.severity").
var severities = map[incident.Severity]string{
	incident.P1: "critical", incident.P2: "error", incident.P3: "warning", incident.P4: "info",
}

// event is what is sent through the Events API. Of a confidential incident it carries
// the codename and the number: a phone's lock screen is a public place.
func event(t incident.Task, routing, key string) *pd.V2Event {
	s := t.State
	level := severities[s.Severity]
	if level == "" {
		level = "error"
	}
	e := &pd.V2Event{RoutingKey: routing, Action: "trigger", DedupKey: key, Client: "Tocsin", ClientURL: s.Room.URL,
		Payload: &pd.V2Payload{Summary: summary(t), Source: "tocsin", Severity: level, Details: details(t)}}
	if !s.Declared.IsZero() {
		e.Payload.Timestamp = s.Declared.UTC().Format(time.RFC3339)
	}
	if s.Room.URL != "" {
		e.Links = []any{map[string]string{"href": s.Room.URL, "text": "The incident's room"}}
	}
	return e
}

// summary is the line a phone shows: "[INC-0042] P1 okta session theft".
func summary(t incident.Task) string {
	s := t.State
	parts := []string{"[" + string(t.Incident) + "]", s.Severity.String(), oneLine(s.Name())}
	if s.Drill {
		parts = append([]string{"DRILL"}, parts...)
	}
	if s.Private {
		parts = append(parts, "(confidential)")
	}
	return cut(strings.Join(strings.Fields(strings.Join(parts, " ")), " "), maxSummary)
}

func details(t incident.Task) map[string]string {
	s := t.State
	d := map[string]string{"incident": string(t.Incident), "severity": s.Severity.String()}
	if s.Drill {
		d["drill"] = "DRILL: this is an exercise"
	}
	if s.Room.URL != "" {
		d["room"] = s.Room.URL
	}
	if s.Private {
		d["confidential"] = "details are in the room only"
		return d
	}
	d["type"] = s.Type
	if s.Room.Name != "" {
		d["channel"] = "#" + s.Room.Name
	}
	if !s.Declared.IsZero() {
		d["declared"] = s.Declared.UTC().Format(time.RFC3339)
	}
	return d
}

// detailsText is details as the lines of an incident's body, in a fixed order.
func detailsText(t incident.Task) string {
	d := details(t)
	var b strings.Builder
	for _, k := range []string{"drill", "incident", "severity", "type", "declared", "channel", "room", "confidential"} {
		if d[k] != "" {
			fmt.Fprintf(&b, "%s: %s\n", k, d[k])
		}
	}
	return b.String()
}

// note is what is written on PagerDuty's incident about the event an effect follows
// from. What people wrote stays in the room, and so do names in a confidential one.
func note(t incident.Task) string {
	var said string
	switch e := t.Event.Event.(type) {
	case incident.Acknowledged:
		said = "Acknowledged in Tocsin" + by(t, e.Person)
	case incident.Unacknowledged:
		said = "The acknowledgement was taken back in Tocsin" + by(t, e.Person)
	case incident.WasResolved:
		said = "Resolved in Tocsin" + by(t, t.Event.By)
	case incident.WasReopened:
		said = "Reopened in Tocsin" + by(t, t.Event.By)
	case incident.SeveritySet:
		said = fmt.Sprintf("Severity changed from %s to %s in Tocsin%s", e.From, e.To, by(t, t.Event.By))
	case incident.RoleTaken:
		said = "The " + string(e.Role) + " changed in Tocsin" + by(t, e.Person)
		if e.Role == incident.Commander && !t.State.Private {
			said = "Commander in Tocsin: " + name(t, e.Person)
		}
	case incident.MergedAway:
		said = "Merged into " + string(e.Into) + " in Tocsin" + by(t, t.Event.By)
	case incident.Updated:
		said = "A status update was posted in the room" + by(t, t.Event.By)
	case incident.RoomOpened:
		said = "The room is open"
	case incident.WasClosed:
		said = "Closed in Tocsin" + by(t, t.Event.By)
	default:
		said = "The incident moved on in Tocsin"
		if kind := incident.KindOf(t.Event.Event); kind != "" {
			said += " (" + strings.ReplaceAll(kind, "_", " ") + ")"
		}
	}
	said += "."
	if t.State.Room.URL != "" {
		said += " " + t.State.Room.URL
	}
	if t.State.Drill {
		said = "DRILL. " + said
	}
	return cut(said, maxNote)
}

func by(t incident.Task, id incident.PersonID) string {
	if t.State.Private || id == "" || id == incident.Clockwork.ID || strings.HasPrefix(string(id), "vendor:") {
		return ""
	}
	return " by " + name(t, id)
}

func name(t incident.Task, id incident.PersonID) string {
	if who := t.State.Person(id); who.Name.Text != "" {
		return oneLine(who.Name.Text)
	}
	return string(id)
}

// urgency keeps what PagerDuty knows and leaves the rest to its service.
func urgency(given string) string {
	switch u := strings.ToLower(given); u {
	case "high", "low":
		return u
	}
	return ""
}

// oneLine makes text of one line without control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// cut shortens text to n runes, marking that it did.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}

func quote(s string) string { return strconv.Quote(cut(s, 60)) }
