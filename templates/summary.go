package templates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Summary is the pinned message of the room, kept up to date in place. Times in it
// are absolute, because it is only drawn again when something happens; the ages are
// of the moment now.
func Summary(s incident.State, now time.Time) Card {
	head := Label(strings.Join(keep([]string{s.Severity.String(), string(s.Stream), s.Title.String()}), " · "), maxHeader-8)
	if s.Drill {
		head = "DRILL · " + head
	}
	c := Card{
		Lead: summaryLead(s),
		Tone: summaryTone(s),
		Blocks: []Block{
			{Header: head},
			{Text: "*" + title(statusWord(s)) + "*" + phasePart(s) + pagingPart(s)},
			{Fields: summaryFields(s, now)},
		},
	}
	if line := privilegedLine(s); line != "" {
		c.Blocks = append(c.Blocks, Block{Text: line})
	}
	if line := legalHoldLine(s); line != "" {
		c.Blocks = append(c.Blocks, Block{Text: line})
	}
	if line := doubtLine(s); line != "" {
		c.Blocks = append(c.Blocks, Block{Text: line})
	}
	if words := oneLine(s.Update.String()); words != "" {
		c.Blocks = append(c.Blocks, Block{Text: fmt.Sprintf("*Latest update*, %s:\n%s", When(s.Times.Updated, ""), quote(cutPlain(s.Update.String(), 600)))})
	} else if s.Status == incident.Open {
		c.Blocks = append(c.Blocks, Block{Text: "No update yet."})
	}
	c.Blocks = append(c.Blocks, small(strings.Join(keep([]string{
		prefixed("Type: ", Line(s.Type, 60)), privateWord(s), relatedLine(s),
		"declared " + When(s.Declared, "") + " by " + Who(s, s.Declarer),
	}), " · ")))
	if row := summaryButtons(s); len(row) > 0 {
		c.Blocks = append(c.Blocks, Block{Buttons: row})
	}
	return c
}

func summaryLead(s incident.State) string {
	parts := []string{string(s.Stream), s.Severity.String(), statusWord(s), Line(s.Title.String(), 150)}
	if s.Drill {
		parts = append([]string{"DRILL"}, parts...)
	}
	return strings.Join(keep(parts), " · ")
}

func summaryTone(s incident.State) Tone {
	switch {
	case s.Status != incident.Open:
		return Good
	case s.Paging.Ended && s.Paging.AckedBy == "":
		return Alarm
	case s.Paging.AckedBy != "" && s.Severity == incident.P1:
		return Warn
	}
	return toneOf(s.Severity)
}

func summaryFields(s incident.State, now time.Time) []Field {
	fields := []Field{{"Commander", commanderOf(s)}}
	for _, r := range rolesOf(s) {
		if r != incident.Commander {
			fields = append(fields, Field{title(roleName(r)), postOf(s, r)})
		}
	}
	for _, name := range targets {
		if c, ok := s.Clocks[name]; ok {
			fields = append(fields, Field{clockTexts[name].name, clockState(s, name, c, now)})
		}
	}
	if line := scopeCounts(s); line != "" {
		fields = append(fields, Field{"Scope", line})
	}
	if line := signalField(s); line != "" {
		fields = append(fields, Field{"Signals", line})
	}
	if len(s.Deeds) > 0 {
		fields = append(fields, Field{"Containment", deedField(s)})
	}
	if n := len(s.Tasks); n > 0 {
		fields = append(fields, Field{"Tasks", fmt.Sprintf("%d open of %d", openTasks(s), n)})
	}
	if len(fields) > 10 { // Slack: section fields, at most 10
		fields = fields[:10]
	}
	return fields
}

