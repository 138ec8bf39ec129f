package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// DrillChoice is a scenario that can be played.
type DrillChoice struct {
	Name     string
	Title    string
	Length   time.Duration
	Severity incident.Severity
}

// DrillList shows what can be played.
func DrillList(all []DrillChoice) Card {
	if len(all) == 0 {
		return Card{Lead: "There are no scenarios.", Blocks: []Block{{Text: "There are no scenarios."}}}
	}
	lines := make([]string, len(all))
	for i, s := range all {
		lines[i] = fmt.Sprintf("• `%s` · %s · %s · %s", Line(s.Name, 60), s.Severity, Age(s.Length), Line(s.Title, 100))
	}
	return Card{Lead: "Drills that can be played", Blocks: []Block{{Text: "*Drills that can be played*"}, {Text: strings.Join(lines, "\n")},
		small("Say `drill` and a name. A room opens, marked DRILL; only those are paged who opted in. " + notContained)}}
}

// maxPast is how many drills are shown.
const maxPast = 15

// PastDrills shows how the latest drills went. Real incidents are not among them.
func PastDrills(list []incident.State) Card {
	if len(list) == 0 {
		return Card{Lead: "No scenario was played yet.", Blocks: []Block{{Text: "No scenario was played yet."}}}
	}
	var lines []string
	for _, s := range list[:min(len(list), maxPast)] {
		x := s.Drilling
		what := "under way"
		if !x.Ended.IsZero() {
			what = "ended, not scored"
		}
		if x.Of > 0 {
			what = fmt.Sprintf("%d of %d points", x.Points, x.Of)
		}
		lines = append(lines, fmt.Sprintf("• %s · %s · %s · %s", s.Stream, x.Began.UTC().Format("2006-01-02"), Line(x.Scenario, 60), what))
	}
	return Card{Lead: "Drills", Blocks: []Block{{Text: "*Drills*"}, {Text: strings.Join(lines, "\n")}}}
}
