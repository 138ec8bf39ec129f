package templates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const pageSize = 15 // entries of the timeline on one page

// TimelineCard is one page of the timeline, page 1 being the latest entries; on a
// page the oldest comes first.
func TimelineCard(entries []Entry, page int) Card {
	all := shown(entries)
	pages := max(1, (len(all)+pageSize-1)/pageSize)
	page = min(max(page, 1), pages)
	end := len(all) - (page-1)*pageSize
	from := max(0, end-pageSize)
	c := Card{Lead: fmt.Sprintf("Timeline, page %d of %d", page, pages)}
	if len(all) == 0 {
		c.Blocks = []Block{text("Nothing has happened yet.")}
		return c
	}
	var lines []string
	for _, n := range all[from:end] {
		lines = append(lines, entryLine(n, 280))
	}
	c.Blocks = pack(lines, "\n")
	notes := []string{fmt.Sprintf("Page %d of %d · %s", page, pages, count(len(all), "entry", "entries"))}
	if hidden := len(entries) - len(all); hidden > 0 {
		notes = append(notes, fmt.Sprintf("%d hidden", hidden))
	}
	c.Blocks = append(c.Blocks, Block{Context: notes})
	var row []Button
	if from > 0 {
		row = append(row, Button{Label: "Older", Words: fmt.Sprintf("timeline %d", page+1), Stream: all[0].Stream})
	}
	if page > 1 {
		row = append(row, Button{Label: "Newer", Words: fmt.Sprintf("timeline %d", page-1), Stream: all[0].Stream})
	}
	if len(row) > 0 {
		c.Blocks = append(c.Blocks, Block{Buttons: row})
	}
	return c
}

// entryLine is "#17 03:04 UTC text", with what was done to it.
func entryLine(n Entry, width int) string {
	line := fmt.Sprintf("#%d <!date^%d^{date_short_pretty} {time}|%s> · %s", n.Seq, n.Occurred.UTC().Unix(), Stamp(n.Occurred), Line(n.Text, width))
	if n.Privileged {
		line += " (privileged)"
	}
	if n.Edited {
		line += " (corrected)"
	}
	if n.At.Sub(n.Occurred) > 5*time.Minute {
		line += " (recorded " + Age(n.At.Sub(n.Occurred)) + " later)"
	}
	if n.Link != "" {
		line += " <" + n.Link + "|message>"
	}
	return line
}

// Catchup is what a person needs in sixty seconds who comes in now, or comes back
// after since (zero: from the start).
func Catchup(s incident.State, entries []Entry, since, now time.Time) Card {
	c := Card{Lead: flat(s, fmt.Sprintf("%s catch-up: %s, %s", s.Stream, s.Severity, statusWord(s)))}
	c.Blocks = append(c.Blocks,
		text("*"+strings.Join(keep([]string{drillWord(s), s.Severity.String(), string(s.Stream)}), " ")+"* · "+Line(s.Title.String(), maxLine)+"\n"+
			title(statusWord(s))+phasePart(s)+pagingPart(s)+", for "+Age(now.Sub(s.Declared))))
	c.Blocks = append(c.Blocks, section("Who does what", whoDoesWhat(s)))
	for _, b := range []Block{
		section("Last updates", lastOf(entries, since, 3, func(n Entry) bool { return n.Kind == "updated" })),
		section("Decisions", lastOf(entries, since, 6, isDecision)),
		section("Affected", scopeNow(s)),
		section("Open questions", openQuestions(s, now)),
	} {
		if !b.empty() {
			c.Blocks = append(c.Blocks, b)
		}
	}
	if !since.IsZero() {
		n := len(slices.DeleteFunc(shown(entries), func(n Entry) bool { return !n.At.After(since) }))
		c.Blocks = append(c.Blocks, small(fmt.Sprintf("%s since %s", count(n, "entry", "entries"), When(since, ""))))
	}
	c.Blocks = append(c.Blocks, buttons(Button{Label: "Timeline", Words: "timeline", Stream: s.Stream}, Button{Label: "Tasks", Words: "task", Stream: s.Stream}))
	return c
}

// Handoff is what the outgoing shift says to the incoming: state, what is running,
// what is due in the next hours, what is not decided.
func Handoff(s incident.State, entries []Entry, now time.Time) Card {
	c := Card{Lead: flat(s, fmt.Sprintf("%s hand-off: %s, %s", s.Stream, s.Severity, statusWord(s)))}
	c.Blocks = append(c.Blocks,
		text("*Hand-off* · "+strings.Join(keep([]string{drillWord(s), s.Severity.String(), string(s.Stream)}), " ")+" · "+Line(s.Title.String(), maxLine)+"\n"+
			title(statusWord(s))+phasePart(s)+pagingPart(s)+", for "+Age(now.Sub(s.Declared))))
	for _, b := range []Block{
		section("Who does what", whoDoesWhat(s)),
		section("What happened", lastOf(entries, time.Time{}, 8, func(n Entry) bool { return n.Key })),
		section("Affected", scopeNow(s)),
		section("Open tasks", openTaskLines(s, 12)),
		section("Due next", dueNext(s, now)),
		section("Open questions", openQuestions(s, now)),
	} {
		if !b.empty() {
			c.Blocks = append(c.Blocks, b)
		}
	}
	c.Blocks = append(c.Blocks, small("Until the role is accepted the outgoing commander has the duties. Say: role offer commander @somebody"))
	return c
}

