package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
	s := amongStrangers(t)
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
	s.reads(t, room, "aging primary on-call")
	s.hasPage(t)
	s.types(t, room, "/incident", "role commander me")
	s.types(t, room, "/incident", "page policy nobody answers")
	eventually(t, "PagerDuty took an incident through its policy", func() bool { return len(s.pager.sent(http.MethodPost, "/incidents")) > 0 })
	s.types(t, room, "/incident", "item add rotate every key")
	s.types(t, room, "/incident", "resolve rotated the key")
	eventually(t, "PagerDuty was told that it is over", func() bool {
		return slices.ContainsFunc(s.pager.sent(http.MethodPut, "/incidents"), func(e exchange) bool { return strings.Contains(string(e.Body), `"resolved"`) })
	})
	s.types(t, room, "/postmortem", "edit summary a key was on a paste site")
	s.types(t, room, "/postmortem", "publish")
	s.reads(t, room, "security-incidents/issues/1")
	hasIssues(t, s.gitHub)
	s.hasRoom(t, room)

	nobodyElse(t)
	tokens(t, s.pager, "Token token=pd-foreign")
	tokens(t, s.gitHub, "Bearer ghp_foreign")
	for _, e := range append(s.pager.all(), s.enqueue.all()...) {
		if e.Status >= 300 {
			t.Errorf("PagerDuty's description refuses %s %s: %d %s", e.Method, e.Path, e.Status, e.Answer)
		}
	}
	for _, e := range s.slack.all() {
		var answer struct {
			OK bool `json:"ok"`
		}
		if err := json.Unmarshal(e.Answer, &answer); err != nil || !answer.OK {
			t.Errorf("Slack's emulator answers %s with %d %s", e.Path, e.Status, e.Answer)
		}
	}
	for who, w := range map[string]*wire{"Slack": s.slack, "PagerDuty REST": s.pager, "PagerDuty events": s.enqueue, "GitHub": s.gitHub} {
		w.clean(t, who)
	}
	refereesAreAwake(t, s.pager, s.enqueue)
}

// strangers are the servers of other makers, with a wire to each, and Tocsin.
type strangers struct {
	*workspace
	slack, pager, enqueue, gitHub *wire
}

// amongStrangers starts them all, and Tocsin with nothing but their addresses.
func amongStrangers(t *testing.T) *strangers {
	t.Helper()
	emulate, prism := foreign(t, "emulate"), foreign(t, "prism")
	rest, events, hub := described(t)
	referee := func(file string, paths ...string) string {
		cut := filepath.Join(t.TempDir(), "description.json")
		if err := os.WriteFile(cut, part(t, file, paths...), 0o600); err != nil {
			t.Fatal(err)
		}
		return child(t, prism, "mock", "--errors", "--multiprocess=false", "-h", "127.0.0.1", "-p", "PORT", cut)
	}
	s := &strangers{workspace: foreignSlack(t, emulate)}
	s.slack = lay(t, &wire{to: s.base, bearer: true})
	s.pager = lay(t, &wire{to: referee(rest, pagerDutyPaths...), law: openContract(t, rest, pagerDutyPaths...)})
	s.enqueue = lay(t, &wire{to: referee(events, "/enqueue"), strip: "/v2", law: openContract(t, events, "/enqueue")})
	s.gitHub = lay(t, &wire{to: emulated(t, emulate, "github", gitHubSeed), strip: "/api/v3", law: openContract(t, hub, gitHubPaths...)})
	t.Cleanup(func() {
		if !t.Failed() && !testing.Verbose() {
			return
		}
		for _, w := range []*wire{s.slack, s.pager, s.enqueue, s.gitHub} {
			for _, e := range w.all() {
				t.Log(e.Status, e.Method, e.Path, e.Query, cutText(string(e.Body), 300), "→", cutText(string(e.Answer), 200))
			}
		}
	})
	secret := config.NewSecret
	_, s.tocsin = serving(t, config.Config{
		Workspace: "foreign", Database: filepath.Join(t.TempDir(), "tocsin.db"),
		Slack: config.Slack{URL: s.slack.URL + "/api/", BotToken: secret("xoxb-foreign"), SigningSecret: secret(foreignSecret)},
		PagerDuty: config.PagerDuty{URL: s.pager.URL, EventsURL: s.enqueue.URL, Token: secret("pd-foreign"), From: "tocsin@example.com", Service: "PSECURE",
			Keys: map[string]config.Secret{"security": secret(routing)}},
		GitHub: config.GitHub{URL: s.gitHub.URL, Token: secret("ghp_foreign")},
	}, Parts{Plan: s.plan(t)})
	return s
}

