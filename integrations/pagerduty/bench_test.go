package pagerduty_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	account "github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
)

const (
	apiToken  = "account-key-nobody-may-see"
	fromEmail = "tocsin@corp.example"
)

var routingKey = strings.Repeat("k3y0", 8)

// company is a PagerDuty account with alice on call, bob behind her, and a Pager.
type company struct {
	t           *testing.T
	clock       *clock.Fast
	server      *account.Server
	web         *httptest.Server
	pager       *pagerduty.Pager
	conf        pagerduty.Config
	cache       *memory
	alice, bob  account.User
	schedule    account.Schedule
	policy      account.EscalationPolicy
	room        account.Service
	told        []incident.PageTroubled
	people      map[string]incident.Person
	toldLock    sync.Mutex
	tocsinUser  account.User
	priorityOne account.Priority
}

func newCompany(t *testing.T, change ...func(*pagerduty.Config)) *company {
	t.Helper()
	c := &company{t: t, clock: clock.NewFast(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), 1), cache: &memory{}}
	c.server = account.New(account.Config{Clock: c.clock, APIToken: apiToken, RoutingKeys: []string{routingKey}})
	c.web = httptest.NewServer(c.server)
	t.Cleanup(c.web.Close)
	t.Cleanup(c.server.Close)
	c.server.SetBaseURL(c.web.URL)
	c.alice = c.server.AddUser(account.User{Name: "Alice", Email: "alice@corp.example", Contacts: []account.ContactMethod{
		{Type: "phone_contact_method", Label: "Mobile", Address: "5551234", CountryCode: 44}}})
	c.bob = c.server.AddUser(account.User{Name: "Bob", Email: "bob@corp.example"})
	c.tocsinUser = c.server.AddUser(account.User{Name: "Tocsin", Email: fromEmail})
	c.schedule = c.server.AddSchedule(account.Schedule{Name: "Primary", OnCall: []string{c.alice.ID}})
	c.policy = c.server.AddEscalationPolicy(account.EscalationPolicy{Name: "Security", Rules: []account.Rule{
		{Delay: 5 * time.Minute, Targets: []string{c.schedule.ID}}, {Delay: 5 * time.Minute, Targets: []string{c.bob.ID}}}})
	c.room = c.server.AddService(account.Service{Name: "Room", PolicyID: c.policy.ID})
	c.priorityOne = c.server.AddPriority(account.Priority{Name: "P1"})
	c.people = map[string]incident.Person{c.alice.ID: {ID: "alice", PagerDuty: c.alice.ID, Slack: "UALICE"}}
	c.conf = pagerduty.Config{
		APIToken: apiToken, BaseURL: c.web.URL, EventsURL: c.web.URL, From: fromEmail,
		Services: map[string]pagerduty.Secret{"security": pagerduty.Secret(routingKey)}, Clock: c.clock, Cache: c.cache,
		WebhookSecrets: []pagerduty.Secret{"old-secret", "new-secret"},
		People: func(id, _ string) (incident.Person, bool) {
			who, ok := c.people[id]
			return who, ok
		},
	}
	for _, f := range change {
		f(&c.conf)
	}
	var err error
	c.pager, err = pagerduty.New(c.conf)
	c.ok(err)
	return c
}

func (c *company) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) breaks(method string, kind fault.Kind, more ...func(*fault.Rule)) int {
	r := fault.Rule{Vendor: "pagerduty", Method: method, Kind: kind}
	for _, f := range more {
		f(&r)
	}
	return c.server.Faults().Add(r)
}

// task is a page of INC-0042 to a rung.
func (c *company) task(r incident.Rung) incident.Task {
	return incident.Task{
		Owed:     incident.Owed{ID: "INC-0042/17/2", Rank: incident.RankPage, Effect: incident.Page{Page: "17", Rung: r}},
		Incident: "INC-0042", Attempt: 1,
		State: incident.State{
			Stream: "INC-0042", Exists: true, Title: incident.Seal("okta session theft"), Codename: "quiet heron",
			Severity: incident.P1, Type: "credential-leak", Status: incident.Open, Declared: c.clock.Now(),
			Room: incident.Room{Channel: "C1", Name: "inc-0042", URL: "https://chat.example/C1"}, People: map[incident.PersonID]incident.Part{},
		},
	}
}

func (c *company) perform(t incident.Task) (incident.Command, error) {
	c.t.Helper()
	return c.pager.Perform(context.Background(), t, func(cmd incident.Command) error {
		c.toldLock.Lock()
		defer c.toldLock.Unlock()
		c.told = append(c.told, cmd.(incident.PageTroubled))
		return nil
	})
}

func (c *company) taken(t incident.Task) incident.PageTaken {
	c.t.Helper()
	got, err := c.perform(t)
	c.ok(err)
	taken, ok := got.(incident.PageTaken)
	if !ok {
		c.t.Fatalf("got %#v, want PageTaken", got)
	}
	return taken
}

func (c *company) only() account.Incident {
	c.t.Helper()
	all := c.server.Incidents()
	if len(all) != 1 {
		c.t.Fatalf("PagerDuty has %d incidents, want 1", len(all))
	}
	return all[0]
}

func names(people []incident.Person) string {
	var out []string
	for _, who := range people {
		out = append(out, string(who.ID))
	}
	return fmt.Sprint(out)
}

// memory is a cache of the kind a store has.
type memory struct {
	mu sync.Mutex
	m  map[string]kept
}

type kept struct {
	value []byte
	at    time.Time
}

func (m *memory) CachePut(_ context.Context, space, key string, value []byte, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil {
		m.m = map[string]kept{}
	}
	m.m[space+"\x00"+key] = kept{value, at}
	return nil
}

func (m *memory) CacheGet(_ context.Context, space, key string) ([]byte, time.Time, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.m[space+"\x00"+key]
	return k.value, k.at, ok, nil
}

func newClock() *clock.Fast { return clock.NewFast(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), 1) }
