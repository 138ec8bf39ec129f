package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Cards that answer a question: nothing in them is kept up to date, so ages are
// welcome. The asker must be allowed to see the incident (State.MaySee).

const maxRows = 20 // lines of a list; more are counted

// Status is where an incident stands, in one screen of a phone. Outside its room a
// confidential incident is called by its codename.
func Status(s incident.State, now time.Time) Card {
	lines := []string{
		"*" + strings.Join(keep([]string{drillWord(s), s.Severity.String(), string(s.Stream)}), " ") + "* · " + Line(s.Name(), maxLine),
		title(statusWord(s)) + phasePart(s) + pagingPart(s) + " · declared " + ago(s.Declared, now),
		"Commander: " + commanderOf(s),
	}
	for _, name := range targets {
		if c := s.Clocks[name]; c.Running() {
			lines = append(lines, clockTexts[name].name+": "+clockState(s, name, c, now)+relative(c.Due, now))
		}
	}
	c := Card{Lead: flat(s, lines[0]+" · "+statusWord(s)), Tone: summaryTone(s), Blocks: []Block{text(strings.Join(lines, "\n"))}}
	if s.Update.IsZero() {
		c.Blocks = append(c.Blocks, text("No update yet."))
	} else {
		c.Blocks = append(c.Blocks, text("Last update "+ago(s.Times.Updated, now)+":\n"+quote(cutPlain(s.Update.String(), 900))))
	}
	facts := keep([]string{prefixed("Scope: ", scopeCounts(s)), prefixed("Tasks: ", tasksWord(s)), relatedLine(s)})
	if len(facts) > 0 {
		c.Blocks = append(c.Blocks, Block{Context: facts})
	}
	return c
}

func drillWord(s incident.State) string { return map[bool]string{true: "DRILL"}[s.Drill] }

func tasksWord(s incident.State) string {
	if len(s.Tasks) == 0 {
		return ""
	}
	return fmt.Sprintf("%d open of %d", openTasks(s), len(s.Tasks))
}

func relative(due, now time.Time) string {
	if due.IsZero() {
		return ""
	}
	if now.After(due) {
		return ", " + Age(now.Sub(due)) + " late"
	}
	return ", in " + Age(due.Sub(now))
}

// List is one line per incident.
func List(states []incident.State, now time.Time) Card {
	if len(states) == 0 {
		return Card{Lead: "No open incidents.", Tone: Good, Blocks: []Block{text("No open incidents."), buttons(Button{Label: "Declare an incident", Words: "declare", Opens: "declare"})}}
	}
	c := Card{Lead: count(len(states), "incident", "incidents")}
	var lines []string
	for i, s := range states {
		if i == maxRows {
			lines = append(lines, fmt.Sprintf("%d more.", len(states)-maxRows))
			break
		}
		lines = append(lines, listLine(s, now, s.Room.Channel))
	}
	c.Blocks = pack(lines, "\n\n")
	return c
}

// listLine names one incident in two lines, with its channel where one is given.
func listLine(s incident.State, now time.Time, channel string) string {
	head := "*" + strings.Join(keep([]string{drillWord(s), s.Severity.String(), string(s.Stream)}), " ") + "* " + Line(s.Name(), 120)
	tail := []string{statusWord(s)}
	if s.Status == incident.Open {
		lead, update := "commander "+commanderOf(s), "update "+ago(s.Times.Updated, now)
		if s.Holder(incident.Commander) == "" && s.Posts[incident.Commander].Offered == "" {
			lead = "no commander yet"
		}
		if s.Times.Updated.IsZero() {
			update = "no update yet"
		}
		tail = append(tail, lead, update)
	}
	if isSlackChannel(channel) && s.Room.Lost == "" {
		tail = append(tail, "<#"+channel+">")
	}
	return head + "\n" + strings.Join(tail, " · ")
}

// pack packs lines into as few text blocks as their size allows; what does not
// fit is counted.
func pack(lines []string, sep string) []Block {
	var out []Block
	var b strings.Builder
	for i, l := range lines {
		if b.Len() > 0 && b.Len()+len(sep)+len(l) > maxPlain {
			out = append(out, text(b.String()))
			b.Reset()
			if len(out) == maxBlocks {
				return append(out, small(fmt.Sprintf("%d more.", len(lines)-i)))
			}
		}
		if b.Len() > 0 {
			b.WriteString(sep)
		}
		b.WriteString(l)
	}
	if b.Len() > 0 {
		out = append(out, text(b.String()))
	}
	return out
}

