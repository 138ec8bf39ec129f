package templates

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Deeds lists what was asked for in an incident: what waits for somebody first, then what
// is held, then the rest, newest first.
func Deeds(s incident.State, now time.Time) Card {
	c := Card{Lead: fmt.Sprintf("Containment of %s: %s", s.Stream, deedCounts(s))}
	c.Blocks = append(c.Blocks, text("*"+c.Lead+"*"))
	if s.Frozen.Is {
		c.Tone = Alarm
		c.Blocks = append(c.Blocks, text(fmt.Sprintf("*Everything stands still here* since %s, by %s. “contain resume <why>” lets it go on.", When(s.Frozen.At, ""), Who(s, s.Frozen.By))))
	}
	v := voice{s: s, to: incident.PlaceRoom}
	var lines []string
	for i, d := range inOrder(s.Deeds) {
		if i == 20 {
			lines = append(lines, fmt.Sprintf("and %d more", len(s.Deeds)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("*C%d* %s — %s%s", d.N, DeedWords(d), deedStanding(d), prefixed(", ", v.until(d))))
	}
	if len(lines) == 0 {
		lines = []string{"Nothing was asked for yet. “contain list” shows what can be done."}
	}
	for part := range slices.Chunk(lines, 10) {
		c.Blocks = append(c.Blocks, text(strings.Join(part, "\n")))
	}
	if n := s.Unreset(); n > 0 {
		c.Blocks = append(c.Blocks, small(count(n, "credential is", "credentials are")+" still to be reset: “contain roster”"))
	}
	return c
}

// inOrder puts what waits before what is held before what is over.
func inOrder(deeds []incident.Deed) []incident.Deed {
	rank := func(d incident.Deed) int {
		switch {
		case d.Status == incident.DeedWaiting || d.Status == incident.DeedEvidence:
			return 0
		case d.Status == incident.DeedRunning || d.Status == incident.DeedReleasing || d.Status == incident.DeedPlanning:
			return 1
		case d.Holding() > 0:
			return 2
		}
		return 3
	}
	out := slices.Clone(deeds)
	slices.SortStableFunc(out, func(a, b incident.Deed) int {
		if x, y := rank(a), rank(b); x != y {
			return x - y
		}
		return b.N - a.N
	})
	return out
}

func deedCounts(s incident.State) string {
	waits, held, targets := 0, 0, 0
	for _, d := range s.Deeds {
		if d.Status == incident.DeedWaiting {
			waits++
		}
		if n := d.Holding(); n > 0 {
			held, targets = held+1, targets+n
		}
	}
	parts := []string{count(len(s.Deeds), "request", "requests")}
	if waits > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting for approval", waits))
	}
	if held > 0 {
		parts = append(parts, count(targets, "target", "targets")+" held")
	}
	return strings.Join(parts, ", ")
}

// deedStanding is the status in words that claim no more than was seen.
func deedStanding(d incident.Deed) string {
	switch {
	case d.Status == incident.DeedInEffect && d.Count(is(incident.MarkUnproven)) > 0:
		return "*stored, not proven to work*"
	case d.Count(is(incident.MarkNoEffect)) > 0:
		return "*NOT in effect*"
	case d.Status == incident.DeedWaiting:
		return "*waits for approval*"
	case d.Status == incident.DeedPartial, d.Status == incident.DeedFailed, d.Status == incident.DeedEvidence:
		return "*" + string(d.Status) + "*"
	}
	return string(d.Status)
}

// Deed is everything about one request, from the lines of the record.
func Deed(s incident.State, d incident.Deed, lines []incident.Recorded) Card {
	v := voice{s: s, to: incident.PlaceRoom}
	c := Card{Lead: fmt.Sprintf("%s: %s, %s", d.ID(s.Stream), DeedWords(d), string(d.Status))}
	c.Blocks = append(c.Blocks, text(fmt.Sprintf("*%s* %s — %s", d.ID(s.Stream), DeedWords(d), deedStanding(d))))
	for i := len(lines) - 1; i >= 0; i-- {
		if p, ok := lines[i].Event.(incident.ActionPlanned); ok {
			c.Blocks = append(c.Blocks, planBlocks(p)...)
			break
		}
	}
	if t := v.tally(d); t != "" {
		c.Blocks = append(c.Blocks, text(t))
	}
	var told []string
	for _, r := range lines {
		if line := strings.ReplaceAll(Sentence(s, r), deedRaw(d, s.Stream), "it"); line != "" {
			told = append(told, r.At.UTC().Format("15:04:05")+" "+Line(line, maxLine))
		}
	}
	if more := len(told) - 25; more > 0 {
		told = append([]string{fmt.Sprintf("… %d earlier lines are on the timeline", more)}, told[more:]...)
	}
	for part := range slices.Chunk(told, 9) {
		c.Blocks = append(c.Blocks, text(strings.Join(part, "\n")))
	}
	facts := []string{"agreed by " + Line(d.Grant.Name, 60) + " (" + Line(d.Grant.Source, 60) + ")", prefixed("plan ", shortDigest(d.Digest)), v.until(d)}
	c.Blocks = append(c.Blocks, small(facts...))
	if d.Status == incident.DeedWaiting {
		c.Blocks = append(c.Blocks, small("It still needs "+v.needs(d.Missing())+"."), buttons(v.approveRow(d)[:2]...))
	} else if row := v.endRow(d); len(row) > 1 {
		c.Blocks = append(c.Blocks, buttons(row[:len(row)-1]...))
	}
	return c
}

// DeedProgress is the one message that follows a deed on several targets.
func DeedProgress(s incident.State, n int) Card {
	d, ok := s.Deed(n)
	if !ok {
		return Card{}
	}
	v := voice{s: s, to: incident.PlaceRoom}
	total := len(d.Targets)
	open := d.Count(is(incident.MarkRunning)) + d.Count(is(incident.MarkNone))
	news := fmt.Sprintf("*%s*: %d of %d targets settled — %s", d.ID(s.Stream), total-open, total, Line(d.Action, 60))
	c := v.card(Calm, news, text(bar(total-open, total)), text(v.tally(d)))
	if d.Status == incident.DeedRunning {
		b := v.button("Stop", fmt.Sprintf("contain stop %d", d.N))
		b.Style = "danger"
		c.Blocks = append(c.Blocks, buttons(b, v.button("Details", fmt.Sprintf("contain status %d", d.N))))
	}
	return c
}

// bar is progress that needs no colour to be read.
func bar(done, total int) string {
	const width = 20
	n := 0
	if total > 0 {
		n = done * width / total
	}
	return strings.Repeat("▓", n) + strings.Repeat("░", width-n)
}

// Roster is the list of credentials to be reset.
func Roster(s incident.State) Card {
	left := s.Unreset()
	c := Card{Lead: fmt.Sprintf("%d of %s still to be reset in %s", left, count(len(s.Roster), "credential", "credentials"), s.Stream)}
	if len(s.Roster) == 0 {
		c.Lead = fmt.Sprintf("No credentials are listed in %s", s.Stream)
	}
	c.Blocks = append(c.Blocks, text("*"+c.Lead+"*"))
	var lines []string
	for _, it := range s.Roster {
		how := "*to be reset*"
		switch {
		case it.Waived:
			how = "waived by " + Who(s, it.By)
		case it.Done && it.Deed != 0:
			how = fmt.Sprintf("reset by %s.C%d", s.Stream, it.Deed)
		case it.Done:
			how = "reset by " + Who(s, it.By)
		}
		lines = append(lines, fmt.Sprintf("%d. %s — %s", it.N, targetName(it.Name.String()), how))
		if len(lines) == 60 {
			lines = append(lines, fmt.Sprintf("and %d more", len(s.Roster)-60))
			break
		}
	}
	for part := range slices.Chunk(lines, 15) {
		c.Blocks = append(c.Blocks, text(strings.Join(part, "\n")))
	}
	c.Blocks = append(c.Blocks, small("“contain roster reset <action>” resets everybody who is left; “contain roster done <n> <how>” what was done by hand."))
	return c
}
