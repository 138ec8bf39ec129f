package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/templates"
)

const foreignSecret = "a-signing-secret-of-somebody-else"

// The worlds the emulators begin with.
const (
	slackSeed = `{"slack": {"team": {"name": "Acme", "domain": "acme"}, "strict_scopes": false,
 "users": [{"name": "alice", "real_name": "Alice Archer", "email": "alice@example.com"}, {"name": "bob", "real_name": "Bob Brandt", "email": "bob@example.com"},
  {"name": "carol", "real_name": "Carol Chen", "email": "carol@example.com"}, {"name": "dave", "real_name": "Dave Dutta", "email": "dave@example.com"},
  {"name": "erin", "real_name": "Erin Eriksen", "email": "erin@example.com"}],
 "channels": [{"name": "incidents"}],
 "oauth_apps": [{"app_id": "A0TOCSIN", "client_id": "1.2", "client_secret": "none", "name": "Tocsin", "redirect_uris": ["http://127.0.0.1/none"],
  "scopes": ["chat:write"], "bot_id": "B0TOCSIN", "bot_user_id": "U0TOCSIN", "bot_name": "tocsin"}],
 "tokens": [{"token": "xoxb-foreign", "type": "bot", "user": "U0TOCSIN", "bot_id": "B0TOCSIN", "bot_user_id": "U0TOCSIN", "app_id": "A0TOCSIN"}]}}`
	gitHubSeed = `{"tokens": {"ghp_foreign": {"login": "tocsin-bot", "scopes": ["repo"]}},
 "github": {"users": [{"login": "tocsin-bot"}, {"login": "alice"}, {"login": "bob"}, {"login": "carol"}, {"login": "dave"}],
 "orgs": [{"login": "acme", "members": [{"login": "tocsin-bot", "role": "admin"}, {"login": "alice"}, {"login": "bob"}]}],
 "repos": [{"owner": "acme", "name": "security-incidents", "private": true}]}}`
)

// emulated starts one of the emulators with a world of its own.
func emulated(t *testing.T, program, service, seed string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), service+".json")
	if err := os.WriteFile(file, []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	return child(t, program, "start", "--service", service, "--port", "PORT", "--seed", file)
}

// workspace is the emulated Slack, and a person in it.
type workspace struct {
	base   string
	tocsin string            // where Tocsin listens
	team   string            // id of the workspace
	ids    map[string]string // of people by their names
	typed  atomic.Int64
}

func foreignSlack(t *testing.T, program string) *workspace {
	t.Helper()
	s := &workspace{base: emulated(t, program, "slack", slackSeed), ids: map[string]string{}}
	s.team = s.ask(t, "auth.test", nil)["team_id"].(string)
	for _, u := range s.ask(t, "users.list", nil)["members"].([]any) {
		u := u.(map[string]any)
		s.ids[u["name"].(string)] = u["id"].(string)
	}
	return s
}

// plan is the demo's plan with the ids this Slack gave to people.
func (s *workspace) plan(t *testing.T) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	demo := templates.DemoPlan()
	err := fs.WalkDir(demo, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(demo, path)
		out[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	people := string(out["people.yaml"].Data)
	for name, id := range map[string]string{"alice": "U0ALICE01", "bob": "U0BOB0001", "carol": "U0CAROL01", "dave": "U0DAVE001", "erin": "U0ERIN001"} {
		people = strings.ReplaceAll(people, id, s.ids[name])
	}
	out["people.yaml"] = &fstest.MapFile{Data: []byte(people)}
	return out
}

// types sends what Slack sends when alice types a command, signed as Slack signs.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func (s *workspace) types(t *testing.T, channel, command, text string) {
	t.Helper()
	body := url.Values{"team_id": {s.team}, "team_domain": {"acme"}, "channel_id": {channel}, "channel_name": {"somewhere"},
		"user_id": {s.ids["alice"]}, "user_name": {"alice"}, "command": {command}, "text": {text}, "api_app_id": {"A0TOCSIN"},
		"response_url": {s.base + "/commands/none"}, "trigger_id": {fmt.Sprintf("1.2.%d", s.typed.Add(1))}}.Encode()
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(foreignSecret))
	_, _ = io.WriteString(mac, "v0:"+stamp+":"+body)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.tocsin+"/slack/command", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", command, text, resp.StatusCode, answer, err)
	}
	t.Logf("%s %s → %s", command, text, cutText(string(answer), 300))
}

// ask calls the emulated Slack as the app would, past the wire.
func (s *workspace) ask(t *testing.T, method string, with url.Values) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.base+"/api/"+method, strings.NewReader(with.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var out map[string]any
	fetch(t, req, "xoxb-foreign", &out)
	if out["ok"] != true {
		t.Fatalf("Slack's emulator answers %s with %v", method, out["error"])
	}
	return out
}

// fetch sends a request and reads the JSON that comes back.
func fetch(t *testing.T, req *http.Request, token string, into any) {
	t.Helper()
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxWire)).Decode(into); err != nil {
		t.Fatalf("%s: %d %v", req.URL, resp.StatusCode, err)
	}
}

// reads waits until a channel has a message with the text.
func (s *workspace) reads(t *testing.T, channel, text string) {
	t.Helper()
	eventually(t, "the room reads "+text, func() bool {
		b, err := json.Marshal(s.ask(t, "conversations.history", url.Values{"channel": {channel}, "limit": {"100"}}))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(b), text)
	})
}
