package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// rest is a Slack with an app that is not Tocsin: it asks and hears what Tocsin, in the
// stories, does not.
type rest struct {
	*slack.Server
	t         *testing.T
	web, door *wire
}

// playRest has every method asked, every event sent and every element used.
func playRest(t *testing.T) []specimen {
	t.Helper()
	r := newRest(t)
	general := r.AddChannel("general", false, "alice", "bob", "tocsin")
	r.channels()
	r.messages(general)
	r.people()
	r.files(general)
	r.elements(general)
	r.views()
	eventually(t, "all events are delivered", func() bool { return !r.Pushing() })
	socket := slack.New(slack.Config{App: slack.App{SocketMode: true}})
	t.Cleanup(socket.Close)
	server := httptest.NewServer(socket)
	t.Cleanup(server.Close)
	web := lay(t, &wire{to: server.URL})
	r.ask(web.URL, socket.App().AppToken, "apps.connections.open", nil)
	return append(specimens("the rest", r.web.all(), r.door.all()), specimens("the rest", web.all(), nil)...)
}

func newRest(t *testing.T) *rest {
	t.Helper()
	var scopes []string
	for _, m := range slack.Methods() {
		scopes = append(scopes, m.Scopes...)
	}
	app := slack.App{Scopes: append(scopes, "commands", "app_mentions:read", "chat:write.customize"), Events: slack.Events(), HomeTab: true,
		Commands:  []slack.Command{{Command: "/ask"}},
		Shortcuts: []slack.Shortcut{{Type: "global", CallbackID: "new"}, {Type: "message", CallbackID: "keep"}}}
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	r := &rest{t: t, door: lay(t, &wire{to: sink.URL})}
	app.RequestURL, app.EventsURL, app.InteractivityURL = r.door.URL+"/slack/command", r.door.URL+"/slack/events", r.door.URL+"/slack/interactive"
	r.Server = slack.New(slack.Config{App: app, NoRateLimits: true})
	t.Cleanup(r.Close)
	server := httptest.NewServer(r.Server)
	t.Cleanup(server.Close)
	r.web = lay(t, &wire{to: server.URL})
	r.SetBaseURL(r.web.URL)
	r.AddUser(slack.User{Name: "alice", Title: "Lead", TZ: "Europe/Berlin"})
	r.AddUser(slack.User{Name: "bob"})
	return r
}

// given are the arguments of a call of the Web API.
type given = map[string]any

// call asks as the app, with JSON, and wants a yes.
func (r *rest) call(method string, with given) given {
	r.t.Helper()
	return r.ask(r.web.URL, r.App().BotToken, method, with)
}

func (r *rest) ask(base, token, method string, with given) given {
	r.t.Helper()
	body, err := json.Marshal(with)
	r.must(err)
	if with == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/api/"+method, bytes.NewReader(body))
	r.must(err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	var out given
	fetch(r.t, req, token, &out)
	if out["ok"] != true {
		r.t.Fatalf("the sandbox answers %s with %v", method, out)
	}
	return out
}

func (r *rest) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rest) user(name string) string {
	for _, u := range r.Users() {
		if u.Name == name {
			return u.ID
		}
	}
	return ""
}

// channels come, change and go, public and private.
func (r *rest) channels() {
	r.t.Helper()
	for _, private := range []bool{false, true} {
		name := fmt.Sprint("room-", private)
		c := given{"channel": r.call("conversations.create", given{"name": name, "is_private": private})["channel"].(given)["id"]}
		with := func(more given) given {
			out := given{"channel": c["channel"]}
			for k, v := range more {
				out[k] = v
			}
			return out
		}
		r.call("conversations.invite", with(given{"users": r.user("alice")}))
		r.call("conversations.setTopic", with(given{"topic": "a topic"}))
		r.call("conversations.setPurpose", with(given{"purpose": "a purpose"}))
		r.call("conversations.rename", with(given{"name": name + "-now"}))
		r.call("conversations.archive", c)
		r.call("conversations.unarchive", c)
		r.call("conversations.kick", with(given{"user": r.user("alice")}))
		r.call("conversations.leave", c)
	}
	open := r.AddChannel("open", false, "alice")
	r.call("conversations.join", given{"channel": open})
	r.call("conversations.list", given{"types": "public_channel,private_channel,im", "limit": 100})
	r.call("conversations.info", given{"channel": open, "include_num_members": true})
	r.call("conversations.members", given{"channel": open})
	r.call("users.conversations", given{"user": r.user("alice")})
}

