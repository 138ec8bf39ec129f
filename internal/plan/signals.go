package plan

import (
	"regexp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
)

// Signals is what groups of signals ask of the war room: nothing, an entry in a list, a
// line in an incident that is open on the same thing, or a new incident.
type Signals struct {
	Thresholds noise.Thresholds
	Type       string // of an incident that signals declare
	Baseline   Baseline
	Feeds      []Feed
	Ours       Ours
}

// unlessSaid is what holds where the plan says nothing: what is high is worth a room,
// what is medium is told where there is one.
func unlessSaid() noise.Thresholds {
	return noise.Thresholds{
		ByLevel:    map[noise.Level]noise.Ask{noise.Low: noise.Entry, noise.Medium: noise.Link, noise.High: noise.Declare, noise.Critical: noise.Declare},
		Severity:   map[noise.Level]string{noise.High: incident.P3.String(), noise.Critical: incident.P2.String()},
		MinJudged:  10,
		MinPercent: 20,
	}
}

var techniqueName = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

func (r *reading) signals(v value) {
	s := &r.plan.settings.Signals
	f := v.fields("levels", "techniques", "severities", "type", "spread", "doubt", "baseline", "feeds", "ours")
	s.feeds(f)
	s.ours(f)
	t := &s.Thresholds
	if v, ok := f.get("levels"); ok {
		t.ByLevel = map[noise.Level]noise.Ask{}
		for _, p := range v.pairs() {
			if l, ok := p.level(); ok {
				t.ByLevel[l] = p.value.ask()
			}
		}
	}
	if v, ok := f.get("techniques"); ok {
		t.ByTechnique = map[string]noise.Ask{}
		for _, p := range v.pairs() {
			if !techniqueName.MatchString(p.key) {
				value{p.value.found, p.keyAt, nil}.wrong("write T1059 or T1059.004", "%q is no technique of ATT&CK", p.key)
				continue
			}
			t.ByTechnique[p.key] = p.value.ask()
		}
	}
	if v, ok := f.get("severities"); ok {
		t.Severity = map[noise.Level]string{}
		for _, p := range v.pairs() {
			if l, ok := p.level(); ok {
				t.Severity[l] = p.value.severity().String()
			}
		}
	}
	if v, ok := f.get("type"); ok {
		s.Type = r.kindNamed(v)
	}
	if v, ok := f.get("spread"); ok {
		t.Spread = v.number(0, 1000)
	}
	if v, ok := f.get("baseline"); ok {
		s.Baseline = v.baseline()
	}
	if v, ok := f.get("doubt"); ok {
		df := v.fields("judged", "percent")
		if v, ok := df.must("judged"); ok {
			t.MinJudged = uint64(v.number(0, 1_000_000))
		}
		if v, ok := df.must("percent"); ok {
			t.MinPercent = uint64(v.number(0, 100))
		}
	}
}

// level is the key as a level of signals.
func (p field) level() (l noise.Level, ok bool) {
	if err := l.UnmarshalText([]byte(p.key)); err != nil {
		value{p.value.found, p.keyAt, nil}.wrong("levels: informational, low, medium, high, critical", "%q is no level", p.key)
		return l, false
	}
	return l, true
}

func (v value) ask() (a noise.Ask) {
	t, ok := v.scalar()
	if ok && a.UnmarshalText([]byte(t)) != nil {
		v.wrong("write nothing, entry, link or declare", "%q is nothing that signals can ask for", t)
	}
	return a
}
