package plan

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// grantsFile may be missing: then nothing is granted, and nothing can be contained.
const grantsFile = "grants.yaml"

// grants is what grants.yaml says: who may have which action done to what, with whose
// approval. What no line grants may not be done; a line of deny wins over every other.
type grants struct {
	list   []permit
	deny   []permit
	glass  glass
	groups map[string][]incident.Person
}

// permit is one line of grants or of deny.
type permit struct {
	name       string
	source     string // file:line
	actions    []string
	who        []string
	match      []string // patterns of targets, lower case
	tags       []string
	env        []string
	crit       []string
	owners     []incident.PersonID
	severity   []incident.Severity
	types      []string
	needs      []incident.Need
	maxTargets int
	perHour    int
	ttl        time.Duration
	maxTTL     time.Duration
	onExpiry   string
	waits      time.Duration
	from       time.Time
	until      time.Time
	when       condition
	whenText   string
	why        string // of a deny
}

// glass is how the glass may be broken.
type glass struct {
	maxTargets int
	who        []string
	lead       *incident.Person
	source     string
}

var permitKeys = []string{"name", "actions", "who", "targets", "severity", "types", "approvals", "max_targets", "max_per_hour",
	"ttl", "max_ttl", "on_expiry", "approval_expires", "valid", "when", "why"}

func (r *reading) grants() {
	g := &r.plan.grants
	g.groups = map[string][]incident.Person{}
	if _, there := r.texts[grantsFile]; !there {
		return
	}
	top, ok := r.top(grantsFile)
	if !ok {
		return
	}
	f := top.fields("groups", "grants", "deny", "break_glass")
	if v, there := f.get("groups"); there {
		for _, p := range v.pairs() {
			if !isWord(p.key) {
				p.value.wrong("use lower-case letters, digits and dashes", "%q cannot be the name of a group", p.key)
			}
			g.groups[p.key] = r.persons(p.value.items())
		}
	}
	seen := map[string]bool{}
	for _, v := range f.items("grants") {
		p := r.permit(v, false)
		if seen[p.name] && p.name != "" {
			v.wrong("", "two grants are called %q", p.name)
		}
		seen[p.name] = true
		g.list = append(g.list, p)
	}
	for _, v := range f.items("deny") {
		g.deny = append(g.deny, r.permit(v, true))
	}
	if v, there := f.get("break_glass"); there {
		bf := v.fields("who", "max_targets", "lead")
		g.glass = glass{maxTargets: 3, source: v.at.String()}
		for _, w := range bf.items("who") {
			g.glass.who = append(g.glass.who, r.party(w))
		}
		if n, there := bf.get("max_targets"); there {
			g.glass.maxTargets = n.number(1, 20)
		}
		if l, there := bf.must("lead"); there {
			if people := r.persons([]value{l}); len(people) == 1 {
				g.glass.lead = &people[0]
			}
		}
	}
}

func (r *reading) permit(v value, deny bool) permit {
	f := v.fields(permitKeys...)
	p := permit{name: f.needText("name", 80), source: v.at.String(), maxTargets: 1, onExpiry: "ask"}
	if a, there := f.must("actions"); there {
		for _, it := range a.items() {
			pattern := it.name()
			if _, err := path.Match(pattern, ""); err != nil || !strings.ContainsAny(pattern, ".*") {
				it.wrong(`write it like okta.suspend-user, okta.* or "*"`, "%q is no action", pattern)
			}
			p.actions = append(p.actions, pattern)
		}
	}
	if w, there := f.get("who"); there {
		for _, it := range w.items() {
			p.who = append(p.who, r.party(it))
		}
	} else if !deny {
		f.must("who")
	}
	if t, there := f.get("targets"); there {
		r.selectors(t, &p)
	}
	for _, it := range f.items("severity") {
		p.severity = append(p.severity, it.severity())
	}
	for _, it := range f.items("types") {
		t := it.name()
		if _, known := r.plan.kinds[t]; !known && t != "" {
			it.wrong(didYouMean(t, r.plan.Types()), "there is no incident type %q", t)
		}
		p.types = append(p.types, t)
	}
	if n, there := f.get("max_targets"); there {
		p.maxTargets = n.number(1, incident.MaxTargets)
	}
	if n, there := f.get("max_per_hour"); there {
		p.perHour = n.number(1, 100_000)
	}
	r.lasting(f, &p)
	r.approvals(f, &p)
	if w, there := f.get("when"); there {
		p.whenText = w.text(500)
		prog, err := compileWhen(p.whenText)
		if err != nil {
			w.wrong("it may use severity, incident_type, action, targets, requester, drill, private, reversible and now", "the condition cannot be read: %v", err)
		}
		p.when = prog
	}
	p.why = f.text("why", 300)
	return p
}

func (r *reading) selectors(v value, p *permit) {
	f := v.fields("match", "tags", "environment", "criticality", "owner")
	for _, it := range f.items("match") {
		m := strings.ToLower(it.name())
		if _, err := path.Match(m, ""); err != nil {
			it.wrong("close the bracket", "%q is no pattern", m)
		}
		p.match = append(p.match, m)
	}
	for _, it := range f.items("tags") {
		p.tags = append(p.tags, it.word())
	}
	for _, it := range f.items("environment") {
		p.env = append(p.env, it.name())
	}
	for _, it := range f.items("criticality") {
		p.crit = append(p.crit, it.oneOf("criticality", criticalities...))
	}
	for _, who := range r.persons(f.items("owner")) {
		p.owners = append(p.owners, who.ID)
	}
}

func (r *reading) lasting(f fields, p *permit) {
	for key, to := range map[string]*time.Duration{"ttl": &p.ttl, "max_ttl": &p.maxTTL, "approval_expires": &p.waits} {
		if v, there := f.get(key); there {
			*to = v.duration()
		}
	}
	if v, there := f.get("on_expiry"); there {
		p.onExpiry = v.oneOf("end of a hold", "ask", "release")
	}
	if p.ttl > 0 && p.maxTTL > 0 && p.ttl > p.maxTTL {
		f.known["ttl"].wrong("", "the time to live is longer than max_ttl")
	}
	if v, there := f.get("valid"); there {
		vf := v.fields("from", "until")
		for key, to := range map[string]*time.Time{"from": &p.from, "until": &p.until} {
			d, there := vf.get(key)
			if !there {
				continue
			}
			t, err := time.Parse(time.DateOnly, d.name())
			if err != nil {
				d.wrong("write it like 2026-12-31", "%q is no date", d.name())
			}
			*to = t
		}
	}
}

func (r *reading) approvals(f fields, p *permit) {
	for _, v := range f.items("approvals") {
		af := v.fields("count", "from")
		need := incident.Need{Count: 1}
		if n, there := af.get("count"); there {
			need.Count = n.number(1, 10)
		}
		if from, there := af.must("from"); there {
			for _, it := range from.items() {
				w := r.party(it)
				if w == whoAnyone {
					it.wrong("name roles, groups or people", "anybody at all is no approver")
				}
				need.From = append(need.From, w)
			}
		}
		if len(need.From) == 0 {
			v.wrong("", "nobody is named who could approve")
		}
		p.needs = append(p.needs, need)
	}
}

// party is a word for people: anyone, responders, a role, a group or a person.
func (r *reading) party(v value) string {
	name := v.name()
	if _, group := r.plan.grants.groups[name]; group {
		return name
	}
	return r.who(v)
}

func (p permit) covers(action string) bool {
	return slices.ContainsFunc(p.actions, func(pattern string) bool {
		ok, _ := path.Match(pattern, action)
		return ok || pattern == "*"
	})
}
