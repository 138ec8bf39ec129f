package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const stampForm = "2006-01-02 15:04 UTC"

// Stamp is a time for documents: "2026-11-23 03:04 UTC". The zero time is "not known".
func Stamp(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format(stampForm)
}

// When is a time for a card. With no zone, Slack shows it in each reader's own zone
// (https://docs.slack.dev/messaging/formatting-message-text#date-formatting) and UTC
// stands beside it; with an IANA zone it is written out in that zone and UTC.
func When(t time.Time, zone string) string {
	if t.IsZero() {
		return "not known"
	}
	u := t.UTC()
	if zone == "" {
		return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s> (%s)", u.Unix(), u.Format(stampForm), u.Format("15:04 UTC"))
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || loc == time.UTC {
		return Stamp(t)
	}
	local := t.In(loc)
	form := "15:04 UTC"
	if local.Format(time.DateOnly) != u.Format(time.DateOnly) {
		form = stampForm
	}
	return fmt.Sprintf("%s (%s)", local.Format("2006-01-02 15:04 MST"), u.Format(form))
}

// Age is a duration a tired person can read: "a moment", "4 min", "2 h 5 min", "3 d 4 h".
// The sign is ignored.
func Age(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	mins := int64(d / time.Minute)
	switch {
	case d < 10*time.Second:
		return "a moment"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int64(d/time.Second))
	case mins < 60:
		return fmt.Sprintf("%d min", mins)
	case mins < 24*60:
		return join2(mins/60, "h", mins%60, "min")
	}
	return join2(mins/(24*60), "d", mins%(24*60)/60, "h")
}

func join2(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// ago is "4 min ago", or "just now".
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if a := Age(now.Sub(t)); a != "a moment" {
		return a + " ago"
	}
	return "just now"
}

// Who names a person in a card: a mention when Slack knows them, else their name,
// escaped. "" is "nobody".
func Who(s incident.State, id incident.PersonID) string {
	if id == "" {
		return "nobody"
	}
	p := s.Person(id)
	if p.Slack == "" && isSlackUser(string(id)) {
		p.Slack = string(id)
	}
	if isSlackUser(p.Slack) {
		return "<@" + p.Slack + ">"
	}
	return Line(NameOf(s, id), 80)
}

// NameOf names a person without a mention and without escaping.
func NameOf(s incident.State, id incident.PersonID) string {
	switch {
	case id == "":
		return "nobody"
	case id == incident.Clockwork.ID:
		return "Tocsin"
	case strings.HasPrefix(string(id), "vendor:"):
		return vendorName(strings.TrimPrefix(string(id), "vendor:"))
	}
	if n := oneLine(s.Person(id).Name.Text); n != "" {
		return n
	}
	return oneLine(string(id))
}

func vendorName(v string) string {
	switch v {
	case "pagerduty":
		return "PagerDuty"
	case "github":
		return "GitHub"
	case "slack":
		return "Slack"
	case "sensor":
		return "A sensor"
	}
	return v
}

// isSlackUser accepts Slack's user ids only, so that a person id can never smuggle
// mark-up into a mention.
func isSlackUser(id string) bool {
	if len(id) < 2 || len(id) > 20 || id[0] != 'U' && id[0] != 'W' {
		return false
	}
	for i := 1; i < len(id); i++ {
		if (id[i] < '0' || id[i] > '9') && (id[i] < 'A' || id[i] > 'Z') {
			return false
		}
	}
	return true
}

// whoAll lists people, the first six by name.
func whoAll(s incident.State, ids []incident.PersonID) string {
	return several(ids, 6, func(id incident.PersonID) string { return Who(s, id) })
}

// several joins up to n of them with commas and counts the others.
func several[T any](all []T, n int, each func(T) string) string {
	var out []string
	for i, v := range all {
		if i == n {
			out = append(out, fmt.Sprintf("%d more", len(all)-n))
			break
		}
		out = append(out, each(v))
	}
	return strings.Join(out, ", ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
