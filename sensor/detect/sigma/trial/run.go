package trial

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
)

// Outcome is what came of a case.
type Outcome struct {
	Trial Trial
	Case  Case
	Good  bool
	Why   string // what the rule made of the last event, when it is not good
}

// Run plays every case, each for itself, against a Set that was compiled with
// Options.Loud: a rule that is only counted would be silent else.
func Run(set *sigma.Set, trials []Trial) []Outcome {
	var list []Outcome
	for _, t := range trials {
		rule, ok := set.Find(t.Rule)
		for _, c := range t.Cases {
			o := Outcome{Trial: t, Case: c}
			if !ok {
				o.Why = fmt.Sprintf("there is no rule %q\n", t.Rule)
			} else if fired := c.play(set, rule); fired == c.Fires {
				o.Good = true
			} else {
				o.Why = c.explain(set, rule)
			}
			list = append(list, o)
		}
	}
	return list
}

// play says whether the rule fired at any of the events, or in the long silence after them.
func (c Case) play(set *sigma.Set, rule *sigma.Rule) bool {
	engine := sigma.NewEngine(set, sigma.Limits{})
	var found []sigma.Match
	last := begin
	for _, s := range c.steps {
		last = begin.Add(s.after)
		if s.event != nil {
			found = engine.Judge(s.event, last, found)
		} else {
			found = engine.JudgeRecord(s.record, last, found)
		}
	}
	if rule.Correlation != nil {
		found = engine.Advance(last.Add(rule.Correlation.Timespan+1), found)
	}
	for _, m := range found {
		if m.Rule == rule {
			return true
		}
	}
	return false
}

func (c Case) explain(set *sigma.Set, rule *sigma.Rule) string {
	last := c.steps[len(c.steps)-1]
	if last.event != nil {
		return sigma.Explain(set, rule, last.event)
	}
	return sigma.ExplainRecord(set, rule, last.record)
}

// Untried are the rules that have no case for which they fire, or none for which they do not.
func Untried(set *sigma.Set, trials []Trial) []*sigma.Rule {
	type tried struct{ fires, quiet bool }
	by := map[*sigma.Rule]tried{}
	for _, t := range trials {
		rule, ok := set.Find(t.Rule)
		if !ok {
			continue
		}
		for _, c := range t.Cases {
			had := by[rule]
			by[rule] = tried{had.fires || c.Fires, had.quiet || !c.Fires}
		}
	}
	var list []*sigma.Rule
	for _, r := range set.Rules() {
		if had := by[r]; !had.fires || !had.quiet {
			list = append(list, r)
		}
	}
	return list
}