// Clocks lists every clock that has a target, ours included, with where it stands.
func Clocks(s incident.State, now time.Time) Card {
	v := voice{s: s}
	var lines []string
	add := func(name incident.ClockName) {
		if c, ok := s.Clocks[name]; ok {
			lines = append(lines, "*"+v.clockWords(name).name+":* "+clockState(s, name, c, now)+running(c, now))
		}
	}
	for _, name := range targets {
		add(name)
	}
	for _, name := range sortedClocks(s) {
		if !isTarget(name) && name != incident.ClockPostMortem && name != incident.ClockDrill && s.Clocks[name].Running() {
			add(name)
		}
	}
	if len(lines) == 0 {
		lines = []string{"No clocks run."}
	}
	for _, k := range []struct {
		kind incident.TimeKind
		at   time.Time
	}{{incident.Impact, s.Times.Impact}, {incident.Detected, s.Times.Detected}, {incident.Awareness, s.Times.Awareness}} {
		lines = append(lines, timeName(k.kind)+": "+When(k.at, ""))
	}
	return Card{Lead: string(s.Stream) + ": clocks", Blocks: pack(lines, "\n")}
}

func running(c incident.Clock, now time.Time) string {
	if !c.Running() {
		return ""
	}
	return relative(c.Due, now)
}

// Tasks lists the open tasks by phase, the present phase first, then what is done.
func Tasks(s incident.State) Card {
	c := Card{Lead: fmt.Sprintf("%s: %d open of %s", s.Stream, openTasks(s), count(len(s.Tasks), "task", "tasks"))}
	if len(s.Tasks) == 0 {
		c.Blocks = []Block{text("No tasks yet."), buttons(Button{Label: "Add a task", Words: "task add", Opens: "task add", Stream: s.Stream})}
		return c
	}
	phases := append([]incident.Phase{s.Phase}, incident.Phases()...)
	var lines []string
	for i, p := range phases {
		if i > 0 && p == s.Phase {
			continue
		}
		before := len(lines)
		for _, t := range s.Tasks {
			if t.Phase == p && !t.Done {
				if len(lines) == before {
					lines = append(lines, "*"+title(string(p))+"*")
				}
				lines = append(lines, taskLine(s, t))
			}
		}
	}
	lines = append(lines, fmt.Sprintf("%d done.", len(s.Tasks)-openTasks(s)))
	c.Blocks = append(pack(lines, "\n"), buttons(Button{Label: "Add a task", Words: "task add", Opens: "task add", Stream: s.Stream}))
	return c
}

func taskLine(s incident.State, t incident.TaskItem) string {
	line := fmt.Sprintf("%d. %s", t.N, Line(t.Text.String(), 160))
	if t.Owner != "" {
		line += " · " + Who(s, t.Owner)
	}
	if !t.Due.IsZero() {
		line += " · due " + When(t.Due, "")
	}
	return line
}

// Items lists the action items of the post-mortem.
func Items(s incident.State) Card {
	c := Card{Lead: fmt.Sprintf("%s: %s", s.Stream, count(len(s.Items), "action item", "action items"))}
	add := buttons(Button{Label: "Add an action item", Words: "item add", Opens: "item add", Stream: s.Stream})
	if len(s.Items) == 0 {
		c.Blocks = []Block{text("No action items yet. What would have prevented this, or shown it sooner?"), add}
		return c
	}
	var lines []string
	for _, it := range s.Items {
		line := fmt.Sprintf("%d. %s", it.N, Line(it.Text.String(), 160))
		if it.Done {
			line = fmt.Sprintf("%d. ✓ %s", it.N, Line(it.Text.String(), 160))
		}
		if it.Kind != "" {
			line += " (" + Line(it.Kind, 40) + ")"
		}
		line += " · " + owned(Who(s, it.Owner), it.Owner, it.Due)
		if it.URL != "" {
			line += " · " + issueLink(it.URL, it.Number)
		}
		lines = append(lines, line)
	}
	c.Blocks = append(pack(lines, "\n"), add)
	return c
}

// ScopeCard lists what is affected by kind; indicators are defanged.
func ScopeCard(s incident.State) Card {
	c := Card{Lead: string(s.Stream) + ": scope, " + orNone(scopeCounts(s))}
	add := small("Add: scope indicator evil[.]example confirmed")
	if len(s.Scope) == 0 {
		c.Blocks = []Block{text("Nothing is in scope yet. Say for example: scope host web-3 suspected")}
		return c
	}
	var lines []string
	for _, kind := range scopeKinds {
		before := len(lines)
		for _, it := range s.Scope {
			if it.Kind != kind {
				continue
			}
			if len(lines) == before {
				lines = append(lines, "*"+title(string(kind))+"*")
			}
			lines = append(lines, fmt.Sprintf("%s: %s · %s, %s", scopeName(it.Kind, it.Name), it.State, Line(NameOf(s, it.By), 60), When(it.At, "")))
		}
	}
	c.Blocks = append(pack(lines, "\n"), add)
	return c
}

var scopeKinds = []incident.ScopeKind{incident.ScopeHost, incident.ScopeIdentity, incident.ScopeService, incident.ScopeData, incident.ScopeIndicator}
