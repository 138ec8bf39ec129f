package pagerduty_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"
	"github.com/PagerDuty/go-pagerduty/webhookv3"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
)

const (
	token      = "account-key"
	routingKey = "0123456789abcdef0123456789abcdef"
)

// account is a small company: alice, then bob, then carol; one service.
type account struct {
	t              *testing.T
	clock          *clock.Fast
	server         *pagerduty.Server
	url            string
	client         *pd.Client
	alice, bob     pagerduty.User
	carol          pagerduty.User
	policy, second pagerduty.EscalationPolicy
	service        pagerduty.Service
	p1, p2         pagerduty.Priority
}

func newAccount(t *testing.T) *account {
	t.Helper()
	c := clock.NewFast(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), 1)
	s := pagerduty.New(pagerduty.Config{Clock: c, APIToken: token, UserTokens: map[string]string{"alice-key": "alice@example.com"},
		RoutingKeys: []string{routingKey}})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.Close)
	s.SetBaseURL(web.URL)
	a := &account{t: t, clock: c, server: s, url: web.URL,
		client: pd.NewClient(token, pd.WithAPIEndpoint(web.URL), pd.WithV2EventsAPIEndpoint(web.URL))}
	a.alice = s.AddUser(pagerduty.User{Name: "Alice", Email: "alice@example.com", Contacts: []pagerduty.ContactMethod{
		{Type: "phone_contact_method", Label: "Mobile", Address: "5551234", CountryCode: 44}, {Type: "email_contact_method", Label: "Work", Address: "alice@example.com"}}})
	a.bob = s.AddUser(pagerduty.User{Name: "Bob", Email: "bob@example.com"})
	a.carol = s.AddUser(pagerduty.User{Name: "Carol", Email: "carol@example.com"})
	primary := s.AddSchedule(pagerduty.Schedule{Name: "Primary", OnCall: []string{a.alice.ID}})
	a.policy = s.AddEscalationPolicy(pagerduty.EscalationPolicy{Name: "Security", Loops: 1, Rules: []pagerduty.Rule{
		{Delay: 5 * time.Minute, Targets: []string{primary.ID}}, {Delay: 10 * time.Minute, Targets: []string{a.bob.ID}}}})
	a.second = s.AddEscalationPolicy(pagerduty.EscalationPolicy{Name: "Platform", Rules: []pagerduty.Rule{{Delay: 5 * time.Minute, Targets: []string{a.carol.ID}}}})
	a.service = s.AddService(pagerduty.Service{Name: "Room", PolicyID: a.policy.ID})
	a.p1 = s.AddPriority(pagerduty.Priority{Name: "P1"})
	a.p2 = s.AddPriority(pagerduty.Priority{Name: "P2"})
	return a
}

func (a *account) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) declare(key string) *pd.Incident {
	a.t.Helper()
	in, err := a.client.CreateIncidentWithContext(context.Background(), "bob@example.com", &pd.CreateIncidentOptions{
		Title: "okta session theft", Service: &pd.APIReference{ID: a.service.ID, Type: "service_reference"}, IncidentKey: key,
		Priority: &pd.APIReference{ID: a.p1.ID, Type: "priority_reference"}})
	a.ok(err)
	return in
}

func (a *account) enqueue(action, key string) (*pd.V2EventResponse, error) {
	return a.client.ManageEventWithContext(context.Background(), &pd.V2Event{RoutingKey: routingKey, Action: action, DedupKey: key,
		Payload: &pd.V2Payload{Summary: "leaked key", Source: "web-3", Severity: "critical"}})
}

