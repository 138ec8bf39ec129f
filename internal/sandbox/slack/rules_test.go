package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// ask calls a method as curl would and returns the status, headers and answer.
func (w *workspace) ask(t *testing.T, method, token string, form url.Values) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, w.url+"/api/"+method, strings.NewReader(form.Encode()))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	out := map[string]any{}
	must(t, json.NewDecoder(resp.Body).Decode(&out))
	return resp, out
}

// code is the error of a call with the bot token; empty when it was answered.
func (w *workspace) code(t *testing.T, method string, kv ...string) string {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	_, out := w.ask(t, method, w.App().BotToken, form)
	str, _ := out["error"].(string)
	return str
}

func TestTheDoor(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: slack.App{Scopes: []string{"chat:write"}}})
	a := w.App()
	for _, c := range []struct{ method, token, want string }{
		{"auth.test", "", "not_authed"},
		{"auth.test", "xoxb-wrong", "invalid_auth"},
		{"auth.test", a.BotToken, ""},
		{"chat.postMessage", a.AppToken, "not_allowed_token_type"},
		{"apps.connections.open", a.BotToken, "not_allowed_token_type"},
		{"chat.shout", a.BotToken, "unknown_method"},
		{"pins.add", a.BotToken, "missing_scope"},
	} {
		resp, out := w.ask(t, c.method, c.token, nil)
		if got, _ := out["error"].(string); got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.method, c.token, got, c.want)
		}
		if c.want == "missing_scope" && (out["needed"] != "pins:write" || out["provided"] != "chat:write" || resp.Header.Get("X-OAuth-Scopes") != "chat:write") {
			t.Errorf("missing_scope says %v, header %q", out, resp.Header.Get("X-OAuth-Scopes"))
		}
	}
	// A JSON body carries the token in the header only.
	req, err := http.NewRequest(http.MethodPost, w.url+"/api/chat.postMessage", strings.NewReader(`{"token":"`+a.BotToken+`"}`))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	if b, _ := io.ReadAll(resp.Body); !strings.Contains(string(b), "not_authed") {
		t.Errorf("token in a JSON body: %s", b)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	w.AddChannel("taken", false, "alice")
	w.AddChannel("hidden", true, "alice")
	for name, want := range map[string]string{
		"": "invalid_name_required", "Inc": "invalid_name_specials", "inc 1": "invalid_name_specials",
		"inc.1": "invalid_name_specials", "---": "invalid_name_punctuation", "taken": "name_taken", "hidden": "name_taken",
		"here": "name_taken", strings.Repeat("a", 81): "invalid_name_maxlength", strings.Repeat("a", 80): "", "inc-0001_x": "",
	} {
		if got := w.code(t, "conversations.create", "name", name); got != want {
			t.Errorf("create %q: %q, want %q", name, got, want)
		}
	}
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "old"})
	must(t, err)
	must(t, w.api.ArchiveConversation(ch.ID))
	if got := w.code(t, "conversations.create", "name", "old"); got != "name_taken" {
		t.Errorf("an archived channel gave its name away: %q", got)
	}
	for _, m := range []string{"chat.postMessage", "conversations.setTopic", "pins.add", "conversations.invite"} {
		if got := w.code(t, m, "channel", ch.ID, "text", "x", "topic", "x", "timestamp", "1.1", "users", w.alice.ID); got != "is_archived" {
			t.Errorf("%s on an archived channel: %q", m, got)
		}
	}
	if got := w.code(t, "conversations.archive", "channel", ch.ID); got != "already_archived" {
		t.Errorf("archived twice: %q", got)
	}
}

