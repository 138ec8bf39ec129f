package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// PlanCard says what the plan holds for an incident: targets, ladder, roles and the
// checklist of the phase. Where the plan has moved on since, it says so.
func PlanCard(s incident.State, r incident.Rules, now time.Time) Card {
	c := Card{Lead: fmt.Sprintf("The plan for %s %s", orNone(s.Severity.String()), Line(s.Type, 60))}
	c.Blocks = append(c.Blocks, text("*"+c.Lead+"*"))
	var goals []string
	for _, name := range targets[:4] {
		if d, ok := r.Deadline(s.Severity, name, now); ok {
			goals = append(goals, clockTexts[name].name+" within "+Age(d.Due.Sub(now)))
		}
	}
	if len(goals) == 0 {
		goals = []string{"No targets for this severity."}
	}
	c.Blocks = append(c.Blocks, section("Targets, counted from now", goals), section("Who is paged", ladderLines(s, r.Ladder(s.Severity, s.Type))))
	var roles []string
	for _, spec := range r.Roles() {
		line := Line(spec.Title, 60)
		if line == "" {
			line = title(roleName(spec.Role))
		}
		roles = append(roles, line+prefixed(": ", Line(spec.Duty, 120)))
	}
	c.Blocks = append(c.Blocks, section("Roles", roles))
	var list []string
	for i, item := range r.Checklist(s.Type, s.Phase) {
		list = append(list, fmt.Sprintf("%d. %s", i+1, Line(item, 160)))
	}
	if len(list) > 0 {
		c.Blocks = append(c.Blocks, section("Checklist for "+string(s.Phase), list))
	}
	notes := []string{"Plan " + Line(shortDigest(s.Plan), 20)}
	if s.Plan != r.Digest() {
		c.Blocks = append(c.Blocks, text("A newer plan is in force than the one this incident follows."),
			buttons(Button{Label: "Take up the newer plan", Words: "plan adopt", Stream: s.Stream}))
		notes = append(notes, "newer "+Line(shortDigest(r.Digest()), 20))
	}
	c.Blocks = append(c.Blocks, Block{Context: notes})
	return c
}

func ladderLines(s incident.State, l incident.Ladder) []string {
	if len(l.Rungs) == 0 {
		return []string{"Nobody is paged for this severity and type."}
	}
	var lines []string
	for i, r := range l.Rungs {
		name := Line(r.Name, 60)
		if name == "" {
			name = fmt.Sprintf("step %d", i+1)
		}
		parts := []string{fmt.Sprintf("%d. %s", i+1, name)}
		if r.Policy != "" || r.Service != "" || r.Schedule != "" {
			parts = append(parts, "PagerDuty")
		}
		if len(r.People) > 0 {
			parts = append(parts, several(r.People, 4, func(p incident.Person) string { return planName(s, p) }))
		}
		parts = append(parts, "waits "+Age(r.Wait))
		lines = append(lines, strings.Join(parts, " · "))
	}
	if l.Rounds > 1 {
		lines = append(lines, fmt.Sprintf("All of it %d times.", l.Rounds))
	}
	return lines
}

// planName names somebody of the plan without notifying them.
func planName(s incident.State, p incident.Person) string {
	if n := oneLine(p.Name.Text); n != "" {
		return Line(n, 60)
	}
	return Line(NameOf(s, p.ID), 60)
}