// eventually waits for what a goroutine of the server is about to do.
func (a *account) eventually(what string, is func() bool) {
	a.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			a.t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (a *account) raw(method, path, body string, header ...string) (int, string, http.Header) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, a.url+path, strings.NewReader(body))
	a.ok(err)
	req.Header.Set("Authorization", "Token token="+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	a.ok(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	a.ok(err)
	return resp.StatusCode, string(b), resp.Header
}

func TestAnEventOpensMergesAndOpensAgain(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for range 2 {
		r, err := a.enqueue("trigger", "INC-1/2/0")
		a.ok(err)
		if r.DedupKey != "INC-1/2/0" || r.Status != "success" || r.Message != "Event processed" {
			t.Fatalf("answer %+v", r)
		}
	}
	if n := len(a.server.Incidents()); n != 1 {
		t.Fatalf("%d incidents, want the second event merged", n)
	}
	_, err := a.enqueue("resolve", "nobody-opened-this")
	a.ok(err)
	found, err := a.client.ListIncidentsWithContext(context.Background(), pd.ListIncidentsOptions{IncidentKey: "INC-1/2/0"})
	a.ok(err)
	if len(found.Incidents) != 1 || found.Incidents[0].IncidentKey != "" {
		t.Fatalf("by the alert's key: %+v", found.Incidents)
	}
	_, err = a.enqueue("acknowledge", "INC-1/2/0")
	a.ok(err)
	if got := a.server.Incidents()[0].Status; got != "acknowledged" {
		t.Fatal(got)
	}
	_, err = a.enqueue("resolve", "INC-1/2/0")
	a.ok(err)
	_, err = a.enqueue("trigger", "INC-1/2/0")
	a.ok(err)
	if list := a.server.Incidents(); len(list) != 2 || list[0].Status != "triggered" || list[1].Status != "resolved" {
		t.Fatalf("%+v", list)
	}
}

func TestEventsRefusedAsTheVendorDoes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	good := `"payload":{"summary":"s","source":"x","severity":"info"}`
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"short key":    {`{"routing_key":"abc","event_action":"trigger",` + good + `}`, 400, "should be 32 characters"},
		"unknown key":  {`{"routing_key":"` + strings.Repeat("f", 32) + `","event_action":"trigger",` + good + `}`, 400, "Invalid routing key"},
		"severity":     {`{"routing_key":"` + routingKey + `","event_action":"trigger","payload":{"summary":"s","source":"x","severity":"P1"}}`, 400, "payload.severity"},
		"no source":    {`{"routing_key":"` + routingKey + `","event_action":"trigger","payload":{"summary":"s","severity":"info"}}`, 400, "payload.source"},
		"long summary": {`{"routing_key":"` + routingKey + `","event_action":"trigger","payload":{"summary":"` + strings.Repeat("é", 1025) + `","source":"x","severity":"info"}}`, 400, "1024"},
		"long key":     {`{"routing_key":"` + routingKey + `","event_action":"trigger","dedup_key":"` + strings.Repeat("k", 256) + `",` + good + `}`, 400, "255"},
		"no key":       {`{"routing_key":"` + routingKey + `","event_action":"resolve"}`, 400, "dedup_key"},
		"bad link":     {`{"routing_key":"` + routingKey + `","event_action":"trigger","links":[{"text":"x"}],` + good + `}`, 400, "href"},
		"not json":     {`{`, 400, "invalid event"},
		"huge":         {`{"x":"` + strings.Repeat("x", 512<<10) + `"}`, 413, "512 KB"},
	} {
		status, body, _ := a.raw("POST", "/v2/enqueue", c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if n := len(a.server.Incidents()); n != 0 {
		t.Fatalf("%d incidents after refusals only", n)
	}
}

func TestTooManyEventsWaitForTheNextMinute(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	var last error
	for range 121 {
		_, last = a.enqueue("trigger", "same")
	}
	var e pd.APIError
	if !errors.As(last, &e) || !e.RateLimited() {
		t.Fatalf("the 121st: %v", last)
	}
	a.clock.Advance(time.Minute)
	_, err := a.enqueue("trigger", "same")
	a.ok(err)
}

func TestAnOpenIncidentKeyIsAConflict(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	first := a.declare("INC-7/1/0")
	_, err := a.client.CreateIncidentWithContext(context.Background(), "bob@example.com", &pd.CreateIncidentOptions{
		Title: "again", Service: &pd.APIReference{ID: a.service.ID, Type: "service_reference"}, IncidentKey: "INC-7/1/0",
		Priority: &pd.APIReference{ID: a.p1.ID, Type: "priority_reference"}})
	var e pd.APIError
	if !errors.As(err, &e) || e.StatusCode != 400 || e.APIError.ErrorObject.Code != 2002 ||
		!slices.Contains(e.APIError.ErrorObject.Errors, "Open incident with matching dedup key already exists on this service") {
		t.Fatalf("%+v", err)
	}
	found, err := a.client.ListIncidentsWithContext(context.Background(), pd.ListIncidentsOptions{IncidentKey: "INC-7/1/0", Statuses: []string{"triggered", "acknowledged"}})
	a.ok(err)
	if len(found.Incidents) != 1 || found.Incidents[0].ID != first.ID || found.Incidents[0].Priority.Name != "P1" {
		t.Fatalf("%+v", found)
	}
	a.ok(a.server.Resolve("alice@example.com", first.ID))
	a.declare("INC-7/1/0")
}

func TestTheLadderClimbsRepeatsAndStops(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	id := a.declare("").ID
	seen := func() pagerduty.Incident { v, _ := a.server.Incident(id); return v }
	if v := seen(); v.Assigned[0].Name != "Alice" || v.Level != 1 || len(v.Notifications) != 2 {
		t.Fatalf("%+v", v)
	}
	a.clock.Advance(5*time.Minute + time.Second)
	a.eventually("bob paged", func() bool { return seen().Level == 2 && seen().Assigned[0].Name == "Bob" })
	a.clock.Advance(10*time.Minute + time.Second)
	a.eventually("alice paged again", func() bool { v := seen(); return v.Level == 1 && v.Loop == 1 && v.Assigned[0].Name == "Alice" })
	a.ok(a.server.Acknowledge(a.alice.ID, id))
	a.clock.Advance(time.Hour)
	time.Sleep(20 * time.Millisecond)
	if v := seen(); v.Level != 1 || v.Status != "acknowledged" || v.NextEscalation != nil {
		t.Fatalf("acknowledged, and still climbing: %+v", v)
	}
	a.ok(a.server.Unacknowledge(a.alice.ID, id))
	a.clock.Advance(5*time.Minute + time.Second)
	a.eventually("bob paged after the un-acknowledgement", func() bool { return seen().Level == 2 })
	var kinds []string
	for _, e := range seen().Log {
		kinds = append(kinds, e.Type)
	}
	for _, want := range []string{"trigger_log_entry", "assign_log_entry", "notify_log_entry", "escalate_log_entry", "acknowledge_log_entry", "unacknowledge_log_entry"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %s in %v", want, kinds)
		}
	}
}

