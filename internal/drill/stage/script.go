// Package stage plays a scenario in the sandbox: monitoring pages, people speak,
// vendors break. What it does is written in the language of stories, so that what a
// drill does can be read beforehand and is what the stories do.
package stage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/drill"
)

// Where things are said. Only the security team is there: a scenario may be about
// somebody who must not read it.
const channel = "#security-team"

// team may speak there; the first says what others say elsewhere, and monitoring.
var team = []string{"dave", "alice", "bob", "carol"}

// Inject is what makes an inject true, as steps of a story. Everything that is said
// begins with DRILL.
func Inject(in drill.Inject) []string {
	from := in.From
	if from == "" {
		from = string(in.Kind)
	}
	text := fmt.Sprintf("DRILL %s: %s", from, in.Text)
	who := in.Persona
	if !slices.Contains(team, who) {
		who = team[0]
	}
	said := fmt.Sprintf("%s says %s in %s", who, quote(text), channel)
	switch in.Kind {
	case incident.InjectAlert:
		return []string{fmt.Sprintf("pagerduty triggers %s on service security", quote(text)), said}
	case incident.InjectFault:
		return []string{said, fmt.Sprintf("%s is down for %s", in.Vendor, in.For)}
	}
	return []string{said}
}

func quote(text string) string {
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$ {").Replace(text)
	return `"` + text + `"`
}

// Cue is what happens at one moment.
type Cue struct {
	At    time.Duration // after the beginning
	Steps []string      // of a story
	What  string        // in a few words
}

// Cues are all injects of a scenario and its model answers, in the order of their
// times. An expected action without a model answer is an error: what is left would not
// be worth playing.
func Cues(s drill.Scenario) ([]Cue, error) {
	var cues []Cue
	for n, in := range s.Injects {
		cues = append(cues, Cue{in.At, Inject(in), fmt.Sprintf("Inject %d, %s.", n+1, in.Kind)})
	}
	for _, e := range s.Expected {
		if len(e.Answer.Steps) == 0 {
			return nil, fmt.Errorf("%s has no model answer for %q", s.Name, e.Do)
		}
		cues = append(cues, Cue{s.Injects[e.After-1].At + e.Answer.At, e.Answer.Steps, e.Do + "."})
	}
	slices.SortStableFunc(cues, func(a, b Cue) int { return cmp.Compare(a.At, b.At) })
	return cues, nil
}

// Model is a whole drill as one story, with the model answers of the scenario. The end
// of the story is the end of the drill.
func Model(s drill.Scenario) (string, error) {
	cues, err := Cues(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# DRILL: %s\n", s.Title)
	now := time.Duration(0)
	for _, c := range cues {
		if c.At > now {
			fmt.Fprintf(&b, "wait %s\n", c.At-now)
			now = c.At
		}
		fmt.Fprintf(&b, "# %s\n%s\n", c.What, strings.Join(c.Steps, "\n"))
	}
	fmt.Fprintf(&b, "wait %s\n", s.Length-now+time.Second)
	return b.String(), nil
}
