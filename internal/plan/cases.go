package plan

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// casesFile holds cases that grants.yaml is tried on. It is read by "plan test" only: it
// is no part of the plan, and of its digest.
const casesFile = "grants_test.yaml"

// Case is one thing that somebody might ask for, and what the plan should answer.
type Case struct {
	Source   string // file:line
	Who      incident.PersonID
	Holds    []incident.Role
	Action   string
	Targets  []string
	Severity incident.Severity
	Type     string
	TTL      time.Duration
	At       time.Time
	Glass    bool
	Allowed  bool
	By       string // name of the grant that should decide
	Yes      []incident.PersonID
	No       []incident.PersonID
}

// Cases reads grants_test.yaml of a plan's folder; none when there is no such file. The
// error is a *Broken.
func (p *Plan) Cases(fsys fs.FS) ([]Case, error) {
	text, err := readBounded(fsys, casesFile)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", casesFile, err)
	}
	r := &reading{texts: texts{casesFile: text}, found: &found{}, plan: p, unread: map[string]bool{}, accounts: map[string]at{}, roleAt: map[incident.Role]at{}}
	var out []Case
	if top, ok := r.top(casesFile); ok {
		f := top.fields("cases")
		for _, v := range f.items("cases") {
			out = append(out, r.testCase(v))
		}
	}
	return out, r.found.err()
}

func (r *reading) testCase(v value) Case {
	f := v.fields("who", "holds", "action", "targets", "severity", "type", "ttl", "at", "break_glass", "expect", "by", "approved_by", "not_by")
	c := Case{Source: v.at.String(), Action: f.needText("action", incident.MaxName), By: f.text("by", 80), Type: f.text("type", incident.MaxName), Severity: incident.P1}
	if w, ok := f.must("who"); ok {
		c.Who = r.knownPerson(w)
	}
	for _, it := range f.items("holds") {
		c.Holds = append(c.Holds, incident.Role(it.name()))
	}
	for _, it := range f.items("targets") {
		c.Targets = append(c.Targets, it.name())
	}
	if s, ok := f.get("severity"); ok {
		c.Severity = s.severity()
	}
	if t, ok := f.get("ttl"); ok {
		c.TTL = t.duration()
	}
	if t, ok := f.get("at"); ok {
		when, err := time.Parse(time.RFC3339, t.name())
		if err != nil {
			t.wrong("write it like 2026-11-25T03:00:00Z", "%q is no time", t.name())
		}
		c.At = when
	}
	if g, ok := f.get("break_glass"); ok {
		c.Glass = g.truth()
	}
	if e, ok := f.must("expect"); ok {
		c.Allowed = e.oneOf("answer", "allowed", "refused") == "allowed"
	}
	for _, it := range f.items("approved_by") {
		c.Yes = append(c.Yes, r.knownPerson(it))
	}
	for _, it := range f.items("not_by") {
		c.No = append(c.No, r.knownPerson(it))
	}
	return c
}

func (r *reading) knownPerson(v value) incident.PersonID {
	id := incident.PersonID(v.name())
	if _, ok := r.plan.byID[id]; !ok {
		v.wrong(didYouMean(string(id), r.plan.personIDs()), "nobody in people.yaml is called %q", id)
	}
	return id
}

// Try asks the plan what a case asks. It returns what is different from what the case
// says should be; "" nothing.
func (p *Plan) Try(c Case, now time.Time) string {
	at := c.At
	if at.IsZero() {
		at = now
	}
	s := incident.State{Stream: "INC-0000", Exists: true, Status: incident.Open, Severity: c.Severity, Type: c.Type,
		People: map[incident.PersonID]incident.Part{}, Posts: map[incident.Role]incident.Post{}}
	who, _ := p.ByID(c.Who)
	s.People[c.Who] = incident.Part{Person: who, Joined: true}
	for _, role := range c.Holds {
		s.Posts[role] = incident.Post{Holder: c.Who}
	}
	j := p.Judge(incident.Question{State: s, By: who, Action: c.Action, Targets: c.Targets, TTL: c.TTL, At: at, Reversible: true, BreakGlass: c.Glass})
	switch {
	case j.Allowed != c.Allowed && j.Allowed:
		return "it is allowed, by " + j.Grant.Name + " (" + j.Grant.Source + ")"
	case j.Allowed != c.Allowed:
		return "it is refused: " + j.Why
	case c.By != "" && j.Grant.Name != c.By:
		return fmt.Sprintf("%q decides, not %q", j.Grant.Name, c.By)
	}
	for _, id := range c.Yes {
		if !p.countsFor(id, c.Who, j, s) {
			return fmt.Sprintf("the approval of %s does not count", id)
		}
	}
	for _, id := range c.No {
		if p.countsFor(id, c.Who, j, s) {
			return fmt.Sprintf("the approval of %s counts", id)
		}
	}
	return ""
}

func (p *Plan) countsFor(id, asker incident.PersonID, j incident.Judgement, s incident.State) bool {
	who, _ := p.ByID(id)
	for _, n := range j.Grant.Needs {
		if id != asker && p.Approves(who, n, s) {
			return true
		}
	}
	return false
}
