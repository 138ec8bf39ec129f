package pagerduty_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
)

type fixed struct{}

func (fixed) Now() time.Time { return time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC) }

// Whatever a signed webhook carries, it is answered, and what it says is bounded.
func FuzzWebhook(f *testing.F) {
	f.Add(`{"event":{"id":"1","event_type":"incident.triggered","data":{"id":"P1","title":"x","service":{"id":"S"}}}}`)
	f.Add(`{"event":{"id":"1","event_type":"incident.acknowledged","agent":{"id":"P2","type":"user_reference"},"data":{"id":"P1","assignees":[{"id":"P3","type":"user"}]}}}`)
	f.Add(`{"event":{"event_type":"incident.annotated","data":{"incident":{"id":"P1"},"content":"<!channel>"}}}`)
	f.Add(`{"event":{"id":{},"event_type":"x","data":[1,2]}}`)
	p, err := pagerduty.New(pagerduty.Config{
		Services: map[string]pagerduty.Secret{"security": "00000000000000000000000000000000"}, WebhookSecrets: []pagerduty.Secret{"s"},
		Clock: fixed{}, People: func(string, string) (incident.Person, bool) { return incident.Person{}, false },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		hook := p.Hook(func(_ context.Context, id incident.CommandID, said incident.VendorSaid, fresh *pagerduty.Fresh) error {
			if id == "" || len([]rune(said.Text)) > incident.MaxText || len(said.People) > 100 || len(said.Vendor.Incident) > 256 {
				t.Errorf("%q %+v", id, said)
			}
			if fresh != nil && len([]rune(fresh.Title)) > incident.MaxTitle {
				t.Errorf("a title of %d", len(fresh.Title))
			}
			return nil
		})
		mac := hmac.New(sha256.New, []byte("s"))
		mac.Write([]byte(body))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-PagerDuty-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, r)
		if w.Code != http.StatusNoContent && w.Code != http.StatusBadRequest {
			t.Errorf("answered %d to %q", w.Code, body)
		}
	})
}