func TestAnAcknowledgementGoesStale(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	v := a.server.AddService(pagerduty.Service{Name: "Stale", PolicyID: a.policy.ID, AckTimeout: 30 * time.Minute})
	id, err := a.server.Trigger(a.bob.ID, v.ID, "slow burn")
	a.ok(err)
	a.ok(a.server.Acknowledge(a.alice.ID, id))
	a.clock.Advance(30*time.Minute + time.Second)
	a.eventually("triggered again", func() bool { v, _ := a.server.Incident(id); return v.Status == "triggered" })
}

func TestRESTWithTheRealClient(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	ctx := context.Background()
	id := a.declare("k").ID
	manage := func(o pd.ManageIncidentsOptions) error {
		o.ID = id
		_, err := a.client.ManageIncidentsWithContext(ctx, "alice@example.com", []pd.ManageIncidentsOptions{o})
		return err
	}
	a.ok(manage(pd.ManageIncidentsOptions{Status: "acknowledged"}))
	a.ok(manage(pd.ManageIncidentsOptions{Priority: &pd.APIReference{ID: a.p2.ID, Type: "priority_reference"}}))
	a.ok(manage(pd.ManageIncidentsOptions{EscalationLevel: 2}))
	a.ok(manage(pd.ManageIncidentsOptions{Assignments: []pd.Assignee{{Assignee: pd.APIObject{ID: a.carol.ID, Type: "user_reference"}}}}))
	a.ok(manage(pd.ManageIncidentsOptions{EscalationPolicy: &pd.APIReference{ID: a.second.ID, Type: "escalation_policy_reference"}}))
	a.ok(manage(pd.ManageIncidentsOptions{ConferenceBridge: &pd.ConferenceBridge{ConferenceURL: "https://meet.example.com/1"}}))
	in, err := a.client.GetIncidentWithContext(ctx, id)
	a.ok(err)
	if in.Status != "triggered" || in.Priority.Name != "P2" || in.Assignments[0].Assignee.Summary != "Carol" || in.ConferenceBridge.ConferenceURL == "" || in.EscalationPolicy.ID != a.second.ID {
		t.Fatalf("%+v", in)
	}
	_, err = a.client.CreateIncidentNoteWithContext(ctx, id, pd.IncidentNote{Content: "seen", User: pd.APIObject{Summary: "alice@example.com"}})
	a.ok(err)
	notes, err := a.client.ListIncidentNotesWithContext(ctx, id)
	a.ok(err)
	if len(notes) != 1 || notes[0].Content != "seen" {
		t.Fatalf("%+v", notes)
	}
	_, err = a.client.CreateIncidentStatusUpdate(ctx, id, "alice@example.com", "we are on it")
	a.ok(err)
	ask := pd.ResponderRequestOptions{From: "alice@example.com", RequesterID: a.alice.ID, Message: "help", Targets: []pd.ResponderRequestTargetWrapper{
		{Target: pd.ResponderRequestTarget{APIObject: pd.APIObject{ID: a.bob.ID, Type: "user_reference"}}}}}
	_, err = a.client.ResponderRequestWithContext(ctx, id, ask)
	a.ok(err)
	a.ok(a.server.Reply(a.bob.ID, id, true))
	a.server.SetAbility("coordinated_responding", false)
	var e pd.APIError
	if _, err = a.client.ResponderRequestWithContext(ctx, id, ask); !errors.As(err, &e) || e.StatusCode != 402 {
		t.Fatalf("%v", err)
	}
	on, err := a.client.ListOnCallsWithContext(ctx, pd.ListOnCallOptions{EscalationPolicyIDs: []string{a.policy.ID}, Earliest: true})
	a.ok(err)
	if len(on.OnCalls) != 2 || on.OnCalls[0].User.Summary != "Alice" || on.OnCalls[1].EscalationLevel != 2 {
		t.Fatalf("%+v", on.OnCalls)
	}
	users, err := a.client.ListUsersWithContext(ctx, pd.ListUsersOptions{Query: "ali"})
	a.ok(err)
	ways, err := a.client.ListUserContactMethodsWithContext(ctx, users.Users[0].ID)
	a.ok(err)
	if len(ways.ContactMethods) != 2 || ways.ContactMethods[0].CountryCode != 44 {
		t.Fatalf("%+v", ways)
	}
	for name, call := range map[string]func() error{
		"priorities": func() error {
			_, err := a.client.ListPrioritiesWithContext(ctx, pd.ListPrioritiesOptions{})
			return err
		},
		"policies": func() error {
			_, err := a.client.ListEscalationPoliciesWithContext(ctx, pd.ListEscalationPoliciesOptions{})
			return err
		},
		"policy": func() error {
			_, err := a.client.GetEscalationPolicyWithContext(ctx, a.policy.ID, &pd.GetEscalationPolicyOptions{})
			return err
		},
		"services":  func() error { _, err := a.client.ListServicesWithContext(ctx, pd.ListServiceOptions{}); return err },
		"schedules": func() error { _, err := a.client.ListSchedulesWithContext(ctx, pd.ListSchedulesOptions{}); return err },
		"log": func() error {
			_, err := a.client.ListLogEntriesWithContext(ctx, pd.ListLogEntriesOptions{})
			return err
		},
		"alerts": func() error {
			_, err := a.client.ListIncidentAlertsWithContext(ctx, id, pd.ListIncidentAlertsOptions{})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	me, err := pd.NewClient("alice-key", pd.WithAPIEndpoint(a.url)).GetCurrentUserWithContext(ctx, pd.GetCurrentUserOptions{})
	a.ok(err)
	if me.Email != "alice@example.com" {
		t.Fatal(me.Email)
	}
	a.ok(manage(pd.ManageIncidentsOptions{Status: "resolved", Resolution: "false alarm"}))
	if err := manage(pd.ManageIncidentsOptions{Status: "acknowledged"}); !errors.As(err, &e) || e.APIError.ErrorObject.Code != 1001 {
		t.Fatalf("%v", err)
	}
}

func TestRESTRefusals(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	id := a.declare("k").ID
	from := []string{"From", "alice@example.com"}
	incident := func(extra string) string {
		return fmt.Sprintf(`{"incident":{"type":"incident","title":"t","service":{"id":%q,"type":"service_reference"}%s}}`, a.service.ID, extra)
	}
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"bad token", "GET", "/incidents", "", []string{"Authorization", "Token token=wrong"}, 401, "2006"},
		{"no token", "GET", "/incidents", "", []string{"Authorization", ""}, 401, "2006"},
		{"old version", "GET", "/incidents", "", []string{"Accept", "application/vnd.pagerduty+json;version=1"}, 406, "version"},
		{"unknown path", "GET", "/nowhere", "", nil, 404, "2100"},
		{"wrong verb", "DELETE", "/incidents", "", nil, 405, "Method"},
		{"unknown incident", "GET", "/incidents/PNOBODY", "", nil, 404, "2100"},
		{"no From", "POST", "/incidents", incident(""), nil, 400, "From header"},
		{"empty From", "POST", "/incidents", incident(""), []string{"From", ""}, 400, "From header"},
		{"strange From", "POST", "/incidents", incident(""), []string{"From", "eve@example.com"}, 400, "1008"},
		{"null priority", "POST", "/incidents", incident(`,"priority":null`), from, 400, "Priority"},
		{"unknown priority", "POST", "/incidents", incident(`,"priority":{"id":"PX","type":"priority_reference"}`), from, 400, "Priority"},
		{"urgency", "POST", "/incidents", incident(`,"urgency":"extreme"`), from, 400, "Urgency"},
		{"no service", "POST", "/incidents", `{"incident":{"type":"incident","title":"t"}}`, from, 400, "Service"},
		{"no title", "POST", "/incidents", `{"incident":{"type":"incident"}}`, from, 400, "Title"},
		{"not json", "POST", "/incidents", `{`, from, 400, "JSON"},
		{"level", "PUT", "/incidents/" + id, `{"incident":{"type":"incident","escalation_level":9}}`, from, 400, "Escalation level"},
		{"limit", "GET", "/incidents?limit=0", "", nil, 400, "limit"},
		{"empty note", "POST", "/incidents/" + id + "/notes", `{"note":{"content":""}}`, from, 400, "Content"},
		{"me", "GET", "/users/me", "", nil, 400, "user-level"},
		{"hook filter", "POST", "/webhook_subscriptions", `{"webhook_subscription":{"type":"webhook_subscription","events":["incident.triggered"],"delivery_method":{"type":"http_delivery_method","url":"https://x.example"},"filter":{"type":"service_reference","id":"PX"}}}`, nil, 400, "Filter"},
	} {
		status, body, _ := a.raw(c.method, c.path, c.body, c.header...)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if n := len(a.server.Incidents()); n != 1 {
		t.Fatalf("%d incidents", n)
	}
	_, _, h := a.raw("GET", "/incidents", "")
	if h.Get("ratelimit-limit") != "960" || h.Get("ratelimit-remaining") == "" || h.Get("ratelimit-reset") == "" {
		t.Fatalf("%v", h)
	}
	for range 2000 {
		a.ok(a.server.Note(a.bob.ID, id, "n"))
	}
	if status, body, _ := a.raw("POST", "/incidents/"+id+"/notes", `{"note":{"content":"one too many"}}`, from...); status != 400 {
		t.Fatal(status, body)
	}
	for range 960 {
		a.raw("GET", "/priorities", "")
	}
	if status, body, _ := a.raw("GET", "/priorities", ""); status != 429 || !strings.Contains(body, "2020") {
		t.Fatal(status, body)
	}
	for _, r := range a.server.Requests() {
		if strings.Contains(fmt.Sprint(r), token) {
			t.Fatal("a token was kept")
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for i := range 5 {
		a.declare(fmt.Sprint(i))
	}
	first, err := a.client.ListIncidentsWithContext(context.Background(), pd.ListIncidentsOptions{Limit: 2, Total: true})
	a.ok(err)
	last, err := a.client.ListIncidentsWithContext(context.Background(), pd.ListIncidentsOptions{Limit: 2, Offset: 4})
	a.ok(err)
	if !first.More || first.Total != 5 || len(first.Incidents) != 2 || last.More || len(last.Incidents) != 1 {
		t.Fatalf("%+v %+v", first.APIListObject, last.APIListObject)
	}
}

// ear is somebody's webhook endpoint.
type ear struct {
	mu     sync.Mutex
	status []int // answers in turn; then 202
	heard  []string
	ids    []string
	bad    int
	secret string
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := webhookv3.VerifySignature(r, e.secret)
	var body struct {
		Event struct {
			EventType string `json:"event_type"`
			Data      struct {
				Assignees []struct{} `json:"assignees"`
			} `json:"data"`
		} `json:"event"`
	}
	decodeErr := json.NewDecoder(r.Body).Decode(&body)
	e.mu.Lock()
	defer e.mu.Unlock()
	if body.Event.EventType == "incident.triggered" && len(body.Event.Data.Assignees) == 0 {
		e.bad++
	}
	if err != nil || decodeErr != nil || r.Header.Get("X-Webhook-Subscription") == "" {
		e.bad++
	}
	e.ids = append(e.ids, r.Header.Get("X-Webhook-Id"))
	if len(e.status) > 0 {
		code := e.status[0]
		e.status = e.status[1:]
		if code != 202 {
			w.WriteHeader(code)
			return
		}
	}
	e.heard = append(e.heard, body.Event.EventType)
	w.WriteHeader(202)
}

func (e *ear) got() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

func (e *ear) attempts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.ids)
}

func (a *account) listen(e *ear) string {
	srv := httptest.NewServer(e)
	a.t.Cleanup(srv.Close)
	e.secret = "whsec"
	id, _ := a.server.AddWebhook(srv.URL, "whsec")
	return id
}

func TestEveryActionIsToldInOrder(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	e := &ear{}
	hook := a.listen(e)
	a.ok(a.server.RotateSecret(hook, "newer"))
	id := a.declare("k").ID
	s := a.server
	a.ok(s.Acknowledge(a.alice.ID, id))
	a.ok(s.Unacknowledge(a.alice.ID, id))
	a.ok(s.Escalate(a.alice.ID, id))
	a.ok(s.Reassign(a.alice.ID, id, a.carol.ID))
	a.ok(s.Delegate(a.alice.ID, id, a.second.ID))
	a.ok(s.Note(a.alice.ID, id, "hm"))
	a.ok(s.SetPriority(a.alice.ID, id, a.p2.ID))
	from := []string{"From", "alice@example.com"}
	a.raw("POST", "/incidents/"+id+"/responder_requests", fmt.Sprintf(`{"requester_id":%q,"message":"help","responder_request_targets":[{"responder_request_target":{"id":%q,"type":"user_reference"}}]}`, a.alice.ID, a.bob.ID), from...)
	a.ok(s.Reply(a.bob.ID, id, false))
	a.raw("POST", "/incidents/"+id+"/status_updates", `{"message":"calm"}`, from...)
	a.raw("PUT", "/incidents/"+id, `{"incident":{"type":"incident","conference_bridge":{"conference_url":"https://meet.example.com"}}}`, from...)
	a.ok(s.Resolve(a.alice.ID, id))
	a.ok(s.Reopen(a.alice.ID, id))
	want := []string{"triggered", "acknowledged", "unacknowledged", "escalated", "reassigned", "delegated", "annotated", "priority_updated",
		"responder.added", "responder.replied", "status_update_published", "conference_bridge.updated", "resolved", "reopened"}
	a.eventually("all heard", func() bool { return len(e.got()) >= len(want) })
	for i, g := range e.got() {
		if g != "incident."+want[i] {
			t.Fatalf("%d: %s, want incident.%s in %v", i, g, want[i], e.got())
		}
	}
	if e.bad > 0 {
		t.Fatalf("%d deliveries with a bad signature while the secret is rotated", e.bad)
	}
	if len(want) != len(pagerduty.EventTypes) {
		t.Fatalf("%d of %d event types shown", len(want), len(pagerduty.EventTypes))
	}
}

func TestAWebhookIsTriedAgainInOrder(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	e := &ear{status: []int{500, 429}}
	a.listen(e)
	id := a.declare("k").ID
	a.ok(a.server.Acknowledge(a.alice.ID, id))
	for n := 1; n <= 2; n++ {
		a.eventually("attempt", func() bool { return e.attempts() == n })
		time.Sleep(10 * time.Millisecond) // the answer is settled before the clock moves
		a.clock.Advance(time.Hour)
	}
	a.eventually("both heard", func() bool { return len(e.got()) >= 2 })
	if got := e.got(); got[0] != "incident.triggered" || e.ids[0] != e.ids[1] || e.ids[1] != e.ids[2] {
		t.Fatalf("%v %v", got, e.ids)
	}
}

func TestThreeDropsDisableTheSubscriptionForADay(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	e := &ear{status: []int{404, 403, 400}}
	hook := a.listen(e)
	for i := range 3 {
		a.declare(fmt.Sprint("k", i))
	}
	a.eventually("disabled", func() bool { _, off := a.server.Deliveries(hook); return off })
	a.declare("unheard")
	a.clock.Advance(24*time.Hour + time.Second)
	a.declare("heard")
	a.eventually("heard again", func() bool { return slices.Contains(e.got(), "incident.triggered") })
}

func TestASubscriptionMadeThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	e := &ear{}
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	body := fmt.Sprintf(`{"webhook_subscription":{"type":"webhook_subscription","events":["incident.resolved"],"description":"d",
		"delivery_method":{"type":"http_delivery_method","url":%q},"filter":{"type":"service_reference","id":%q}}}`, srv.URL, a.service.ID)
	status, answer, _ := a.raw("POST", "/webhook_subscriptions", body)
	var made struct {
		Sub struct {
			ID     string `json:"id"`
			Method struct {
				Secret string `json:"secret"`
			} `json:"delivery_method"`
		} `json:"webhook_subscription"`
	}
	a.ok(json.Unmarshal([]byte(answer), &made))
	e.mu.Lock()
	e.secret = made.Sub.Method.Secret
	e.mu.Unlock()
	if status != 200 || made.Sub.Method.Secret == "" {
		t.Fatal(status, answer)
	}
	if _, list, _ := a.raw("GET", "/webhook_subscriptions", ""); strings.Contains(list, made.Sub.Method.Secret) {
		t.Fatal("the secret is shown twice")
	}
	a.raw("POST", "/webhook_subscriptions/"+made.Sub.ID+"/ping", "")
	id := a.declare("k").ID
	a.ok(a.server.Resolve(a.alice.ID, id))
	a.eventually("ping and resolved", func() bool { return len(e.got()) == 2 })
	if got := e.got(); e.bad > 0 || !slices.Contains(got, "pagey.ping") || !slices.Contains(got, "incident.resolved") {
		t.Fatalf("%d bad, %v", e.bad, got)
	}
	if status, _, _ := a.raw("DELETE", "/webhook_subscriptions/"+made.Sub.ID, ""); status != 204 {
		t.Fatal(status)
	}
}