func section(head string, lines []string) Block {
	if len(lines) == 0 {
		return Block{}
	}
	body := strings.Join(lines, "\n")
	return text("*" + head + "*\n" + cutMrkdwn(body, maxPlain))
}

// cutMrkdwn shortens at a line end, so that no token is cut in two.
func cutMrkdwn(body string, n int) string {
	if len(body) <= n {
		return body
	}
	if i := strings.LastIndexByte(body[:n], '\n'); i > 0 {
		return body[:i] + "\n…"
	}
	return "…"
}

func whoDoesWhat(s incident.State) []string {
	var lines []string
	for _, r := range rolesOf(s) {
		lines = append(lines, title(roleName(r))+": "+strings.Trim(postOf(s, r), "*"))
	}
	mine := map[incident.PersonID]int{}
	for _, t := range s.Tasks {
		if !t.Done && t.Owner != "" {
			mine[t.Owner]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(mine)) {
		lines = append(lines, Who(s, id)+": "+count(mine[id], "open task", "open tasks"))
	}
	if len(lines) > maxRows {
		lines = append(lines[:maxRows], fmt.Sprintf("%d more.", len(lines)-maxRows))
	}
	return lines
}

func lastOf(entries []Entry, since time.Time, n int, want func(Entry) bool) []string {
	var lines []string
	all := shown(entries)
	for i := len(all) - 1; i >= 0 && len(lines) < n; i-- {
		if want(all[i]) && all[i].At.After(since) {
			lines = append(lines, entryLine(all[i], 240))
		}
	}
	slices.Reverse(lines)
	return lines
}

func isDecision(n Entry) bool {
	switch n.Kind {
	case "severity_set", "phase_set", "role_taken", "time_set", "type_set", "resolved", "reopened", "merged_away", "took_merged":
		return true
	}
	return false
}

func scopeNow(s incident.State) []string {
	var lines []string
	for _, st := range []incident.ScopeState{incident.Confirmed, incident.Suspected} {
		var names []string
		for _, it := range s.Scope {
			if it.State == st {
				names = append(names, scopeName(it.Kind, it.Name))
			}
		}
		if len(names) > 0 {
			lines = append(lines, title(string(st))+": "+several(names, 8, func(n string) string { return n }))
		}
	}
	return lines
}

func openTaskLines(s incident.State, n int) []string {
	var lines []string
	left := 0
	for _, t := range s.Tasks {
		switch {
		case t.Done:
		case len(lines) < n:
			lines = append(lines, taskLine(s, t))
		default:
			left++
		}
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("%d more: say “task”", left))
	}
	return lines
}

func dueNext(s incident.State, now time.Time) []string {
	v := voice{s: s}
	var lines []string
	for _, name := range sortedClocks(s) {
		if c := s.Clocks[name]; c.Running() && name != incident.ClockDrill && len(lines) < 6 {
			lines = append(lines, v.clockWords(name).name+": "+When(c.Due, "")+relative(c.Due, now))
		}
	}
	return lines
}

// sortedClocks is all clocks, the one that is due first at the head.
func sortedClocks(s incident.State) []incident.ClockName {
	names := slices.Sorted(maps.Keys(s.Clocks))
	slices.SortStableFunc(names, func(a, b incident.ClockName) int { return s.Clocks[a].Due.Compare(s.Clocks[b].Due) })
	return names
}

// openQuestions are what the record shows to be undecided.
func openQuestions(s incident.State, now time.Time) []string {
	if s.Status != incident.Open {
		return nil
	}
	var q []string
	add := func(yes bool, line string) {
		if yes {
			q = append(q, line)
		}
	}
	add(s.Holder(incident.Commander) == "", "Who is commander?")
	add(s.Paging.AckedBy == "", "Who has acknowledged? Nobody yet.")
	add(s.Times.Impact.IsZero(), "When did the impact start?")
	suspected := 0
	for _, it := range s.Scope {
		if it.State == incident.Suspected {
			suspected++
		}
	}
	add(len(s.Scope) == 0, "What is affected?")
	add(suspected > 0, "Confirm or clear "+count(suspected, "suspect", "suspects")+".")
	unowned := 0
	for _, t := range s.Tasks {
		if !t.Done && t.Owner == "" {
			unowned++
		}
	}
	add(unowned > 0, count(unowned, "open task has", "open tasks have")+" no owner.")
	if c := s.Clocks[incident.ClockUpdate]; c.Running() && now.After(c.Due) {
		add(true, "The status update is "+Age(now.Sub(c.Due))+" late.")
	}
	return q
}