var routing = strings.Repeat("5eca", 8) // an integration key has 32 characters

// hasPage waits for the page and looks at what PagerDuty was sent.
func (s *strangers) hasPage(t *testing.T) {
	t.Helper()
	eventually(t, "PagerDuty took the page", func() bool { return len(s.enqueue.sent(http.MethodPost, "/enqueue")) > 0 })
	var page struct {
		Key    string `json:"routing_key"`
		Action string `json:"event_action"`
		Dedup  string `json:"dedup_key"`
	}
	if err := json.Unmarshal(s.enqueue.sent(http.MethodPost, "/enqueue")[0].Body, &page); err != nil {
		t.Fatal(err)
	}
	if page.Key != routing || page.Action != "trigger" || !strings.HasPrefix(page.Dedup, "INC-0001/") {
		t.Errorf("the page was %+v", page)
	}
}

// hasRoom looks at the war room as the emulated Slack has it.
func (s *workspace) hasRoom(t *testing.T, room string) {
	t.Helper()
	info := s.ask(t, "conversations.info", url.Values{"channel": {room}})["channel"].(map[string]any)
	if topic := info["topic"].(map[string]any)["value"].(string); !strings.Contains(topic, "resolved") || !strings.Contains(topic, "Alice Archer") {
		t.Errorf("the room's topic is %q", topic)
	}
	if members := fmt.Sprint(s.ask(t, "conversations.members", url.Values{"channel": {room}})["members"]); !strings.Contains(members, s.ids["alice"]) {
		t.Errorf("in the room are %s, and alice is %s", members, s.ids["alice"])
	}
	if pins := s.ask(t, "pins.list", url.Values{"channel": {room}})["items"].([]any); len(pins) == 0 {
		t.Error("nothing is pinned in the room")
	}
	eventually(t, "a bookmark leads to the issue", func() bool {
		return strings.Contains(fmt.Sprint(s.ask(t, "bookmarks.list", url.Values{"channel_id": {room}})["bookmarks"]), "security-incidents/issues/1")
	})
}

// hasIssues looks at the post-mortem and the action item as the emulated GitHub has
// them. It knows no sub-issues, so the item is in a task list.
func hasIssues(t *testing.T, gitHub *wire) {
	t.Helper()
	for number, wants := range map[string][]string{
		"1": {"Post-mortem INC-0001", "a key was on a paste site", "security-incidents/issues/2"},
		"2": {"INC-0001", "rotate every key"},
	} {
		var text string
		eventually(t, "issue "+number+" is whole", func() bool {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gitHub.to+"/repos/acme/security-incidents/issues/"+number, nil)
			if err != nil {
				t.Fatal(err)
			}
			var issue struct {
				Title  string                  `json:"title"`
				Body   string                  `json:"body"`
				Labels []struct{ Name string } `json:"labels"`
			}
			fetch(t, req, "ghp_foreign", &issue)
			text = fmt.Sprintf("%+v", issue)
			return !slices.ContainsFunc(append(wants, "{Name:tocsin}"), func(want string) bool { return !strings.Contains(text, want) })
		})
	}
}

// tokens fails the test when a call went out without the token.
func tokens(t *testing.T, w *wire, want string) {
	t.Helper()
	for _, e := range w.all() {
		if e.Header.Get("Authorization") != want {
			t.Errorf("%s %s went out without the token", e.Method, e.Path)
		}
	}
}

// refereesAreAwake sends PagerDuty what its description forbids: both validators must
// object, or the silence before proves nothing.
func refereesAreAwake(t *testing.T, pager, enqueue *wire) {
	t.Helper()
	for _, foul := range []struct {
		w    *wire
		path string
		body string
	}{
		{enqueue, "/v2/enqueue", `{"routing_key":"5eca","event_action":"shout"}`},
		{pager, "/incidents", `{"incident":{"type":"incident","service":{"id":"PSECURE","type":"service_reference"}}}`},
	} {
		before := foul.w.objections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, foul.w.URL+foul.path, strings.NewReader(foul.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/vnd.pagerduty+json;version=2"},
			"From": {"tocsin@example.com"}, "Authorization": {"Token token=pd-foreign"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode < 400 || foul.w.objections() == before {
			t.Errorf("%s: Prism answers %d and the other validator has %d objections to %s", foul.path, resp.StatusCode, foul.w.objections()-before, foul.body)
		}
	}
}
