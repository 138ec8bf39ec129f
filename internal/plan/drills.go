package plan

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// drillsFile may be missing: then nobody opted in, and nothing is scheduled.
const drillsFile = "drills.yaml"

// drills is what drills.yaml says.
type drills struct {
	people   []incident.Person
	ladder   string
	zone     string
	schedule []DrillDay
}

// DrillDay is a scenario that is begun by the clock.
type DrillDay struct {
	Cron     string // five fields, in the Zone of Drills
	Scenario string
}

// maxDrillDays bounds the schedule: whoever drills more often than that is not drilled.
const maxDrillDays = 50

func (r *reading) drills() {
	if _, there := r.texts[drillsFile]; !there {
		return
	}
	top, ok := r.top(drillsFile)
	if !ok {
		return
	}
	f := top.fields("people", "ladder", "zone", "schedule")
	d := drills{zone: "UTC", people: r.persons(f.items("people"))}
	if v, there := f.get("ladder"); there {
		d.ladder = v.name()
		if _, known := r.plan.ladders[d.ladder]; !known && d.ladder != "" && !r.unread[laddersFile] {
			v.wrong(didYouMean(d.ladder, slices.Sorted(maps.Keys(r.plan.ladders))), "no ladder has the name %q", d.ladder)
		}
	}
	if v, there := f.get("zone"); there {
		d.zone = v.zone()
	}
	days := f.items("schedule")
	if len(days) > maxDrillDays {
		top.wrong("", "more than %d drills are scheduled", maxDrillDays)
		return
	}
	for _, v := range days {
		df := v.fields("cron", "scenario")
		var day DrillDay
		if c, there := df.must("cron"); there {
			day.Cron = c.cron()
		}
		if s, there := df.must("scenario"); there {
			day.Scenario = s.word()
			if known := scenarios(); day.Scenario != "" && !slices.Contains(known, day.Scenario) {
				s.wrong(didYouMean(day.Scenario, known), "there is no scenario %q", day.Scenario)
			}
		}
		if day.Cron != "" {
			d.schedule = append(d.schedule, day)
		}
	}
	r.plan.drills = d
}

func scenarios() []string {
	var names []string
	files, _ := fs.Glob(templates.Scenarios(), "*.yaml") // the pattern is good
	for _, f := range files {
		names = append(names, f[:len(f)-len(".yaml")])
	}
	return names
}

// Drills is who opted in to being paged in a drill, and by which ladder.
func (p *Plan) Drills() incident.Drills {
	l, _ := p.Named(p.drills.ladder)
	return incident.Drills{People: slices.Clone(p.drills.people), Ladder: l}
}

// DrillDays are the drills that the clock begins, and the zone they are meant in.
func (p *Plan) DrillDays() (days []DrillDay, zone string) {
	return slices.Clone(p.drills.schedule), p.drills.zone
}
