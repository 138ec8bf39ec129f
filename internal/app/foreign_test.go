package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/config"
)

// A whole incident with a Slack, a PagerDuty and a GitHub that are not ours: Tocsin is
// pointed at them and nothing else is different.
//
// Slack and GitHub are the emulators of the npm package "emulate": they keep state and
// know nothing of Tocsin. Slack's takes a token in the header only, so the wire puts the
// one that Slack's form has there too; and it sends no slash commands, so the test does,
// signed as Slack signs. PagerDuty is Prism, which refuses every request that does not
// keep to PagerDuty's own description and answers with the examples in it; it keeps no
// state, so every page finds the same incident. What goes over the wires to PagerDuty
// and GitHub is held against their descriptions once more by another validator.
func TestVendorsThatAreNotOurs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts four servers of other makers, which takes seconds")
	}
	t.Parallel()
	emulate, prism := foreign(t, "emulate"), foreign(t, "prism")
	rest, events, hub := described(t)
	s := foreignSlack(t, emulate)
	slack := lay(t, &wire{to: s.base, bearer: true})
	gitHub := lay(t, &wire{to: emulated(t, emulate, "github", gitHubSeed), strip: "/api/v3", law: openContract(t, hub, gitHubPaths...)})
	mock := func(file string, paths ...string) *wire {
		cut := filepath.Join(t.TempDir(), "description.json")
		if err := os.WriteFile(cut, part(t, file, paths...), 0o600); err != nil {
			t.Fatal(err)
		}
		base := child(t, prism, "mock", "--errors", "--multiprocess=false", "-h", "127.0.0.1", "-p", "PORT", cut)
		return &wire{to: base, law: openContract(t, file, paths...)}
	}
	pager, enqueue := lay(t, mock(rest, pagerDutyPaths...)), mock(events, "/enqueue")
	enqueue.strip = "/v2"
	lay(t, enqueue)

	secret := config.NewSecret
	_, s.tocsin = serving(t, config.Config{
		Workspace: "foreign", Database: filepath.Join(t.TempDir(), "tocsin.db"),
		Slack: config.Slack{URL: slack.URL + "/api/", BotToken: secret("xoxb-foreign"), SigningSecret: secret(foreignSecret)},
		PagerDuty: config.PagerDuty{URL: pager.URL, EventsURL: enqueue.URL, Token: secret("pd-foreign"), From: "tocsin@example.com", Service: "PSECURE",
			Keys: map[string]config.Secret{"security": secret(strings.Repeat("5eca", 8))}},
		GitHub: config.GitHub{URL: gitHub.URL, Token: secret("ghp_foreign")},
	}, Parts{Plan: s.plan(t)})
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			for _, w := range []*wire{slack, pager, enqueue, gitHub} {
				for _, e := range w.all() {
					t.Log(e.Status, e.Method, e.Path, e.Query, cutText(string(e.Body), 300), "→", cutText(string(e.Answer), 200))
				}
			}
		}
	})

	s.types(t, "C000000001", "/incident", "declare p1 token on a paste site")
	room := ""
	eventually(t, "Slack has a room", func() bool {
		for _, c := range s.ask(t, "conversations.list", nil)["channels"].([]any) {
			if c := c.(map[string]any); strings.HasPrefix(c["name"].(string), "inc-0001") {
				room = c["id"].(string)
			}
		}
		return room != ""
	})
	eventually(t, "PagerDuty took the page", func() bool { return len(enqueue.sent(http.MethodPost, "/enqueue")) > 0 })
	var page struct {
		Key    string `json:"routing_key"`
		Action string `json:"event_action"`
		Dedup  string `json:"dedup_key"`
	}
	if err := json.Unmarshal(enqueue.sent(http.MethodPost, "/enqueue")[0].Body, &page); err != nil {
		t.Fatal(err)
	}
	if page.Key != strings.Repeat("5eca", 8) || page.Action != "trigger" || !strings.HasPrefix(page.Dedup, "INC-0001/") {
		t.Errorf("the page was %+v", page)
	}
	says := func(text string) {
		t.Helper()
		eventually(t, "the room reads "+text, func() bool {
			b, err := json.Marshal(s.ask(t, "conversations.history", url.Values{"channel": {room}, "limit": {"100"}}))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(string(b), text)
		})
	}
	says("aging primary on-call")
	s.types(t, room, "/incident", "role commander me")
	s.types(t, room, "/incident", "page policy nobody answers")
	eventually(t, "PagerDuty took an incident through its policy", func() bool { return len(pager.sent(http.MethodPost, "/incidents")) > 0 })
	s.types(t, room, "/incident", "item add rotate every key")
	s.types(t, room, "/incident", "resolve rotated the key")
	eventually(t, "PagerDuty was told that it is over", func() bool {
		for _, e := range pager.sent(http.MethodPut, "/incidents") {
			if strings.Contains(string(e.Body), `"resolved"`) {
				return true
			}
		}
		return false
	})
	s.types(t, room, "/postmortem", "edit summary a key was on a paste site")
	s.types(t, room, "/postmortem", "publish")
	says("security-incidents/issues/1")

	var issue struct {
		Title, Body, State string
		Labels             []struct{ Name string }
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gitHub.to+"/repos/acme/security-incidents/issues/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, req, "ghp_foreign", &issue)
	if !strings.Contains(issue.Title, "INC-0001") || !strings.Contains(issue.Body, "a key was on a paste site") || len(issue.Labels) == 0 {
		t.Errorf("the issue is %+v", issue)
	}
	for _, e := range append(pager.all(), enqueue.all()...) {
		if e.Status >= 300 {
			t.Errorf("PagerDuty's description refuses %s %s: %d %s", e.Method, e.Path, e.Status, e.Answer)
		}
	}
	for _, e := range pager.all() {
		if e.Header.Get("Authorization") != "Token token=pd-foreign" {
			t.Errorf("%s %s went to PagerDuty without its token", e.Method, e.Path)
		}
	}
	for _, e := range gitHub.all() {
		if e.Header.Get("Authorization") != "Bearer ghp_foreign" {
			t.Errorf("%s %s went to GitHub without its token", e.Method, e.Path)
		}
	}
	for _, e := range slack.all() {
		var answer struct {
			OK    bool
			Error string
		}
		if err := json.Unmarshal(e.Answer, &answer); err != nil || !answer.OK {
			t.Errorf("Slack's emulator answers %s with %d %s", e.Path, e.Status, e.Answer)
		}
	}
	t.Logf("Slack: %d calls", len(slack.all()))
	pager.clean(t, "PagerDuty REST")
	enqueue.clean(t, "PagerDuty events")
	gitHub.clean(t, "GitHub")
}
