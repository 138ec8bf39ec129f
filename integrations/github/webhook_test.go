package github_test

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
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/internal/clock"
	hub "github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

type ear struct {
	mu   sync.Mutex
	ids  []incident.CommandID
	all  []github.IssueEvent
	fail error
}

func (e *ear) hear(_ context.Context, id incident.CommandID, i github.IssueEvent) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids, e.all = append(e.ids, id), append(e.all, i)
	return e.fail
}

func (e *ear) heard() []github.IssueEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]github.IssueEvent(nil), e.all...)
}

func TestWhatHappensToAnIssueIsHeard(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	e := &ear{}
	web := httptest.NewServer(d.pub.Hook(e.hear))
	t.Cleanup(web.Close)
	if _, err := d.hub.AddHook(repo, web.URL, "new", "issues"); err != nil {
		t.Fatal(err)
	}
	task := d.task(nil)
	f := d.file(&task, 2)
	d.ok(d.hub.Assign("alice-gh", repo, f.Number, "alice-gh"))
	d.ok(d.hub.CloseIssue("alice-gh", repo, f.Number))
	for end := time.Now().Add(5 * time.Second); len(e.heard()) < 2 && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
	}
	got := map[string]github.IssueEvent{}
	for _, i := range e.heard() {
		got[i.Action] = i
	}
	for _, action := range []string{"assigned", "closed"} {
		if i := got[action]; i.Number != f.Number || i.Repo != repo || i.Actor != "alice-gh" || len(i.Assignees) != 1 {
			t.Errorf("%s: %+v", action, i)
		}
	}
}

func TestForgedWebhooksAreNotHeard(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{}, func(c *github.Config) { c.WebhookSecret = append(c.WebhookSecret, "") })
	e := &ear{}
	h := d.pub.Hook(e.hear)
	send := func(body, signature, kind, delivery string) int {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Hub-Signature-256", signature)
		r.Header.Set("X-GitHub-Event", kind)
		r.Header.Set("X-GitHub-Delivery", delivery)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	body := `{"action":"closed","issue":{"number":3,"assignees":[{"login":"bob"}]},"repository":{"full_name":"acme/incidents"},"sender":{"login":"eve"}}`
	for _, bad := range []string{"", sign("guess", body), sign("", body), sign("old", body+" "), sign("old", body)[:30], "sha1=00"} {
		if code := send(body, bad, "issues", "1"); code != http.StatusUnauthorized {
			t.Errorf("%q: %d", bad, code)
		}
	}
	if len(e.heard()) != 0 {
		t.Fatal("heard a forged webhook")
	}
	for _, delivery := range []string{"1", "2"} { // a replay under another id, which is not signed
		if code := send(body, sign("old", body), "issues", delivery); code != http.StatusNoContent {
			t.Fatal(code)
		}
	}
	if e.ids[0] != e.ids[1] {
		t.Fatal("a replay counts as new")
	}
	for body, want := range map[string]int{"{": 400, `{"action":"closed"}`: 400, strings.Repeat(" ", 4<<20+1): 413, strings.Replace(body, "closed", "pinned", 1): 204} {
		if code := send(body, sign("new", body), "issues", "3"); code != want {
			t.Errorf("%.20q: %d, want %d", body, code, want)
		}
	}
	if code := send("{", sign("new", "{"), "ping", "4"); code != http.StatusNoContent || len(e.heard()) != 2 {
		t.Errorf("ping: %d", code)
	}
	e.fail = errors.New("database is away")
	if code := send(body, sign("new", body), "issues", "5"); code != http.StatusServiceUnavailable {
		t.Error(code)
	}
	e.fail = incident.Refuse("no", "No.", "")
	if code := send(body, sign("new", body), "issues", "6"); code != http.StatusNoContent {
		t.Error(code)
	}
}

func TestTheDoctorNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hub.Repo{})
	d.ok(d.hub.AddRepo(hub.Repo{Name: "acme/open"}))
	d.ok(d.hub.AddRepo(hub.Repo{Name: "acme/readable", Private: true, Read: []string{"tocsin"}}))
	got := fmt.Sprint(d.pub.Check(context.Background(), repo, "acme/open", "acme/readable", "acme/none", "nonsense"))
	for _, says := range []string{"{true acme/incidents The repository is private", "The repository is public", "may not push", "answered 404", "not the name of a repository"} {
		if !strings.Contains(got, says) {
			t.Errorf("%q is not in %s", says, got)
		}
	}
}

// An answer repeats what was sent; whatever its status, none of that may be in an error.
func TestNoErrorCarriesASecretOrGitHubsOwnWords(t *testing.T) {
	t.Parallel()
	for status := 200; status < 600; status++ {
		if status > 208 && status < 300 || status > 308 && status < 400 || status > 452 && status < 500 || status > 512 {
			continue
		}
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "https://elsewhere.example/"+token)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"message":%q,"errors":[{"field":%q,"message":%q}]}`, "vendor words "+token, token, r.URL.String())
		}))
		c := clock.NewFast(time.Now(), 1)
		p, err := github.New(github.Config{Token: token, BaseURL: web.URL, Clock: c,
			Mask: func(s string) (string, []string) { return s, nil },
			Repo: func(incident.State) (string, string, error) { return "acme", "incidents", nil },
			Render: func(context.Context, incident.Task, github.Facts) (github.Document, error) {
				return github.Document{}, nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{t: t, clock: c, pub: p}
		for _, e := range []incident.Effect{incident.Publish{}, incident.FileItem{N: 1}} {
			_, err := d.perform(d.task(e))
			all := fmt.Sprintf("%v %+v", err, p.Check(context.Background(), repo))
			for _, secret := range []string{token, "vendor words", "elsewhere", web.URL} {
				if strings.Contains(all, secret) {
					t.Fatalf("status %d: %q shows in %s", status, secret, all)
				}
			}
			if err == nil {
				t.Fatalf("status %d was taken for success", status)
			}
			final := status >= 300 && status < 500 && status != 408 && status != 429
			if incident.IsGivenUp(err) != final && !strings.Contains(err.Error(), "does not name") && status != 202 {
				t.Fatalf("status %d: given up is %t: %v", status, incident.IsGivenUp(err), err)
			}
		}
		web.Close()
		if _, err := d.perform(d.task(incident.Publish{})); err == nil || incident.IsGivenUp(err) || strings.Contains(err.Error(), web.URL) {
			t.Fatalf("nobody listens: %v", err)
		}
	}
}