// messages are written, answered, marked and taken back, by the app and by people.
func (r *rest) messages(general string) {
	r.t.Helper()
	ctx := r.t.Context()
	said, err := r.Post(ctx, "alice", "#general", "see #general, @bob and https://example.com/x", "")
	r.must(err)
	_, err = r.Post(ctx, "bob", "#general", "@tocsin seen", said)
	r.must(err)
	at := given{"channel": general, "timestamp": said}
	r.call("reactions.add", given{"channel": general, "timestamp": said, "name": "eyes"})
	r.call("reactions.get", at)
	r.call("reactions.remove", given{"channel": general, "timestamp": said, "name": "eyes"})
	r.call("pins.add", at)
	r.call("pins.list", given{"channel": general})
	r.must(r.Edit(ctx, "alice", "#general", said, "see this"))
	r.call("conversations.history", given{"channel": general})
	r.call("pins.remove", at)
	r.call("chat.getPermalink", given{"channel": general, "message_ts": said})
	r.call("conversations.mark", given{"channel": general, "ts": said})
	r.call("conversations.replies", given{"channel": general, "ts": said})
	dm := r.call("conversations.open", given{"users": r.user("alice")})["channel"].(given)["id"]
	r.call("chat.postMessage", given{"channel": dm, "text": "hello"})
	_, err = r.Post(ctx, "alice", dm.(string), "hello to you", "")
	r.must(err)
	r.call("chat.postMessage", given{"channel": general, "text": "as somebody", "username": "Somebody", "icon_emoji": ":eyes:"})
	r.call("chat.postMessage", given{"channel": general, "text": "told everybody", "thread_ts": said, "reply_broadcast": true})
	posted := r.call("chat.postMessage", given{"channel": general, "text": "with an attachment",
		"attachments": []any{given{"text": "attached", "color": "#ff0000"}},
		"metadata":    given{"event_type": "told", "event_payload": given{"n": 1}}})
	r.call("chat.update", given{"channel": general, "ts": posted["ts"], "text": "changed"})
	r.call("chat.delete", given{"channel": general, "ts": posted["ts"]})
	r.call("chat.postEphemeral", given{"channel": general, "user": r.user("alice"), "text": "only you"})
	later := r.call("chat.scheduleMessage", given{"channel": general, "text": "later", "post_at": time.Now().Add(time.Hour).Unix()})
	r.call("chat.scheduledMessages.list", given{"channel": general})
	r.call("chat.deleteScheduledMessage", given{"channel": general, "scheduled_message_id": later["scheduled_message_id"]})
	mark := r.call("bookmarks.add", given{"channel_id": general, "title": "a link", "type": "link", "link": "https://example.com"})
	id := mark["bookmark"].(given)["id"]
	r.call("bookmarks.edit", given{"channel_id": general, "bookmark_id": id, "title": "the link"})
	r.call("bookmarks.list", given{"channel_id": general})
	r.call("bookmarks.remove", given{"channel_id": general, "bookmark_id": id})
	guest, err := r.JoinFromOutside("#general", slack.User{Name: "zoe", TeamID: "T0ELSEWHERE"})
	r.must(err)
	_, err = r.Post(ctx, guest.ID, "#general", "hello from outside", "")
	r.must(err)
	r.call("conversations.history", given{"channel": general, "limit": 100})
}

// people and what is known of them.
func (r *rest) people() {
	r.t.Helper()
	group := r.AddUserGroup("on-call", "On call", "bob")
	r.AddUser(slack.User{Name: "carol"})
	r.Rename("carol", "Carol C")
	r.Deactivate("carol")
	_, id := r.BotUser()
	r.call("auth.test", nil)
	r.call("bots.info", given{"bot": id})
	r.call("team.info", nil)
	r.call("usergroups.list", given{"include_users": true})
	r.call("usergroups.users.list", given{"usergroup": group.ID})
	r.call("users.info", given{"user": r.user("alice")})
	r.call("users.list", given{"limit": 10})
	r.call("users.lookupByEmail", given{"email": "alice@example.com"})
	r.call("users.profile.get", given{"user": r.user("alice")})
}

// files are shared by a person and by the app.
func (r *rest) files(general string) {
	r.t.Helper()
	_, _, err := r.ShareFile(r.t.Context(), "alice", "#general", "notes.txt", []byte("notes"), "my notes", "")
	r.must(err)
	up := r.call("files.getUploadURLExternal", given{"filename": "log.txt", "length": 3, "alt_txt": "a log"})
	resp, err := http.Post(up["upload_url"].(string), "application/octet-stream", strings.NewReader("log")) //nolint:noctx // loopback
	r.must(err)
	r.must(resp.Body.Close())
	r.call("files.completeUploadExternal", given{"files": []any{given{"id": up["file_id"], "title": "a log"}}, "channel_id": general})
	r.call("files.info", given{"file": up["file_id"]})
	r.call("files.delete", given{"file": up["file_id"]})
}
