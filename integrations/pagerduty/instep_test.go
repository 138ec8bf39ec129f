package pagerduty_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
)

// follow is a TellPager that follows from an event.
func follow(t incident.Task, op string, ref incident.VendorRef, e incident.Event) incident.Task {
	t.ID = incident.EffectID("INC-0042/20/1")
	t.Effect = incident.TellPager{Op: op, Vendor: ref}
	t.Event = incident.Recorded{By: "alice", Event: e}
	return t
}

func TestTheRoomBringsPagerDutyInStep(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Policy: c.policy.ID, Priority: "none such"})
	ref := c.taken(task).Vendor
	task.State.People["alice"] = incident.Part{Person: incident.Person{ID: "alice", Name: incident.Seal("Alice"), PagerDuty: c.alice.ID, Email: incident.Seal("alice@corp.example")}}
	do := func(op string, e incident.Event) {
		t.Helper()
		_, err := c.perform(follow(task, op, ref, e))
		c.ok(err)
	}
	do(pagerduty.OpPriority, incident.SeveritySet{From: incident.P2, To: incident.P1})
	do(pagerduty.OpNote, incident.SeveritySet{From: incident.P2, To: incident.P1})
	do(pagerduty.OpAcknowledge, incident.Acknowledged{Person: "alice"})
	in := c.only()
	if in.Priority != "P1" || in.Status != "acknowledged" || len(in.AcknowledgedBy) != 1 || in.AcknowledgedBy[0].ID != c.alice.ID {
		t.Fatalf("%+v", in)
	}
	if len(in.Notes) != 1 || !strings.HasPrefix(in.Notes[0].Text, "Severity changed from P2 to P1 in Tocsin by Alice.") {
		t.Fatalf("%+v", in.Notes)
	}
	again := follow(task, pagerduty.OpNote, ref, incident.SeveritySet{From: incident.P2, To: incident.P1})
	again.Attempt = 2
	_, err := c.perform(again)
	c.ok(err)
	do(pagerduty.OpResolve, incident.WasResolved{})
	do(pagerduty.OpResolve, incident.WasResolved{}) // resolved already: in step
	do(pagerduty.OpAcknowledge, incident.Acknowledged{Person: "alice"})
	if in := c.only(); in.Status != "resolved" || len(in.Notes) != 1 {
		t.Fatalf("%+v", in)
	}
}

func TestSomebodyPagerDutyDoesNotKnowByThatAddressActsThroughTocsin(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Policy: c.policy.ID})
	ref := c.taken(task).Vendor
	task.State.People["alice"] = incident.Part{Person: incident.Person{ID: "alice", PagerDuty: c.alice.ID, Email: incident.Seal("alice@other.example")}}
	_, err := c.perform(follow(task, pagerduty.OpAcknowledge, ref, incident.Acknowledged{Person: "alice"}))
	c.ok(err)
	if in := c.only(); len(in.AcknowledgedBy) != 1 || in.AcknowledgedBy[0].ID != c.tocsinUser.ID {
		t.Fatalf("%+v", in.AcknowledgedBy)
	}
}

func TestWithoutATokenTheKeyIsEnough(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(conf *pagerduty.Config) { conf.APIToken = "" })
	task := c.task(incident.Rung{Service: "security"})
	ref := c.taken(task).Vendor
	if ref.Incident != "" || ref.Key == "" {
		t.Fatalf("%+v", ref)
	}
	for _, op := range []string{pagerduty.OpNote, pagerduty.OpResolve} {
		_, err := c.perform(follow(task, op, ref, incident.WasResolved{}))
		c.ok(err)
	}
	if in := c.only(); in.Status != "resolved" {
		t.Fatalf("%+v", in)
	}
	if _, err := c.perform(follow(task, "dance", ref, incident.WasResolved{})); !incident.IsGivenUp(err) {
		t.Fatalf("an unknown operation: %v", err)
	}
}

func TestTheDoctorNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	says := func() string { return fmt.Sprint(c.pager.Check(context.Background())) }
	if got := says(); !strings.Contains(got, "accepts it") || !strings.Contains(got, "knows the user") || !strings.Contains(got, `no priority named "P2"`) {
		t.Fatal(got)
	}
	c = newCompany(t, func(conf *pagerduty.Config) {
		conf.APIToken, conf.WebhookSecrets, conf.Services["short"] = "wrong", nil, "abc"
	})
	if got := says(); !strings.Contains(got, "refuses it") || !strings.Contains(got, "every webhook is refused") || !strings.Contains(got, "not 32 characters") {
		t.Fatal(got)
	}
}

// An answer repeats what was sent; whatever its status, none of that may be in an error.
func TestNoErrorCarriesASecretOrPagerDutysOwnWords(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application/json", "text/html"} {
		for status := 200; status < 600; status++ {
			if status > 208 && status < 300 || status > 308 && status < 400 || status > 452 && status < 500 || status > 512 {
				continue
			}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.Header().Set("Location", "https://elsewhere.example/"+r.Header.Get("Authorization"))
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"error":{"code":2001,"message":%q,"errors":[%q]}, "message":%q}`, apiToken+fromEmail, routingKey, "vendor words "+r.URL.String())
			}))
			walk(t, web.URL, status)
			web.Close()
			walk(t, web.URL, 0) // nobody listens any more
		}
	}
}

func walk(t *testing.T, url string, status int) {
	t.Helper()
	c := &company{t: t, cache: &memory{}, clock: newClock()}
	var err error
	c.pager, err = pagerduty.New(pagerduty.Config{APIToken: apiToken, BaseURL: url, EventsURL: url, From: fromEmail, RESTService: "PSERVICE",
		Services: map[string]pagerduty.Secret{"security": pagerduty.Secret(routingKey)}, Clock: c.clock, Cache: c.cache})
	c.ok(err)
	pagerduty.Hasten(c.pager)
	ref := incident.VendorRef{Incident: "QABC", Key: "INC-0042/17/2"}
	var faults []error
	for _, r := range []incident.Rung{{Policy: "PPOLICY", Schedule: "PSCHED"}, {Service: "security", Schedule: "PSCHED"}} {
		_, err := c.perform(c.task(r))
		faults = append(faults, err)
	}
	for _, op := range []string{pagerduty.OpAcknowledge, pagerduty.OpNote, pagerduty.OpPriority, pagerduty.OpBridge} {
		_, err := c.perform(follow(c.task(incident.Rung{}), op, ref, incident.WasResolved{}))
		faults = append(faults, err)
	}
	_, _, err = c.pager.Contacts(context.Background(), "PUSER")
	faults = append(faults, err, c.pager.RefreshOnCall(context.Background(), []string{"PSCHED"}, nil))
	all := fmt.Sprintf("%v %+v %v %+v", errors.Join(faults...), c.told, c.pager.Check(context.Background()), faults)
	for _, secret := range []string{apiToken, fromEmail, "tocsin%40corp", routingKey, "vendor words", "elsewhere", url, "Token token"} {
		if strings.Contains(all, secret) {
			t.Fatalf("status %d: %q shows in %s", status, secret, all)
		}
	}
	if status >= 400 && faults[0] == nil {
		t.Fatalf("status %d was taken for success", status)
	}
}

func TestASecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	got := fmt.Sprintf("%s %v %+v %#v %x %q %d", pagerduty.Secret(apiToken), pagerduty.Secret(apiToken), pagerduty.Config{APIToken: apiToken},
		pagerduty.Config{APIToken: apiToken}, pagerduty.Secret(apiToken), pagerduty.Secret(apiToken), pagerduty.Secret(apiToken))
	if strings.Contains(got, "nobody") || strings.Contains(got, fmt.Sprintf("%x", "nobody")) {
		t.Fatal(got)
	}
}
