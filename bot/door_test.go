package bot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// send posts a signed request to the door, as Slack would.
func (w *world) send(path, body string) (status int, answer string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.door+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(w.App().SigningSecret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (w *world) command(team, text, trigger string) string {
	return url.Values{
		"team_id": {team}, "user_id": {"U0ALICE01"}, "channel_id": {"C0NOWHERE"}, "command": {"/incident"}, "text": {text}, "trigger_id": {trigger},
	}.Encode()
}

func TestAReplayedRequestChangesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	body := w.command(w.Team().ID, "declare p3 said twice", "T1")
	if status, answer := w.send("/slack/command", body); status != http.StatusOK || !strings.Contains(answer, "INC-0001* is declared") {
		t.Errorf("%d %s", status, answer)
	}
	for range 2 { // whoever caught it on the way is not told the answer
		if status, answer := w.send("/slack/command", body); status != http.StatusOK || answer != "" && !strings.Contains(answer, "INC-0001* is declared") {
			t.Errorf("%d %s", status, answer)
		}
	}
	if w.load("INC-0002").Exists {
		t.Error("a replay declared another one")
	}
}

func TestForeignAndBrokenRequestsAreTurnedAway(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	if status, _ := w.send("/slack/command", w.command("T0ANOTHER", "declare p1 from elsewhere", "T2")); status != http.StatusForbidden {
		t.Errorf("another workspace: %d", status)
	}
	if status, _ := w.send("/slack/interactive", "payload=%7Bnot+json"); status != http.StatusBadRequest {
		t.Errorf("no JSON: %d", status)
	}
	if status, _ := w.send("/slack/events", strings.Repeat("x", 2<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", status)
	}
	if status, answer := w.send("/slack/events", `{"type":"url_verification","challenge":"c123"}`); status != http.StatusOK || !strings.Contains(answer, "c123") {
		t.Errorf("challenge: %d %s", status, answer)
	}
	resp, err := http.Post(w.door+"/slack/command", "application/x-www-form-urlencoded", strings.NewReader(w.command(w.Team().ID, "declare p1 unsigned", "T3")))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("unsigned: %d", resp.StatusCode)
	}
	if w.load("INC-0001").Exists {
		t.Error("something was declared")
	}
}

// Blocks that no library knows yet do not lose a click.
func TestUnknownBlocksDoNotLoseAClick(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	w.send("/slack/command", w.command(w.Team().ID, "declare p3 new blocks", "T4"))
	payload := `{"type":"block_actions","team":{"id":"` + w.Team().ID + `"},"user":{"id":"U0ALICE01"},"trigger_id":"T5",
		"container":{"type":"message","message_ts":"1.2","channel_id":"C0NOWHERE"},"message":{"ts":"1.2","blocks":[{"type":"hologram","depth":{"z":[1]}}]},
		"actions":[{"type":"button","action_id":"do-1","block_id":"b","value":"{\"w\":\"note from a hologram\",\"s\":\"INC-0001\"}"}]}`
	if status, answer := w.send("/slack/interactive", url.Values{"payload": {payload}}.Encode()); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	events, err := w.db.Timeline(w.ctx, "INC-0001", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if n, ok := e.Event.(incident.Noted); ok && n.Text.Text == "from a hologram" {
			return
		}
	}
	t.Error("the note is not there")
}