func TestWhoIsWhere(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	public, private := w.AddChannel("public", false, "alice"), w.AddChannel("private", true, "alice")
	gone := w.AddUser(slack.User{Name: "gone", Deleted: true})
	bot, _ := w.BotUser()
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "room"})
	must(t, err)
	for _, c := range []struct {
		want, method string
		kv           []string
	}{
		{"channel_not_found", "chat.postMessage", []string{"channel", private, "text", "x"}},
		{"not_in_channel", "chat.postMessage", []string{"channel", public, "text", "x"}},
		{"no_text", "chat.postMessage", []string{"channel", ch.ID}},
		{"channel_not_found", "conversations.info", []string{"channel", private}},
		{"", "conversations.info", []string{"channel", public}},
		{"not_in_channel", "conversations.history", []string{"channel", public}},
		{"channel_not_found", "pins.list", []string{"channel", private}},
		{"cant_invite_self", "conversations.invite", []string{"channel", ch.ID, "users", bot}},
		{"user_not_found", "conversations.invite", []string{"channel", ch.ID, "users", w.alice.ID + ",UNOBODY"}},
		{"cant_invite", "conversations.invite", []string{"channel", ch.ID, "users", gone.ID}},
		{"", "conversations.invite", []string{"channel", ch.ID, "users", w.bob.ID + ",UNOBODY", "force", "true"}},
		{"already_in_channel", "conversations.invite", []string{"channel", ch.ID, "users", w.bob.ID}},
		{"cant_kick_self", "conversations.kick", []string{"channel", ch.ID, "user", bot}},
		{"user_not_in_channel", "chat.postEphemeral", []string{"channel", ch.ID, "user", w.alice.ID, "text", "x"}},
		{"message_not_found", "chat.update", []string{"channel", ch.ID, "ts", "1.000001", "text", "x"}},
		{"user_disabled", "conversations.open", []string{"users", gone.ID}},
		{"users_not_found", "users.lookupByEmail", []string{"email", gone.Email}},
		{"invalid_cursor", "users.list", []string{"cursor", "nonsense"}},
		{"thread_not_found", "chat.postMessage", []string{"channel", ch.ID, "text", "x", "thread_ts", "1.000001"}},
		{"invalid_metadata_format", "chat.postMessage", []string{"channel", ch.ID, "text", "x", "metadata", `{"event_type":"x"}`}},
		{"invalid_blocks_format", "chat.postMessage", []string{"channel", ch.ID, "blocks", `{"type":"x"}`}},
	} {
		if got := w.code(t, c.method, c.kv...); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.method, c.kv, got, c.want)
		}
	}
	// One bad id spoiled the list: alice was not invited.
	members, _, err := w.api.GetUsersInConversation(&slackgo.GetUsersInConversationParameters{ChannelID: ch.ID})
	must(t, err)
	if strings.Join(members, " ") != bot+" "+w.bob.ID {
		t.Errorf("members: %v", members)
	}
	ts, err := w.Post(context.Background(), "bob", ch.ID, "mine", "")
	must(t, err)
	for m, want := range map[string]string{"chat.update": "cant_update_message", "chat.delete": "cant_delete_message"} {
		if got := w.code(t, m, "channel", ch.ID, "ts", ts, "text", "x"); got != want {
			t.Errorf("%s of bob's message: %q", m, got)
		}
	}
	guest := w.AddUser(slack.User{Name: "guest", Guest: true})
	if v := w.View(guest.ID, slack.ViewOptions{}); len(v.Channels) != 0 {
		t.Errorf("a guest sees %v", v.Channels)
	}
	if err := w.Join(context.Background(), "guest", "public"); err == nil {
		t.Error("a guest joined a channel")
	}
}

