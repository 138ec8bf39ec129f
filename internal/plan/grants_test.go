package plan_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

const someGrants = `groups: {security: [alice, bob]}
grants:
  - name: suspend
    actions: [okta.suspend-user, "okta.clear-*"]
    who: [responders]
    targets: {match: ["*@example.com"]}
    severity: [P1, P2]
    approvals: [{count: 1, from: [commander, security]}]
    max_targets: 3
    max_ttl: 1d
  - name: web
    actions: ["fleet.*"]
    who: [dave]
    targets: {environment: [production], tags: [edge], criticality: [high], owner: [dave]}
    valid: {from: 2026-01-01, until: 2026-12-31}
    when: severity == 1 && now.getHours("UTC") < 6
  - {name: block, actions: [edge.block], who: [anyone], max_targets: 100, max_per_hour: 150}
deny:
  - {name: ceo, actions: ["*"], targets: {match: ["ceo@*"]}, why: Call her.}
break_glass: {who: [responders], max_targets: 2, lead: bob}
`

const someAssets = `assets:
  - {match: "web-*", people: [dave], environment: production, criticality: high, tags: [edge]}
`

// demoWith is the demo's plan with some files replaced or added.
func demoWith(t *testing.T, files map[string]string) fs.FS {
	t.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(templates.DemoPlan(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(templates.DemoPlan(), path)
		m[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func granted(t *testing.T, grants string) *plan.Plan {
	t.Helper()
	p, err := plan.Load(demoWith(t, map[string]string{"grants.yaml": grants, "assets.yaml": someAssets}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func question(who incident.PersonID, action string, targets ...string) incident.Question {
	s := incident.State{Stream: "INC-0001", Exists: true, Status: incident.Open, Severity: incident.P1, Type: "other",
		People: map[incident.PersonID]incident.Part{"alice": {Joined: true}, "dave": {Joined: true}}, Posts: map[incident.Role]incident.Post{}}
	return incident.Question{State: s, By: incident.Person{ID: who, Slack: "U0"}, Action: action, Targets: targets, At: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC), Reversible: true}
}

func TestGrantsSayWhoMayDoWhatToWhat(t *testing.T) {
	p := granted(t, someGrants)
	for name, c := range map[string]struct {
		who     incident.PersonID
		action  string
		targets []string
		change  func(*incident.Question)
		want    string // beginning of why; "ok" when allowed
	}{
		"granted":                    {"alice", "okta.suspend-user", []string{"m@example.com"}, nil, "ok"},
		"by a pattern":               {"alice", "okta.clear-sessions", []string{"m@example.com"}, nil, "ok"},
		"not a responder":            {"carol", "okta.suspend-user", []string{"m@example.com"}, nil, "it is for responders"},
		"another target":             {"alice", "okta.suspend-user", []string{"m@partner.com"}, nil, "m@partner.com is not among its targets"},
		"one of two is another":      {"alice", "okta.suspend-user", []string{"m@example.com", "x@partner.com"}, nil, "x@partner.com is not among"},
		"too many":                   {"alice", "okta.suspend-user", []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}, nil, "it covers at most 3"},
		"deny wins":                  {"alice", "okta.suspend-user", []string{"CEO@example.com"}, nil, "The plan forbids"},
		"deny wins for one of three": {"alice", "edge.block", []string{"1.2.3.4", "ceo@example.com"}, nil, "The plan forbids"},
		"no such grant":              {"alice", "aws.disable-key", []string{"AKIA"}, nil, "No grant of the plan covers aws.disable-key"},
		"severity":                   {"alice", "okta.suspend-user", []string{"m@example.com"}, func(q *incident.Question) { q.State.Severity = incident.P3 }, "it is for P1 or P2"},
		"too long":                   {"alice", "okta.suspend-user", []string{"m@example.com"}, func(q *incident.Question) { q.TTL = 48 * time.Hour }, "it lasts at most"},
		"by asset":                   {"dave", "fleet.isolate", []string{"Web-3"}, nil, "ok"},
		"an unknown asset":           {"dave", "fleet.isolate", []string{"db-1"}, nil, "db-1 is not in assets.yaml"},
		"not by day":                 {"dave", "fleet.isolate", []string{"web-3"}, func(q *incident.Question) { q.At = q.At.Add(8 * time.Hour) }, "its condition does not hold"},
		"not next year":              {"dave", "fleet.isolate", []string{"web-3"}, func(q *incident.Question) { q.At = q.At.AddDate(1, 0, 0) }, "it ended on 2026-12-31"},
		"excluded":                   {"alice", "okta.suspend-user", []string{"m@example.com"}, func(q *incident.Question) { q.State.People["alice"] = incident.Part{Excluded: true} }, "You may not"},
		"a guest":                    {"alice", "edge.block", []string{"1.2.3.4"}, func(q *incident.Question) { q.By.Standing = incident.Guest }, "Only full members"},
		"too many in an hour": {"alice", "edge.block", []string{"1.2.3.4"}, func(q *incident.Question) {
			q.State.Deeds = []incident.Deed{{Action: "edge.block", At: q.At.Add(-time.Minute), Targets: make([]incident.DeedTarget, 150)}}
		}, "it covers at most 150 target(s) in an hour"},
		"the glass":               {"alice", "okta.suspend-user", []string{"m@example.com"}, func(q *incident.Question) { q.BreakGlass = true }, "ok"},
		"the glass for many":      {"alice", "okta.suspend-user", []string{"m@example.com", "n@example.com", "o@example.com"}, func(q *incident.Question) { q.BreakGlass = true }, "The glass may be broken for at most 2"},
		"the glass for the final": {"alice", "okta.suspend-user", []string{"m@example.com"}, func(q *incident.Question) { q.BreakGlass, q.Reversible = true, false }, "What cannot be taken back"},
	} {
		t.Run(name, func(t *testing.T) {
			q := question(c.who, c.action, c.targets...)
			if c.change != nil {
				c.change(&q)
			}
			j := p.Judge(q)
			if j.Allowed != (c.want == "ok") || !j.Allowed && !strings.Contains(j.Why, c.want) {
				t.Errorf("%v: %s", j.Allowed, j.Why)
			}
			if j.Allowed && !strings.HasPrefix(j.Grant.Source, "grants.yaml:") {
				t.Errorf("it does not say where: %+v", j.Grant)
			}
		})
	}
	q := question("alice", "okta.suspend-user", "m@example.com")
	j := p.Judge(q)
	q.State.Posts[incident.Commander] = incident.Post{Holder: "carol"}
	var who []string
	for _, a := range p.Approvers(j.Grant.Needs[0], q.State) {
		who = append(who, string(a.ID))
	}
	if got := strings.Join(who, " "); got != "alice carol bob" { // at work here first
		t.Errorf("approvers: %s", got)
	}
	if p.Approves(incident.Person{ID: "dave"}, j.Grant.Needs[0], q.State) || !p.Approves(incident.Person{ID: "carol"}, j.Grant.Needs[0], q.State) {
		t.Error("who approves is not as granted")
	}
}

func TestBrokenGrantsAreSaidWithTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ grants, want string }{
		"unknown key":       {"grants:\n  - {name: a, actions: [x.y], who: [anyone], aprovals: []}\n", `grants.yaml:2:46: unknown key "aprovals"; did you mean "approvals"?`},
		"nobody approves":   {"grants:\n  - {name: a, actions: [x.y], who: [anyone], approvals: [{count: 1, from: []}]}\n", "nobody is named who could approve"},
		"anyone approves":   {"grants:\n  - {name: a, actions: [x.y], who: [anyone], approvals: [{count: 1, from: [anyone]}]}\n", "anybody at all is no approver"},
		"no such person":    {"grants:\n  - {name: a, actions: [x.y], who: [allice]}\n", `"allice" is no role and no person; did you mean "alice"?`},
		"a bad condition":   {"grants:\n  - {name: a, actions: [x.y], who: [anyone], when: severity == \"P1\"}\n", "the condition cannot be read"},
		"no condition":      {"grants:\n  - {name: a, actions: [x.y], who: [anyone], when: severity + 1}\n", "neither true nor false"},
		"ttl over its most": {"grants:\n  - {name: a, actions: [x.y], who: [anyone], ttl: 2d, max_ttl: 1d}\n", "longer than max_ttl"},
		"twice":             {"grants:\n  - {name: a, actions: [x.y], who: [anyone]}\n  - {name: a, actions: [x.z], who: [anyone]}\n", `two grants are called "a"`},
		"no action":         {"grants:\n  - {name: a, actions: [suspend], who: [anyone]}\n", `"suspend" is no action`},
		"a bad date":        {"grants:\n  - {name: a, actions: [x.y], who: [anyone], valid: {until: tomorrow}}\n", `"tomorrow" is no date`},
		"no lead":           {"break_glass: {max_targets: 2}\n", `the key "lead" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := plan.Load(demoWith(t, map[string]string{"grants.yaml": c.grants}))
			var broken *plan.Broken
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestCasesOfGrants(t *testing.T) {
	p := granted(t, someGrants)
	folder := fstest.MapFS{"grants_test.yaml": {Data: []byte(`cases:
  - {who: alice, action: okta.suspend-user, targets: [m@example.com], expect: allowed, by: suspend, approved_by: [bob], not_by: [alice, dave]}
  - {who: alice, action: okta.suspend-user, targets: [ceo@example.com], expect: refused}
  - {who: alice, action: okta.suspend-user, targets: [m@example.com], severity: P4, expect: allowed}
`)}}
	cases, err := p.Cases(folder)
	if err != nil || len(cases) != 3 {
		t.Fatal(cases, err)
	}
	for i, want := range []string{"", "", "it is refused"} {
		if got := p.Try(cases[i], time.Now()); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("case %d: %q", i+1, got)
		}
	}
	if _, err := p.Cases(fstest.MapFS{"grants_test.yaml": {Data: []byte("cases:\n  - {who: nobody, action: x.y, expect: maybe}\n")}}); err == nil || !strings.Contains(err.Error(), "nobody in people.yaml") {
		t.Error(err)
	}
}
