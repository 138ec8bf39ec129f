package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

func load(t *testing.T, demo bool) *plan.Plan {
	t.Helper()
	folder := templates.DefaultPlan()
	if demo {
		folder = templates.DemoPlan()
	}
	p, err := plan.Load(folder)
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return p
}

func TestTheDefaultPlanIsCompleteWithoutAnEdit(t *testing.T) {
	t.Parallel()
	p := load(t, false)
	if len(p.People()) != 0 {
		t.Errorf("the default plan knows people: %v", p.People())
	}
	want := []string{
		"account-takeover", "cloud-misconfiguration", "credential-leak", "data-exfiltration", "denial-of-service", "insider", "lost-device",
		"malware", "phishing", "ransomware", "supply-chain", "vulnerability", "other",
	}
	if diff := cmp.Diff(want, p.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for _, kind := range p.Types() {
		if about, ok := p.About(kind); !ok || about.Title == "" || about.Description == "" {
			t.Errorf("%s is not described", kind)
		}
		for _, phase := range incident.Phases() {
			items := p.Checklist(kind, phase)
			if len(items) < 3 || len(items) > 6 {
				t.Errorf("%s has %d items for %s", kind, len(items), phase)
			}
			for _, item := range items {
				if item[len(item)-1] == '.' {
					t.Errorf("%s: %q ends in a full stop", kind, item)
				}
			}
		}
	}
	if roles := p.Roles(); roles[0].Role != incident.Commander || len(roles) < 8 {
		t.Errorf("roles: %v", roles)
	}
	if got := p.Services(); !slices.Equal(got, []string{"security"}) {
		t.Errorf("services: %v", got)
	}
	for s, kind := range map[incident.Severity]string{incident.P1: "other", incident.P2: "other", incident.P3: "other", incident.P4: "ransomware"} {
		if len(p.Ladder(s, kind).Rungs) == 0 {
			t.Errorf("a %s %s pages nobody", s, kind)
		}
	}
	if l := p.Ladder(incident.P4, "other"); len(l.Rungs) != 0 {
		t.Errorf("P4 pages by %s", l.Name)
	}
}

func TestTheDemoPages(t *testing.T) {
	t.Parallel()
	p := load(t, true)
	alice, _ := p.ByID("alice")
	page := func(name, service, schedule string) incident.Rung {
		return incident.Rung{Name: name, Escalator: "tocsin", Service: service, Schedule: schedule, Wait: 5 * time.Minute, Priority: "P1", Urgency: "high"}
	}
	want := incident.Ladder{Name: "critical", Rounds: 2, Rungs: []incident.Rung{
		page("primary on-call", "security", "PSCHED1"), page("secondary on-call", "security-secondary", "PSCHED2"),
		{Name: "security lead", Escalator: "tocsin", People: []incident.Person{alice}, Wait: 5 * time.Minute},
	}}
	got := p.Ladder(incident.P1, "credential-leak")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ladder (-want +got):\n%s", diff)
	}
	got.Rungs[0].Name = "changed by a caller"
	if again, _ := p.Named("critical"); again.Rungs[0].Name != "primary on-call" {
		t.Error("a caller changed the plan")
	}
	if l, ok := p.Named("policy"); !ok || l.Rungs[0].Policy != "PPOLICY" || l.Rungs[0].Escalator != "pagerduty" {
		t.Errorf("policy: %v", l)
	}
	s := p.Settings()
	if s.PostMortem.Repository != "acme/security-incidents" || s.Announce != "#incidents" || s.SecurityLead != "alice" || s.Command != "/incident" {
		t.Errorf("settings: %+v", s)
	}
}

func TestPeopleAreFoundByEveryAccount(t *testing.T) {
	t.Parallel()
	p := load(t, true)
	for name, find := range map[string]func() (incident.Person, bool){
		"id":        func() (incident.Person, bool) { return p.ByID("bob") },
		"slack":     func() (incident.Person, bool) { return p.BySlack("U0BOB0001") },
		"email":     func() (incident.Person, bool) { return p.ByEmail("Bob@Example.COM ") },
		"pagerduty": func() (incident.Person, bool) { return p.ByPagerDuty("PBOB001") },
		"github":    func() (incident.Person, bool) { return p.ByGitHub("Bob") },
	} {
		if who, ok := find(); !ok || who.ID != "bob" || who.Name.Text != "Bob Brandt" {
			t.Errorf("by %s: %v %v", name, who, ok)
		}
	}
	if _, ok := p.BySlack(""); ok {
		t.Error("no account is somebody's")
	}
	if _, ok := p.ByPagerDuty(""); ok {
		t.Error("erin, who has no PagerDuty account, is found by none")
	}
	if got := p.HostGroups("WEB-3"); !slices.Equal(got, []string{"web-*"}) || p.HostGroups("db-1") != nil {
		t.Errorf("groups of web-3: %v", got)
	}
	if got := p.Owners("WEB-3"); len(got) != 1 || got[0].ID != "dave" {
		t.Errorf("owners of WEB-3: %v", got)
	}
	if got := p.Contact("bob"); got != "+1 555 0102" {
		t.Errorf("contact %q", got)
	}
}

func TestPostMortemsAreDueAroundTheClock(t *testing.T) {
	t.Parallel()
	p := load(t, false)
	friday := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	due, remind, ok := p.PostMortem(incident.P1, friday)
	if !ok || !due.Equal(friday.Add(48*time.Hour)) || len(remind) != 2 || !remind[0].Equal(friday.Add(24*time.Hour)) {
		t.Errorf("P1: %v %v %v", due, remind, ok)
	}
	if due, _, ok := p.PostMortem(incident.P2, friday); !ok || !due.Equal(friday.Add(72*time.Hour)) {
		t.Errorf("P2: %v %v", due, ok)
	}
	if _, _, ok := p.PostMortem(incident.P4, friday); ok {
		t.Error("P4 wants a post-mortem")
	}
	if !p.Announce(incident.P1, false) || p.Announce(incident.P1, true) || p.Announce(incident.P4, false) {
		t.Error("announced is a P1 that is not confidential, and no other of these")
	}
}