// signalField counts what was seen on hosts, the worst level first.
func signalField(s incident.State) string {
	var worst incident.SignalLevel
	n, hosts := 0, map[string]bool{}
	for _, level := range incident.SignalLevels() {
		for _, g := range s.Signals {
			if g.Level == level && !g.False {
				n++
				worst = level
				hosts[g.Host.String()] = true
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s on %s, up to %s", count(n, "group", "groups"), count(len(hosts), "host", "hosts"), worst)
}

// deedField says what stands of containment, the worst first.
func deedField(s incident.State) string {
	if s.Frozen.Is {
		return "*stopped* by " + Who(s, s.Frozen.By)
	}
	broken := 0
	for _, d := range s.Deeds {
		broken += d.Count(is(incident.MarkNoEffect)) + d.Count(is(incident.MarkStuck))
	}
	if broken > 0 {
		return fmt.Sprintf("*%d NOT in effect*, %s", broken, deedCounts(s))
	}
	return deedCounts(s)
}

func summaryButtons(s incident.State) []Button {
	button := func(label, words, opens, style string) Button {
		return Button{Label: label, Words: words, Opens: opens, Style: style, Stream: s.Stream}
	}
	switch s.Status {
	case incident.Resolved:
		return []Button{button("Post-mortem", "postmortem show", "", ""), button("Reopen", "reopen", "reopen", ""), button("Close", "close", "", "")}
	case incident.Open:
	default:
		return nil
	}
	var row []Button
	if s.Paging.AckedBy == "" {
		row = append(row, button("Acknowledge", "ack", "", "primary"))
	}
	if s.Holder(incident.Commander) == "" {
		row = append(row, button("Take command", "role commander me", "", "primary"))
	}
	return append(row, button("Severity", "sev", "sev", ""), button("Post update", "update", "update", ""), button("Resolve", "resolve", "resolve", "danger"))
}

// targets are the clocks that people watch, in the order they fall due.
var targets = []incident.ClockName{incident.ClockAck, incident.ClockUpdate, incident.ClockContain, incident.ClockResolve, incident.ClockPostMortem}

// doneAt is when what a clock waits for was done in the end; zero: not yet.
func doneAt(s incident.State, name incident.ClockName) time.Time {
	switch name {
	case incident.ClockAck:
		return s.Times.Acknowledged
	case incident.ClockContain:
		return s.Times.Contained
	case incident.ClockResolve:
		return s.Times.Resolved
	}
	return time.Time{}
}

// clockState says where one clock stands: "met in 3 min", "due 03:19", "overdue".
func clockState(s incident.State, name incident.ClockName, c incident.Clock, now time.Time) string {
	took := ""
	if !c.At.IsZero() && !s.Declared.IsZero() && name != incident.ClockUpdate && name != incident.ClockPostMortem {
		took = Age(c.At.Sub(s.Declared))
	}
	if done := doneAt(s, name); c.Breached && c.Stopped && !done.IsZero() {
		took = Age(done.Sub(s.Declared))
	} else if c.Breached {
		took = "" // missed, and nobody has done it yet
	}
	switch {
	case c.Running() && now.After(c.Due):
		return "OVERDUE, was due " + When(c.Due, "")
	case c.Running() && c.Breached:
		return "missed before; due " + When(c.Due, "")
	case c.Running():
		return "due " + When(c.Due, "")
	case c.Stopped && c.Met && !c.Breached && took != "":
		return "met in " + took
	case c.Stopped && c.Met && !c.Breached:
		return "met"
	case c.Stopped && c.Breached && took != "":
		return "missed, done after " + took
	case c.Stopped && c.Breached:
		return "missed"
	case c.Stopped:
		return "no longer running"
	}
	return "not set"
}

func statusWord(s incident.State) string {
	if s.Status == incident.Merged {
		return "merged into " + Line(string(s.Into), 40)
	}
	return string(s.Status)
}

func phasePart(s incident.State) string {
	if s.Status != incident.Open || s.Phase == "" {
		return ""
	}
	return " · phase *" + string(s.Phase) + "*"
}

func pagingPart(s incident.State) string {
	v := voice{s: s}
	switch {
	case s.Status != incident.Open:
		return ""
	case s.Paging.AckedBy != "":
		return " · acknowledged by " + Who(s, s.Paging.AckedBy)
	case s.Paging.Ended:
		return " · *nobody answered, nobody is left to page*"
	case s.Paging.Running:
		return " · paging " + v.paging()
	}
	return " · nobody has acknowledged"
}

func commanderOf(s incident.State) string {
	if s.Holder(incident.Commander) == "" && s.Posts[incident.Commander].Offered == "" {
		return "*nobody yet*"
	}
	return postOf(s, incident.Commander)
}

func postOf(s incident.State, r incident.Role) string {
	p := s.Posts[r]
	who := Who(s, p.Holder)
	if p.Offered != "" {
		who += ", offered to " + Who(s, p.Offered)
	}
	return who
}

// rolesOf lists the roles that somebody holds or is offered, commander first.
func rolesOf(s incident.State) []incident.Role {
	all := slices.Sorted(maps.Keys(s.Posts))
	all = slices.DeleteFunc(all, func(r incident.Role) bool {
		return r == incident.Commander || s.Posts[r].Holder == "" && s.Posts[r].Offered == ""
	})
	return append([]incident.Role{incident.Commander}, all...)
}

func scopeCounts(s incident.State) string {
	n := map[incident.ScopeState]int{}
	for _, it := range s.Scope {
		n[it.State]++
	}
	var parts []string
	for _, st := range []incident.ScopeState{incident.Confirmed, incident.Suspected, incident.Cleared} {
		if n[st] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[st], st))
		}
	}
	return strings.Join(parts, ", ")
}

func privateWord(s incident.State) string {
	if s.Private {
		return "confidential, outside “" + Line(s.Codename, 60) + "”"
	}
	return ""
}

func relatedLine(s incident.State) string {
	if len(s.Related) == 0 {
		return ""
	}
	return "related: " + several(s.Related, 5, func(id incident.ID) string { return Line(string(id), 40) })
}

// cutPlain is Plain with a bound of its own.
func cutPlain(text string, n int) string { return escape(clean(text), n) }