func TestSubscribeTellsAndTheViewIsSnakeCase(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	changes, stop := a.server.Subscribe()
	defer stop()
	a.declare("k")
	select {
	case <-changes:
	case <-time.After(time.Second):
		t.Fatal("nothing told")
	}
	b, err := json.Marshal(a.server.Incidents())
	a.ok(err)
	if !strings.Contains(string(b), `"incident_key":"k"`) || !strings.Contains(string(b), `"next_escalation"`) {
		t.Fatal(string(b))
	}
}

func TestOrderedFaultsSpeakPagerDuty(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.server.Faults().Add(fault.Rule{Vendor: "pagerduty", Method: "POST /incidents", Kind: fault.RateLimit, RetryAfter: time.Second, Times: 1})
	_, err := a.client.CreateIncidentWithContext(context.Background(), "bob@example.com", &pd.CreateIncidentOptions{})
	var e pd.APIError
	if !errors.As(err, &e) || e.StatusCode != 429 || e.APIError.ErrorObject.Code != 2020 {
		t.Fatalf("%v", err)
	}
	a.server.Faults().Add(fault.Rule{Vendor: "pagerduty", Method: "POST /v2/enqueue", Kind: fault.Ambiguous, Times: 1})
	if _, err := a.enqueue("trigger", "k"); err == nil {
		t.Fatal("an answer came back")
	}
	if len(a.server.Incidents()) != 1 {
		t.Fatal("the work was not done")
	}
}
