package slack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

func TestFilesGoUpInTwoSteps(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "room"})
	must(t, err)
	f, err := w.api.UploadFile(slackgo.UploadFileParameters{
		Filename: "chart.png", Title: "Chart", Reader: strings.NewReader("pixels"), FileSize: 6, Channel: ch.ID, InitialComment: "the chart",
	})
	must(t, err)
	if data, ok := w.FileData(f.ID); !ok || string(data) != "pixels" {
		t.Fatalf("stored %q", data)
	}
	info, _, _, err := w.api.GetFileInfo(f.ID, 0, 0)
	must(t, err)
	var down bytes.Buffer
	must(t, w.api.GetFile(info.URLPrivate, &down))
	if down.String() != "pixels" {
		t.Fatalf("downloaded %q", down.String())
	}
	resp, err := http.Get(info.URLPrivate)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	if page, err := io.ReadAll(resp.Body); err != nil || resp.Request.URL.Path != "/signin" || !strings.Contains(string(page), "Sign in") {
		t.Fatalf("a file without a token leads to %s: %s", resp.Request.URL, page)
	}
	h, err := w.api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ch.ID})
	must(t, err)
	if h.Messages[0].Text != "the chart" || len(h.Messages[0].Files) != 1 {
		t.Fatalf("message %+v", h.Messages[0])
	}
	must(t, w.api.DeleteFile(f.ID))
}

func TestScheduledMessagesFollowTheClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	fast := clock.NewFast(start, 1)
	w := open(t, slack.Config{App: socketApp(), Clock: fast})
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "room"})
	must(t, err)
	if _, _, err := w.api.ScheduleMessage(ch.ID, "1", slackgo.MsgOptionText("late", false)); err == nil || err.Error() != "time_in_past" {
		t.Fatalf("scheduled in the past: %v", err)
	}
	changes, stop := w.Subscribe()
	defer stop()
	at := json.Number(jsonInt(start.Add(time.Hour).Unix()))
	_, _, err = w.api.ScheduleMessage(ch.ID, string(at), slackgo.MsgOptionText("reminder", false))
	must(t, err)
	list, _, err := w.api.GetScheduledMessages(&slackgo.GetScheduledMessagesParameters{Channel: ch.ID})
	must(t, err)
	if len(list) != 1 || list[0].Text != "reminder" {
		t.Fatalf("scheduled: %+v", list)
	}
	fast.Advance(61 * time.Minute)
	for limit := time.After(3 * time.Second); ; {
		select {
		case <-changes:
		case <-limit:
			t.Fatal("it was not posted")
		}
		h, err := w.api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ch.ID, Limit: 1})
		must(t, err)
		if h.Messages[0].Text == "reminder" {
			break
		}
	}
}

func jsonInt(n int64) string { b, _ := json.Marshal(n); return string(b) }

func TestHomeTabHashes(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	home := `{"type":"home","blocks":[]}`
	if got := w.code(t, "views.publish", "user_id", w.alice.ID, "view", home); got != "" {
		t.Fatal(got)
	}
	if got := w.code(t, "views.publish", "user_id", w.alice.ID, "view", home, "hash", "old"); got != "hash_conflict" {
		t.Fatal(got)
	}
	if got := w.code(t, "views.update", "view_id", "V1", "view", home); got != "not_found" {
		t.Fatal(got)
	}
	if got := w.code(t, "views.publish", "user_id", w.alice.ID, "view", `{"type":"home"}`); got != "invalid_arguments" {
		t.Fatal(got)
	}
}

func TestJSONBodiesWorkAsForms(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp()})
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "room"})
	must(t, err)
	body := `{"channel":"` + ch.ID + `","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*hi*"}}],"text":"hi"}`
	req, err := http.NewRequest(http.MethodPost, w.url+"/api/chat.postMessage", strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+w.App().BotToken)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		OK      bool            `json:"ok"`
		TS      string          `json:"ts"`
		Message slackgo.Message `json:"message"`
	}
	must(t, json.NewDecoder(resp.Body).Decode(&out))
	if !out.OK || out.TS == "" || len(out.Message.Blocks.BlockSet) != 1 {
		t.Fatalf("answer %+v", out)
	}
}

func TestAManifestIsInstalled(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{})
	must(t, w.InstallManifest([]byte(`{
		"display_information": {"name": "Tocsin"},
		"features": {"bot_user": {"display_name": "Tocsin"}, "app_home": {"home_tab_enabled": true},
			"slash_commands": [{"command": "/incident", "description": "incidents"}],
			"shortcuts": [{"name": "Declare", "type": "message", "callback_id": "declare", "description": "d"}]},
		"oauth_config": {"scopes": {"bot": ["commands", "chat:write", "channels:history"]}},
		"settings": {"socket_mode_enabled": true, "event_subscriptions": {"bot_events": ["message.channels"]}}}`)))
	a := w.App()
	if !a.SocketMode || !a.HomeTab || len(a.Commands) != 1 || len(a.Shortcuts) != 1 || len(a.Scopes) != 3 || a.Name != "Tocsin" {
		t.Fatalf("installed %+v", a)
	}
	err := w.InstallManifest([]byte(`{"display_information": {"name": "` + strings.Repeat("x", 36) + `"},
		"features": {"slash_commands": [{"command": "incident"}]},
		"settings": {"event_subscriptions": {"bot_events": ["reaction_added"]}}}`))
	for _, want := range []string{"35 characters", `"incident"`, "commands", "reactions:read", "wants a url"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in %v", want, err)
		}
	}
}

func TestTheTableIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range slack.Methods() {
		if seen[m.Name] || m.Tier < 0 || m.Tier > 4 {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
	}
	if len(seen) < 54 {
		t.Errorf("%d methods", len(seen))
	}
}
