package pagerduty_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// ear writes down what was heard.
type ear struct {
	mu    sync.Mutex
	heard []word
	fail  error
	calls int
}

type word struct {
	id    incident.CommandID
	said  incident.VendorSaid
	fresh *pagerduty.Fresh
}

func (e *ear) hear(_ context.Context, id incident.CommandID, said incident.VendorSaid, fresh *pagerduty.Fresh) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	if e.fail != nil {
		return e.fail
	}
	e.heard = append(e.heard, word{id, said, fresh})
	return nil
}

func (e *ear) of(kind string) (word, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.heard {
		if w.said.Kind == kind {
			return w, true
		}
	}
	return word{}, false
}

// listen subscribes the hook to the sandbox account.
func listen(c *company) *ear {
	e := &ear{}
	web := httptest.NewServer(c.pager.Hook(e.hear))
	c.t.Cleanup(web.Close)
	id, _ := c.server.AddWebhook(web.URL, "old-secret")
	c.ok(c.server.RotateSecret(id, "new-secret"))
	return e
}

func (c *company) await(e *ear, kind string) word {
	c.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if w, ok := e.of(kind); ok {
			return w
		}
	}
	c.t.Fatalf("never heard %s", kind)
	return word{}
}

func TestWhatPeopleDoInPagerDutyIsHeard(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := listen(c)
	ref := c.taken(c.task(incident.Rung{Policy: c.policy.ID})).Vendor
	first := c.await(e, "incident.triggered")
	if first.fresh != nil || first.said.Vendor.Key != "INC-0042/17/2" || first.said.Vendor.Incident != ref.Incident {
		t.Fatalf("our own page looks like somebody else's incident: %+v", first)
	}
	c.ok(c.server.Acknowledge(c.alice.ID, ref.Incident))
	if w := c.await(e, "incident.acknowledged"); w.said.Who.ID != "alice" || w.said.Vendor.URL == "" || !strings.HasPrefix(string(w.id), "pdw:") {
		t.Fatalf("%+v", w)
	}
	c.ok(c.server.Reassign(c.alice.ID, ref.Incident, c.bob.ID))
	if w := c.await(e, "incident.reassigned"); names(w.said.People) != "[pagerduty:"+c.bob.ID+"]" || w.said.People[0].Name.Text != "Bob" {
		t.Fatalf("%+v", w.said)
	}
	c.ok(c.server.Note(c.bob.ID, ref.Incident, "looking at it"))
	if w := c.await(e, "incident.annotated"); w.said.Text != "looking at it" || w.said.Vendor.Incident != ref.Incident {
		t.Fatalf("%+v", w.said)
	}
	c.ok(c.server.SetPriority(c.bob.ID, ref.Incident, c.priorityOne.ID))
	c.ok(c.server.Resolve(c.bob.ID, ref.Incident))
	if w := c.await(e, "incident.resolved"); w.said.Vendor.Key != "INC-0042/17/2" {
		t.Fatalf("%+v", w.said)
	}
}

func TestAStrangersIncidentBringsWhatADeclarationNeeds(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := listen(c)
	id, err := c.server.Trigger(c.bob.ID, c.room.ID, "disk full on web-3")
	c.ok(err)
	w := c.await(e, "incident.triggered")
	f := w.fresh
	if f == nil || f.Incident != id || f.Title != "disk full on web-3" || f.Service != c.room.ID || f.ServiceName != "Room" ||
		f.Urgency != "high" || f.Created.IsZero() || f.URL == "" || f.Policy != c.policy.ID {
		t.Fatalf("%+v", f)
	}
}

func TestOurOwnEventIsKnownThoughItsKeyIsNotInTheWebhook(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := listen(c)
	c.taken(c.task(incident.Rung{Service: "security"})) // the service makes alerts: incident_key is null
	if w := c.await(e, "incident.triggered"); w.fresh != nil || w.said.Vendor.Key != "INC-0042/17/2" {
		t.Fatalf("%+v", w)
	}
}

