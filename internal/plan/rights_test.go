package plan_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	p := load(t, true)
	person := func(id string) incident.Person { who, _ := p.ByID(incident.PersonID(id)); return who }
	as := func(who incident.Person, s incident.Standing) incident.Person { who.Standing = s; return who }
	room := incident.State{
		People: map[incident.PersonID]incident.Part{
			"alice": {Joined: true}, "bob": {Joined: true}, "dave": {Joined: true, Excluded: true}, "erin": {Observer: true},
		},
		Posts: map[incident.Role]incident.Post{
			incident.Commander: {Holder: "alice", Offered: "carol"}, "scribe": {Holder: "bob"}, "legal": {Holder: "dave"},
		},
	}
	for name, c := range map[string]struct {
		who   incident.Person
		right incident.Right
		want  bool
		why   string
	}{
		"anyone declares":                  {incident.Person{ID: "U0STRANGER"}, incident.MayDeclare, true, ""},
		"the commander resolves":           {person("alice"), incident.MayResolve, true, ""},
		"a responder does not resolve":     {person("bob"), incident.MayResolve, false, "Only the incident commander (Alice Archer) or the deputy commander may resolve this incident."},
		"offered is not held":              {person("carol"), incident.MayResolve, false, ""},
		"the scribe hides":                 {person("bob"), incident.MayHide, true, ""},
		"a responder pages":                {person("bob"), incident.MayPageOthers, true, ""},
		"who has not joined does not page": {person("carol"), incident.MayPageOthers, false, "Only responders who joined may page people."},
		"an observer does not page":        {person("erin"), incident.MayPageOthers, false, ""},
		"excluded, with a role":            {person("dave"), incident.MayRedact, false, "You may not do this here."},
		"excluded, from everybody's right": {person("dave"), incident.MayRespond, false, ""},
		"a guest":                          {as(person("alice"), incident.Guest), incident.MayDeclare, false, "Only full members"},
		"deactivated":                      {as(person("alice"), incident.Deactivated), incident.MayResolve, false, "Only full members"},
		"of another workspace":             {as(person("alice"), incident.Foreign), incident.MayRespond, false, "Only full members"},
		"a clock":                          {incident.Clockwork, incident.MayClose, false, "Only a person"},
		"nobody":                           {incident.Person{}, incident.MayDeclare, false, "does not know who you are"},
		"a right that does not exist":      {person("bob"), "fly", false, "Only the incident commander (Alice Archer) may"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := p.May(c.who, c.right, room)
			if v.Allowed != c.want || !strings.Contains(v.Why, c.why) || !strings.HasSuffix(v.Why, ".") {
				t.Errorf("%+v", v)
			}
			if !strings.HasPrefix(v.Source, "rights.yaml") {
				t.Errorf("source %q", v.Source)
			}
		})
	}
	if v := p.May(person("alice"), incident.MayDeclare, room); v.Source != "rights.yaml:6" {
		t.Errorf("source %q", v.Source)
	}
}

func TestRightsThePlanDoesNotName(t *testing.T) {
	t.Parallel()
	m := files(t)
	m["people.yaml"] = &fstest.MapFile{Data: []byte("people: [{id: alice, name: Alice}]")}
	m["rights.yaml"] = &fstest.MapFile{Data: []byte("rights:\n  close: [alice]\n  merge: []\n")}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	alice, room := incident.Person{ID: "alice"}, incident.State{}
	if v := p.May(alice, incident.MayDeclare, room); !v.Allowed {
		t.Errorf("nobody can call for help: %+v", v)
	}
	if v := p.May(alice, incident.MayResolve, room); v.Allowed {
		t.Errorf("resolve: %+v", v)
	}
	if v := p.May(alice, incident.MayClose, room); !v.Allowed || v.Source != "rights.yaml:2" || v.Why != "Only Alice may close this incident." {
		t.Errorf("close: %+v", v)
	}
	if v := p.May(alice, incident.MayMerge, room); v.Allowed || v.Why != "The plan lets nobody merge incidents." {
		t.Errorf("merge: %+v", v)
	}
}

func TestAPagerDutyIncidentDeclares(t *testing.T) {
	t.Parallel()
	m := files(t)
	m["settings.yaml"] = &fstest.MapFile{Data: []byte(`
default_type: other
default_severity: P3
pagerduty:
  keys: [security]
  declare:
    - {service: PABC123, priority: P1, severity: P1, type: ransomware}
    - {service: PABC123, urgency: high, severity: P2}
`)}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	pd := p.Settings().PagerDuty
	for _, c := range []struct {
		service, priority, urgency string
		want                       incident.Severity
		kind                       string
	}{
		{"PABC123", "p1", "low", incident.P1, "ransomware"},
		{"PABC123", "", "high", incident.P2, "other"},
		{"PABC123", "P2", "low", 0, ""},
		{"PXYZ999", "P1", "high", 0, ""},
	} {
		d, ok := pd.Declare(c.service, c.priority, c.urgency)
		if ok != (c.want != 0) || d.Severity != c.want || d.Type != c.kind {
			t.Errorf("%+v: %+v", c, d)
		}
	}
}

func TestTypesAndLaddersThatBuildOnOthers(t *testing.T) {
	t.Parallel()
	m := files(t)
	m["types/worm.yaml"] = &fstest.MapFile{Data: []byte("title: Worm\ndescription: Spreads.\nlike: malware\nchecklist:\n  containment: [Segment the network]\n")}
	m["ladders.yaml"] = &fstest.MapFile{Data: []byte(`
ladders:
  - {name: critical, rounds: 2, then: last, rungs: [{name: on-call, service: security, wait: 5m}]}
  - {name: high, rungs: [{name: on-call, service: security, wait: 5m}]}
  - {name: moderate, rungs: [{name: on-call, service: security, wait: 5m}]}
  - {name: last, rungs: [{name: everybody, service: security, wait: 15m}]}
overrides:
  - {type: worm, severities: [P3], ladder: critical}
`)}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Checklist("worm", incident.Containment); len(got) != 1 {
		t.Errorf("containment: %q", got)
	}
	if got := p.Checklist("worm", incident.Recovery); len(got) < 3 || got[0] != p.Checklist("malware", incident.Recovery)[0] {
		t.Errorf("recovery: %q", got)
	}
	if l := p.Ladder(incident.P1, "other"); len(l.Rungs) != 2 || l.Rungs[1].Name != "everybody" || l.Rounds != 2 {
		t.Errorf("critical: %+v", l)
	}
	if l := p.Ladder(incident.P3, "worm"); l.Name != "critical" {
		t.Errorf("P3 worm: %s", l.Name)
	}
	if l := p.Ladder(incident.P2, "worm"); l.Name != "high" {
		t.Errorf("P2 worm: %s", l.Name)
	}
}