func TestPagesOfHistory(t *testing.T) {
	t.Parallel()
	fast := clock.NewFast(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), 1)
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true, Clock: fast})
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "room"})
	must(t, err)
	last := ""
	for range 25 {
		_, ts, err := w.api.PostMessage(ch.ID, slackgo.MsgOptionText("x", false))
		must(t, err)
		if ts <= last || len(ts) != 17 {
			t.Fatalf("ts %q after %q", ts, last)
		}
		last = ts
	}
	seen, cursor := map[string]bool{}, ""
	for {
		h, err := w.api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ch.ID, Limit: 10, Cursor: cursor})
		must(t, err)
		for _, m := range h.Messages {
			seen[m.Timestamp] = true
		}
		if cursor = h.ResponseMetaData.NextCursor; !h.HasMore {
			break
		}
	}
	if len(seen) != 26 { // and the line about the bot's joining
		t.Fatalf("%d messages in all pages", len(seen))
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	fast := clock.NewFast(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), 1)
	w := open(t, slack.Config{App: socketApp(), Clock: fast})
	a, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "a"})
	must(t, err)
	b, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "b"})
	must(t, err)
	var limited *slackgo.RateLimitedError
	n := 0
	for ; n < 20; n++ {
		if _, _, err := w.api.PostMessage(a.ID, slackgo.MsgOptionText("x", false)); errors.As(err, &limited) {
			break
		}
	}
	if n != 5 || limited.RetryAfter != time.Second {
		t.Fatalf("after %d messages: %v", n, limited)
	}
	_, _, err = w.api.PostMessage(b.ID, slackgo.MsgOptionText("x", false))
	must(t, err) // another channel has its own bucket
	fast.Advance(time.Second)
	_, _, err = w.api.PostMessage(a.ID, slackgo.MsgOptionText("x", false))
	must(t, err)
	for n = 0; n < 60; n++ { // tier 2
		if resp, _ := w.ask(t, "pins.list", w.App().BotToken, url.Values{"channel": {a.ID}}); resp.StatusCode == http.StatusTooManyRequests {
			if resp.Header.Get("Retry-After") != "3" {
				t.Fatalf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
			break
		}
	}
	if n != 20 {
		t.Fatalf("tier 2 allowed %d calls", n)
	}
}

func TestTriggersAndResponseURLs(t *testing.T) {
	t.Parallel()
	fast := clock.NewFast(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), 1)
	var mu sync.Mutex
	var got url.Values
	appSide := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		defer mu.Unlock()
		got = r.PostForm
	})
	sa := socketApp()
	sa.SocketMode, sa.RequestURL, sa.Events = false, appSide, nil
	w := open(t, slack.Config{App: sa, Clock: fast, NoRateLimits: true})
	general := w.AddChannel("general", false, "alice")
	type1 := func() url.Values {
		must(t, w.Slash(context.Background(), "alice", general, "/incident x"))
		mu.Lock()
		defer mu.Unlock()
		return got
	}
	opened := func(trigger string) string {
		_, err := w.api.OpenView(trigger, modal())
		if err == nil {
			return ""
		}
		return err.Error()
	}
	trigger := type1().Get("trigger_id")
	for _, want := range []string{"", "exchanged_trigger_id"} {
		if code := opened(trigger); code != want {
			t.Fatalf("open: %q, want %q", code, want)
		}
	}
	if code := opened("1.2.3"); code != "invalid_trigger_id" {
		t.Fatalf("a made-up trigger: %q", code)
	}
	trigger = type1().Get("trigger_id")
	w.ExpireTriggers()
	if code := opened(trigger); code != "expired_trigger_id" {
		t.Fatalf("an old trigger: %q", code)
	}

	reply := type1().Get("response_url")
	for n := range 6 {
		err := slackgo.PostWebhook(reply, &slackgo.WebhookMessage{Text: "x"})
		if (err == nil) != (n < 5) {
			t.Fatalf("use %d of a response_url: %v", n+1, err)
		}
	}
	reply = type1().Get("response_url")
	fast.Advance(31 * time.Minute)
	if slackgo.PostWebhook(reply, &slackgo.WebhookMessage{Text: "x"}) == nil {
		t.Fatal("a response_url lived for 31 minutes")
	}
	v := w.View("alice", slack.ViewOptions{Channel: general})
	if len(v.Messages) != 5 || !v.Messages[0].Ephemeral {
		t.Fatalf("alice sees %+v", v.Messages)
	}
}

func TestFaultsStrike(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	ch, err := w.api.CreateConversation(slackgo.CreateConversationParams{ChannelName: "a"})
	must(t, err)
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "chat.*", Kind: fault.Ambiguous, Times: 1})
	if _, _, err := w.api.PostMessage(ch.ID, slackgo.MsgOptionText("done all the same", false)); err == nil {
		t.Fatal("the answer was not lost")
	}
	h, err := w.api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ch.ID})
	must(t, err)
	if h.Messages[0].Text != "done all the same" {
		t.Fatalf("the work was not done: %+v", h.Messages[0])
	}
}
