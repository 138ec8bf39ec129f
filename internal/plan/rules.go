package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// DefaultSeverity is the type's severity, or the plan's for a type that has none.
func (p *Plan) DefaultSeverity(incidentType string) incident.Severity {
	if k := p.kinds[incidentType]; k != nil && k.severity != 0 {
		return k.severity
	}
	return p.settings.DefaultSeverity
}

// DefaultType is the type of an incident whose declaration names none.
func (p *Plan) DefaultType() string { return p.settings.DefaultType }

// Types are the names of the incident types, sorted, the default one last.
func (p *Plan) Types() []string {
	names := slices.Sorted(maps.Keys(p.kinds))
	if n := slices.Index(names, p.settings.DefaultType); n >= 0 {
		names = append(slices.Delete(names, n, n+1), p.settings.DefaultType)
	}
	return names
}

// About describes a type; ok is false for one the plan does not have.
func (p *Plan) About(incidentType string) (a About, ok bool) {
	k := p.kinds[incidentType]
	if k == nil {
		return About{}, false
	}
	return k.about, true
}

// Checklist is what to think of in a phase of an incident of that type.
func (p *Plan) Checklist(incidentType string, phase incident.Phase) []string {
	k := p.kinds[incidentType]
	if k == nil {
		return nil
	}
	return slices.Clone(k.list[phase])
}

// Roles are the plan's roles, the commander first.
func (p *Plan) Roles() []incident.RoleSpec { return slices.Clone(p.roles) }

// Deadline counts a target on its severity's calendar. Both times are UTC; Warn is
// zero where nothing is to be said ahead.
func (p *Plan) Deadline(s incident.Severity, c incident.ClockName, from time.Time) (incident.Deadline, bool) {
	spec := p.severities[s]
	if spec == nil || spec.targets[c] <= 0 {
		return incident.Deadline{}, false
	}
	target := spec.targets[c]
	d := incident.Deadline{Due: spec.calendar.add(from, target).UTC()}
	if ahead := spec.warn.before(target); ahead > 0 {
		d.Warn = spec.calendar.add(from, target-ahead).UTC()
	}
	return d, true
}

// Ladder is the ladder of the first override that fits, else the severity's.
func (p *Plan) Ladder(s incident.Severity, incidentType string) incident.Ladder {
	for _, o := range p.overrides {
		if o.kind == incidentType && (len(o.severities) == 0 || slices.Contains(o.severities, s)) {
			l, _ := p.Named(o.ladder)
			return l
		}
	}
	spec := p.severities[s]
	if spec == nil {
		return incident.Ladder{}
	}
	l, _ := p.Named(spec.ladder)
	return l
}

// Named is a ladder by its name, with the rungs of the ladders that follow it.
func (p *Plan) Named(name string) (incident.Ladder, bool) {
	l := p.ladders[name]
	if l == nil {
		return incident.Ladder{}, false
	}
	out := l.Ladder
	out.Rungs = slices.Clone(out.Rungs)
	for n := range out.Rungs {
		out.Rungs[n].People = slices.Clone(out.Rungs[n].People)
	}
	return out, true
}

// Invitees are those of the severity, then those of the type.
func (p *Plan) Invitees(s incident.Severity, incidentType string) []incident.Person {
	var out []incident.Person
	if spec := p.severities[s]; spec != nil {
		out = append(out, spec.invite...)
	}
	if k := p.kinds[incidentType]; k != nil {
		out = append(out, k.invite...)
	}
	return once(out)
}

// PostMortem is counted around the clock: 48 hours are two days.
func (p *Plan) PostMortem(s incident.Severity, resolved time.Time) (due time.Time, remind []time.Time, ok bool) {
	spec := p.severities[s]
	if spec == nil || spec.postMortem == nil {
		return time.Time{}, nil, false
	}
	for _, d := range spec.postMortem.remind {
		remind = append(remind, resolved.Add(d).UTC())
	}
	return resolved.Add(spec.postMortem.due).UTC(), remind, true
}

// Escalation is the severity's word, or the security lead where it names nobody.
func (p *Plan) Escalation(s incident.Severity) (every time.Duration, to []incident.Person) {
	spec := p.severities[s]
	if spec == nil || spec.postMortem == nil {
		return 0, nil
	}
	to = slices.Clone(spec.postMortem.to)
	if lead, ok := p.ByID(p.settings.SecurityLead); ok && len(to) == 0 {
		to = append(to, lead)
	}
	return spec.postMortem.every, to
}

// Codenames are for confidential incidents; each is used before one comes again.
func (p *Plan) Codenames() []string { return slices.Clone(p.settings.Codenames) }

// Announce is the severity's word, where there is a channel for it. A confidential
// incident is never announced.
func (p *Plan) Announce(s incident.Severity, private bool) bool {
	spec := p.severities[s]
	return spec != nil && spec.announce && !private && p.settings.Announce != ""
}
