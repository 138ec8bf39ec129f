package github_test

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
	"github.com/tocsin-ir/tocsin/integrations/github"
)

type fixed struct{}

func (fixed) Now() time.Time { return time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC) }

// Whatever a signed webhook carries, it is answered, and nothing half-read is heard.
func FuzzWebhook(f *testing.F) {
	f.Add("issues", `{"action":"closed","issue":{"number":7},"repository":{"full_name":"a/b"},"sender":{"login":"alice"}}`)
	f.Add("issues", `{"action":"assigned","issue":{"number":7,"assignees":[{"login":"bob"},null]},"repository":{"full_name":"a/b"}}`)
	f.Add("ping", `{}`)
	f.Add("issues", `[]`)
	p, err := github.New(github.Config{
		Token: "t", Clock: fixed{}, WebhookSecret: []github.Secret{"s"},
		Repo: func(incident.State) (string, string, error) { return "a", "b", nil },
		Render: func(context.Context, incident.Task, github.Facts) (github.Document, error) {
			return github.Document{}, nil
		},
		Mask: func(s string) (string, []string) { return s, nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		hook := p.Hook(func(_ context.Context, id incident.CommandID, e github.IssueEvent) error {
			if id == "" || e.Number == 0 || e.Repo == "" {
				t.Errorf("%q %+v", id, e)
			}
			return nil
		})
		mac := hmac.New(sha256.New, []byte("s"))
		mac.Write([]byte(body))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		r.Header["X-Github-Event"] = []string{kind}
		r.Header.Set("X-Github-Delivery", "d")
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("answered %d to %q", w.Code, body)
		}
	})
}
