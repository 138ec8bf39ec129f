package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// ScoreDocument is a scorecard as a Markdown file. name says who somebody is; chart is
// the name of a picture beside it, "" for none.
func ScoreDocument(s incident.DrillScore, name func(incident.PersonID) string, chart string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n\n", args...) }
	line("# DRILL: %s", MarkdownLine(s.Title, 200))
	line("**This was a drill. Nothing in this document happened for real.**")
	line("**%d of %d points** (%s)", s.Points, s.Of, scorePercent(s))
	if chart != "" {
		line("![Time taken and time allowed, action by action](%s)", chart)
	}
	rows := [][]string{
		{"Scenario", s.Scenario}, {"Began", Stamp(s.Began)}, {"Lasted", Stopwatch(s.Ended.Sub(s.Began))},
		{"Declared", orNever(s.Declared)}, {"Acknowledged", orNever(s.Acknowledged)}, {"Contained", orNever(s.Contained)},
		{"Injects missed", fmt.Sprintf("%d of %d", s.Missed, s.Injects)}, {"Decisions late", fmt.Sprint(s.Late)},
	}
	if s.Why != "" {
		rows = append(rows, []string{"Ended early", MarkdownLine(s.Why, 200)})
	}
	mdTable(&b, []string{"", ""}, rows)
	line("## What was expected")
	rows = nil
	for _, l := range s.Lines {
		who := "–"
		if l.By != "" {
			who = MarkdownLine(name(l.By), 80)
		}
		rows = append(rows, []string{MarkdownLine(l.Do, 200), fmt.Sprint(l.Inject), "+" + Stopwatch(l.Due), scoreSays(l), who, fmt.Sprintf("%d of %d", l.Points, l.Of)})
	}
	mdTable(&b, []string{"Action", "After inject", "Due", "What became of it", "By", "Points"}, rows)
	line("An action in time brings all of its points, a late one half of them, rounded down. What fell due after the end of the drill takes none away. Contained means: the phase moved beyond containment; nothing is contained by a drill.")
	line("Made from the record on the scenario `%s`.", shortDigest(s.Digest))
	return b.String()
}

// ScoreFile is what a scorecard's file is called, without its ending.
func ScoreFile(scenario string, began time.Time) string {
	return scenario + "-" + began.UTC().Format("2006-01-02-1504")
}