func TestOurOwnPageDeclaresNothingEvenWhenPagerDutyCannotBeAsked(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := listen(c)
	c.breaks("GET /incidents/{id}/alerts", fault.Down)
	c.taken(c.task(incident.Rung{Service: "security"}))
	if w := c.await(e, "incident.triggered"); w.fresh != nil {
		t.Fatalf("%+v", w)
	}
	e.mu.Lock()
	e.heard = nil
	e.mu.Unlock()
	_, err := c.server.Trigger(c.bob.ID, c.room.ID, "disk full")
	c.ok(err)
	if w := c.await(e, "incident.triggered"); w.fresh == nil {
		t.Fatal("a stranger's incident was lost")
	}
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func deliver(h http.Handler, body, signature, id string) int {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-PagerDuty-Signature", signature)
	r.Header.Set("X-Webhook-Id", id)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestForgedAndReplayedWebhooks(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(conf *pagerduty.Config) { conf.WebhookSecrets = append(conf.WebhookSecrets, "") })
	e := &ear{}
	h := c.pager.Hook(e.hear)
	body := `{"event":{"id":"01E","event_type":"incident.acknowledged","agent":{"id":"PX","type":"user_reference","summary":"Eve"},"data":{"id":"QABC","type":"incident"}}}`
	good := sign("new-secret", body)
	for name, signature := range map[string]string{
		"none": "", "another secret": sign("guess", body), "empty secret": sign("", body), "of another body": sign("new-secret", body+" "),
		"cut": good[:20], "no version": good[3:], "not hex": "v1=zz", "an older version": "v0=" + good[3:],
	} {
		if code := deliver(h, body, signature, "w1"); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
	}
	if e.calls != 0 {
		t.Fatal("a forged webhook was heard")
	}
	for _, signature := range []string{good, sign("x", body) + ", " + good, " " + sign("old-secret", body) + " , v1=00"} {
		if code := deliver(h, body, signature, "w1"); code != http.StatusNoContent {
			t.Errorf("%s: %d", signature, code)
		}
	}
	// The header with the webhook's id is not signed: a replay under another must count as the same.
	deliver(h, body, good, "w2")
	for _, w := range e.heard {
		if w.id != "pdw:01E" {
			t.Errorf("heard as %s", w.id)
		}
	}
}

func TestBadBodiesAndFailingRooms(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := &ear{}
	h := c.pager.Hook(e.hear)
	send := func(body string) int { return deliver(h, body, sign("old-secret", body), "w") }
	for body, want := range map[string]int{
		"{": 400, `{"event":{}}`: 400, strings.Repeat("x", 1<<20+1): 413,
		`{"event":{"id":"1","event_type":"pagey.ping","data":{"message":"hello"}}}`: 204,
	} {
		if code := send(body); code != want {
			t.Errorf("%.20s: %d, want %d", body, code, want)
		}
	}
	if e.calls != 0 {
		t.Fatal("heard something")
	}
	for i, body := range []string{
		`{"event":{"id":"2","event_type":"incident.invented_tomorrow","agent":null,"data":{"incident":{"id":"QZ"}}}}`,
		`{"event":{"id":"3","event_type":"incident.acknowledged","agent":"odd","data":{"id":7,"assignees":"odd","html_url":"javascript:alert(1)"}}}`,
		`{"event":{"id":"4","event_type":"service.updated","data":[]}}`,
	} {
		if code := send(body); code != 204 || len(e.heard) != i+1 {
			t.Errorf("%s: %d, heard %d", body, code, len(e.heard))
		}
	}
	if e.heard[0].said.Vendor.Incident != "QZ" || e.heard[1].said.Vendor.URL != "" {
		t.Fatalf("%+v", e.heard)
	}
	e.fail = errors.New("database is away")
	if code := send(`{"event":{"id":"5","event_type":"incident.resolved","data":{}}}`); code != http.StatusServiceUnavailable {
		t.Errorf("a room that cannot write: %d", code)
	}
	e.fail = fmt.Errorf("hear: %w", incident.Refuse("closed", "No.", ""))
	if code := send(`{"event":{"id":"6","event_type":"incident.resolved","data":{}}}`); code != http.StatusNoContent {
		t.Errorf("a refusal: %d", code)
	}
}
