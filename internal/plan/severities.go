package plan

import (
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// severity is one entry of severities.yaml.
type severity struct {
	name, description string
	targets           map[incident.ClockName]time.Duration
	warn              warning
	calendar          *calendar // nil: around the clock
	ladder            string    // "": nobody is paged
	invite            []incident.Person
	announce          bool
	postMortem        *postMortem
}

type postMortem struct {
	due    time.Duration // after resolution, around the clock
	remind []time.Duration
	every  time.Duration     // how long each step of the escalation has; 0: none
	to     []incident.Person // after the commander
}

const aroundTheClock = "24x7"

var targets = []string{string(incident.ClockAck), string(incident.ClockUpdate), string(incident.ClockContain), string(incident.ClockResolve)}

func (r *reading) severities() {
	top, ok := r.top(severitiesFile)
	if !ok {
		return
	}
	f := top.fields("calendars", "severities")
	calendars := map[string]*calendar{aroundTheClock: nil}
	names := []string{aroundTheClock}
	if c, there := f.get("calendars"); there {
		for _, p := range c.pairs() {
			if p.key == aroundTheClock {
				value{r.found, p.keyAt, nil}.wrong("choose another name", "%q is the calendar that has no pauses", p.key)
				continue
			}
			calendars[p.key] = p.value.calendar(p.key)
			names = append(names, p.key)
		}
	}
	list, there := f.must("severities")
	if !there {
		return
	}
	all := []string{"P1", "P2", "P3", "P4"}
	sf := list.fields(all...)
	for _, name := range all {
		v, given := sf.must(name)
		if !given {
			continue
		}
		s, _ := incident.ParseSeverity(name)
		r.plan.severities[s] = r.severity(v, calendars, names)
	}
}

func (r *reading) severity(v value, calendars map[string]*calendar, names []string) *severity {
	f := v.fields("name", "description", "targets", "warn", "calendar", "ladder", "invite", "announce", "postmortem")
	s := &severity{
		name: f.needText("name", 40), description: f.needText("description", 500),
		targets: map[incident.ClockName]time.Duration{}, invite: r.persons(f.items("invite")),
	}
	if t, ok := f.get("targets"); ok {
		tf := t.fields(targets...)
		for _, name := range targets {
			if d, given := tf.get(name); given {
				s.targets[incident.ClockName(name)] = d.duration()
			}
		}
	}
	if w, ok := f.get("warn"); ok {
		s.warn = w.warning()
	}
	if c, ok := f.get("calendar"); ok {
		name := c.name()
		if slices.Contains(names, name) {
			s.calendar = calendars[name]
		} else if name != "" {
			c.wrong(didYouMean(name, names), "there is no calendar %q", name)
		}
	}
	if l, ok := f.get("ladder"); ok {
		s.ladder = r.ladderNamed(l)
	}
	if a, ok := f.get("announce"); ok {
		s.announce = a.truth()
	}
	if p, ok := f.get("postmortem"); ok {
		s.postMortem = r.postMortem(p)
	}
	return s
}

func (r *reading) postMortem(v value) *postMortem {
	f := v.fields("due", "remind", "escalate", "escalate_to")
	pm := &postMortem{every: 24 * time.Hour, to: r.persons(f.items("escalate_to"))}
	if e, ok := f.get("escalate"); ok {
		pm.every = 0
		if e.name() != "never" {
			pm.every = e.duration()
		}
	}
	if d, ok := f.must("due"); ok {
		pm.due = d.duration()
	}
	for _, item := range f.items("remind") {
		d := item.duration()
		if d > 0 && pm.due > 0 && d >= pm.due {
			item.wrong("what is late is said anyway", "this reminder comes at %s, when the post-mortem is already due", short(d))
		}
		pm.remind = append(pm.remind, d)
	}
	slices.Sort(pm.remind)
	return pm
}

// SeverityText describes a severity to people who choose one.
func (p *Plan) SeverityText(s incident.Severity) (name, description string) {
	if spec := p.severities[s]; spec != nil {
		return spec.name, spec.description
	}
	return "", ""
}

// Target is a severity's target as the plan gives it, and the name of the calendar
// it is counted by; 0 where it has none.
func (p *Plan) Target(s incident.Severity, c incident.ClockName) (d time.Duration, calendar string) {
	spec := p.severities[s]
	if spec == nil {
		return 0, ""
	}
	if spec.calendar != nil {
		return spec.targets[c], spec.calendar.name
	}
	return spec.targets[c], aroundTheClock
}
