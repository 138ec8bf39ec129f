package sandbox

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/okta"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
)

// Ids of the PagerDuty account.
const (
	SchedulePrimary   = "PSCHED1" // bob
	ScheduleSecondary = "PSCHED2" // carol
	Policy            = "PPOLICY" // bob, then carol, then alice, five minutes each
	ServicePrimary    = "PSECURE" // named "security", pages SchedulePrimary
	ServiceSecondary  = "PSECOND" // named "security-secondary", pages ScheduleSecondary
	ServiceOther      = "PWEBAPP" // named "website": not Tocsin's, follows Policy
)

// Names of repositories.
const (
	RepoPrivate = "acme/security-incidents"
	RepoPublic  = "acme/website"
)

// botLogin is the account whose token Tocsin uses at GitHub.
const botLogin = "tocsin-bot"

func (w *World) fillPagerDuty() {
	for _, p := range w.People {
		if p.PagerDuty == "" {
			continue
		}
		contacts := []pagerduty.ContactMethod{{Type: "email_contact_method", Label: "Work", Address: p.Email}}
		if p.Phone != "" {
			contacts = append(contacts, pagerduty.ContactMethod{Type: "phone_contact_method", Label: "Mobile", Address: p.Phone, CountryCode: 1})
		}
		w.PagerDuty.AddUser(pagerduty.User{ID: p.PagerDuty, Name: p.RealName, Email: p.Email, TimeZone: p.Zone, JobTitle: p.Title, Contacts: contacts})
	}
	w.PagerDuty.AddUser(pagerduty.User{ID: "PTOCSIN", Name: "Tocsin", Email: fromEmail})
	w.PagerDuty.AddSchedule(pagerduty.Schedule{ID: SchedulePrimary, Name: "Security primary", OnCall: []string{"PBOB001"}})
	w.PagerDuty.AddSchedule(pagerduty.Schedule{ID: ScheduleSecondary, Name: "Security secondary", OnCall: []string{"PCAROL1"}})
	rung := func(wait time.Duration, target string) pagerduty.Rule {
		return pagerduty.Rule{Delay: wait, Targets: []string{target}}
	}
	w.PagerDuty.AddEscalationPolicy(pagerduty.EscalationPolicy{ID: Policy, Name: "Security, everybody in turn", Rules: []pagerduty.Rule{
		rung(5*time.Minute, "PBOB001"), rung(5*time.Minute, "PCAROL1"), rung(5*time.Minute, "PALICE1"),
	}})
	// One rung each: who steps up the ladder is the app's business there.
	w.PagerDuty.AddEscalationPolicy(pagerduty.EscalationPolicy{ID: "PPRIMRY", Name: "Security primary", Rules: []pagerduty.Rule{rung(30*time.Minute, SchedulePrimary)}})
	w.PagerDuty.AddEscalationPolicy(pagerduty.EscalationPolicy{ID: "PSECDRY", Name: "Security secondary", Rules: []pagerduty.Rule{rung(30*time.Minute, ScheduleSecondary)}})
	for _, s := range []pagerduty.Service{
		{ID: ServicePrimary, Name: "security", PolicyID: "PPRIMRY"},
		{ID: ServiceSecondary, Name: "security-secondary", PolicyID: "PSECDRY"},
		{ID: ServiceOther, Name: "website", PolicyID: Policy},
	} {
		s.RoutingKey = routingKey(s.Name)
		w.PagerDuty.AddService(s)
		w.RoutingKeys[s.Name] = s.RoutingKey
	}
	for i, text := range []string{"Critical", "High", "Moderate", "Low"} {
		w.PagerDuty.AddPriority(pagerduty.Priority{ID: fmt.Sprintf("PPRIO0%d", i+1), Name: fmt.Sprintf("P%d", i+1), Description: text})
	}
}

// fillOkta gives everybody who works here an account; the app's own is the first.
func (w *World) fillOkta() {
	w.Okta.Add(okta.User{Login: "tocsin@example.com", Admin: true})
	for _, p := range w.People {
		u := okta.User{Login: p.Email, Admin: p.Admin, Sessions: 2, Factors: []string{"push"}, Apps: []string{"Mail", "Wiki"}, Groups: []string{"Staff"}}
		if p.Deactivated {
			u.Status, u.Sessions = okta.Deactivated, 0
		}
		if p.Name == "mallory" {
			u.Sessions, u.Apps, u.Groups = 3, []string{"Mail", "Build", "Billing"}, []string{"Staff", "Engineering"}
		}
		w.Okta.Add(u)
	}
	w.Okta.Add(okta.User{Login: "ci-deploy@example.com", Sessions: 1, Apps: []string{"Build"}, Groups: []string{"Robots"}})
}

// routingKey is 32 characters, as an integration key is.
func routingKey(service string) string {
	return ("rk" + strings.ReplaceAll(service, "-", "") + strings.Repeat("0", 32))[:32]
}

func (w *World) fillGitHub() error {
	var push []string
	for _, p := range w.People {
		if p.GitHub != "" {
			push = append(push, p.GitHub)
		}
	}
	push = append(push, botLogin)
	for _, r := range []github.Repo{
		{Name: RepoPrivate, Private: true, Push: push, Admin: []string{containLogin}},
		{Name: RepoPublic, Push: push, Admin: []string{containLogin}},
	} {
		if err := w.GitHub.AddRepo(r); err != nil {
			return fmt.Errorf("fill GitHub: %w", err)
		}
	}
	if err := w.fillOrg(); err != nil {
		return fmt.Errorf("fill GitHub: %w", err)
	}
	return nil
}
