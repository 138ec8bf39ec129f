package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// allScopes is what a war-room bot asks for.
var allScopes = []string{
	"app_mentions:read", "bookmarks:read", "bookmarks:write", "channels:history", "channels:join", "channels:manage",
	"channels:read", "chat:write", "commands", "files:read", "files:write", "groups:history", "groups:read",
	"groups:write", "im:history", "im:read", "im:write", "pins:read", "pins:write", "reactions:read",
	"reactions:write", "team:read", "usergroups:read", "users:read", "users:read.email", "users.profile:read",
}

func socketApp() slack.App {
	return slack.App{
		Scopes: allScopes, SocketMode: true, HomeTab: true,
		Commands:  []slack.Command{{Command: "/incident", Description: "incidents"}},
		Shortcuts: []slack.Shortcut{{Name: "Declare", Type: "message", CallbackID: "declare"}, {Name: "New", Type: "global", CallbackID: "new"}},
		Events: []string{
			"message.channels", "message.groups", "message.im", "app_mention", "reaction_added", "reaction_removed",
			"member_joined_channel", "member_left_channel", "pin_added", "pin_removed", "app_home_opened", "channel_archive",
			"channel_rename", "user_change", "file_shared", "channel_created", "team_join",
		},
	}
}

type workspace struct {
	*slack.Server
	api   *slackgo.Client
	url   string
	alice slack.User
	bob   slack.User
}

func open(t *testing.T, c slack.Config) *workspace {
	t.Helper()
	s := slack.New(c)
	srv := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); srv.Close() })
	s.SetBaseURL(srv.URL)
	a := s.App()
	w := &workspace{Server: s, url: srv.URL, api: slackgo.New(a.BotToken, slackgo.OptionAPIURL(srv.URL+"/api/"), slackgo.OptionAppLevelToken(a.AppToken))}
	w.alice = s.AddUser(slack.User{Name: "alice", RealName: "Alice Adams", TZ: "Europe/Berlin"})
	w.bob = s.AddUser(slack.User{Name: "bob"})
	return w
}

// app is an unmodified Socket Mode client whose events a test reads one by one.
type app struct {
	*socketmode.Client
	t *testing.T
}

func (w *workspace) connect(t *testing.T) *app {
	t.Helper()
	c := socketmode.New(w.api)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.RunContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		for {
			select {
			case <-c.Events:
			case <-done:
				return
			}
		}
	})
	a := &app{c, t}
	a.next(socketmode.EventTypeHello)
	return a
}

// next is the next event of that type; what comes before is acknowledged and skipped.
func (a *app) next(kind socketmode.EventType) socketmode.Event {
	a.t.Helper()
	limit := time.After(6 * time.Second)
	for {
		select {
		case e := <-a.Events:
			if e.Type == socketmode.EventTypeErrorBadMessage {
				a.t.Fatalf("slack-go could not read: %+v", e.Data)
			}
			if e.Type == kind {
				return e
			}
			if e.Request != nil && e.Request.EnvelopeID != "" {
				_ = a.Ack(*e.Request)
			}
		case <-limit:
			a.t.Fatalf("no %s came", kind)
		}
	}
}

// event is the next Events API event of that inner type, acknowledged.
func (a *app) event(kind string) any {
	a.t.Helper()
	for {
		e := a.next(socketmode.EventTypeEventsAPI)
		_ = a.Ack(*e.Request)
		if outer := e.Data.(slackevents.EventsAPIEvent); outer.InnerEvent.Type == kind {
			return outer.InnerEvent.Data
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// meanwhile runs what a person does while the test plays the app.
func meanwhile(do func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return func() error { return <-done }
}

func TestAWarRoomFromCommandToModal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, slack.Config{App: socketApp()})
	general := w.AddChannel("general", false, "alice", "bob")
	a := w.connect(t)

	typed := meanwhile(func() error { return w.Slash(ctx, "alice", general, "/incident declare p1 okta theft") })
	e := a.next(socketmode.EventTypeSlashCommand)
	cmd := e.Data.(slackgo.SlashCommand)
	if cmd.Command != "/incident" || cmd.Text != "declare p1 okta theft" || cmd.UserID != w.alice.ID || cmd.ResponseURL == "" {
		t.Fatalf("slash command arrived as %+v", cmd)
	}
	view, err := w.api.OpenViewContext(ctx, cmd.TriggerID, modal())
	must(t, err)
	must(t, a.Ack(*e.Request))
	must(t, typed())
	if m := w.View("alice", slack.ViewOptions{}).Modal; m == nil || m.ID != view.ID || m.CallbackID != "declare" {
		t.Fatalf("alice sees modal %+v", m)
	}

	// The client's own checks come first, then the app's.
	var wrong *slack.FieldErrors
	if err := w.Submit(ctx, "alice", view.ID, nil); !errors.As(err, &wrong) || wrong.Fields["title"] == "" {
		t.Fatalf("an empty required field was submitted: %v", err)
	}
	fill := map[string]map[string]slack.Input{"title": {"title": {Value: "Okta session theft"}}, "sev": {"sev": {Option: "p1"}}, "who": {"who": {User: "bob"}}}
	submitted := meanwhile(func() error { return w.Submit(ctx, "alice", view.ID, fill) })
	e = a.next(socketmode.EventTypeInteractive)
	_ = a.Ack(*e.Request, slackgo.NewErrorsViewSubmissionResponse(map[string]string{"title": "too vague"}))
	if err := submitted(); !errors.As(err, &wrong) || wrong.Fields["title"] != "too vague" {
		t.Fatalf("the app's objection came back as %v", err)
	}
	submitted = meanwhile(func() error { return w.Submit(ctx, "alice", view.ID, fill) })
	e = a.next(socketmode.EventTypeInteractive)
	cb := e.Data.(slackgo.InteractionCallback)
	vals := cb.View.State.Values
	if cb.Type != slackgo.InteractionTypeViewSubmission || vals["title"]["title"].Value != "Okta session theft" ||
		vals["sev"]["sev"].SelectedOption.Value != "p1" || vals["who"]["who"].SelectedUser != w.bob.ID {
		t.Fatalf("submission arrived as %+v", cb.View.State)
	}
	must(t, a.Ack(*e.Request))
	must(t, submitted())
	if w.View("alice", slack.ViewOptions{}).Modal != nil {
		t.Fatal("the modal stayed open")
	}

	room, err := w.api.CreateConversationContext(ctx, slackgo.CreateConversationParams{ChannelName: "inc-0001"})
	must(t, err)
	_, err = w.api.InviteUsersToConversationContext(ctx, room.ID, w.alice.ID, w.bob.ID)
	must(t, err)
	_, ts, err := w.api.PostMessageContext(ctx, room.ID, slackgo.MsgOptionText("summary", false), slackgo.MsgOptionBlocks(approve("go")...),
		slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: "tocsin", EventPayload: map[string]any{"effect": "INC-1/1/1"}}))
	must(t, err)
	must(t, w.api.AddPinContext(ctx, room.ID, slackgo.NewRefToMessage(room.ID, ts)))
	if err := w.api.AddPinContext(ctx, room.ID, slackgo.NewRefToMessage(room.ID, ts)); err == nil || err.Error() != "already_pinned" {
		t.Fatalf("pinned twice: %v", err)
	}
	_, err = w.api.AddBookmarkContext(ctx, room.ID, slackgo.AddBookmarkParameters{Title: "Ticket", Type: "link", Link: "https://example.com/1"})
	must(t, err)

	// A button with a confirm dialog.
	var confirm *slack.ErrConfirm
	press := slack.Click{Channel: room.ID, MessageTS: ts, ActionID: "approve"}
	if err := w.Click(ctx, "bob", press); !errors.As(err, &confirm) || confirm.Title != "Sure?" {
		t.Fatalf("no confirmation was asked: %v", err)
	}
	press.Confirmed = true
	clicked := meanwhile(func() error { return w.Click(ctx, "bob", press) })
	e = a.next(socketmode.EventTypeInteractive)
	cb = e.Data.(slackgo.InteractionCallback)
	act := cb.ActionCallback.BlockActions[0]
	if act.ActionID != "approve" || act.Value != "go" || cb.User.ID != w.bob.ID || cb.Message.Timestamp != ts || cb.Channel.ID != room.ID || cb.Container.MessageTs != ts {
		t.Fatalf("click arrived as %+v", cb)
	}
	must(t, a.Ack(*e.Request))
	must(t, clicked())
	must(t, slackgo.PostWebhookContext(ctx, cb.ResponseURL, &slackgo.WebhookMessage{Text: "done", ReplaceOriginal: true}))
	hist, err := w.api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: room.ID, IncludeAllMetadata: true})
	must(t, err)
	at := slices.IndexFunc(hist.Messages, func(m slackgo.Message) bool { return m.Timestamp == ts })
	if at < 0 || hist.Messages[at].Text != "done" || hist.Messages[at].Edited == nil {
		t.Fatalf("history: %+v", hist.Messages)
	}
	v := w.View("bob", slack.ViewOptions{Channel: room.ID})
	c := v.Channels[slices.IndexFunc(v.Channels, func(c slack.ChannelView) bool { return c.ID == room.ID })]
	if len(c.Pins) != 1 || len(c.Bookmarks) != 1 || c.Unread == 0 {
		t.Fatalf("bob's sidebar: %+v", c)
	}
	if b, err := json.Marshal(v); err != nil || len(b) == 0 {
		t.Fatal(err)
	}
}

func TestPeopleAreHeard(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, slack.Config{App: socketApp()})
	general := w.AddChannel("general", false, "alice", "bob")
	a := w.connect(t)
	if _, err := w.Post(ctx, "alice", general, "not yet heard", ""); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := w.api.JoinConversationContext(ctx, general)
	must(t, err)
	bot, _ := w.BotUser()
	ts, err := w.Post(ctx, "alice", "general", "hi @tocsin & @bob see https://example.com/x?a=1", "")
	must(t, err)
	// The first message was posted where the bot was not: only this one arrives.
	for {
		m := a.event("message").(*slackevents.MessageEvent)
		if m.Text == "not yet heard" {
			t.Fatal("the bot heard a channel it was not in")
		}
		if m.TimeStamp == ts {
			if want := "hi <@" + bot + "> &amp; <@" + w.bob.ID + "> see <https://example.com/x?a=1>"; m.Text != want {
				t.Fatalf("text %q, want %q", m.Text, want)
			}
			break
		}
	}
	if m := a.event("app_mention").(*slackevents.AppMentionEvent); m.TimeStamp != ts || m.User != w.alice.ID {
		t.Fatalf("mention %+v", m)
	}
	must(t, w.React(ctx, "bob", general, ts, "eyes", true))
	if r := a.event("reaction_added").(*slackevents.ReactionAddedEvent); r.Reaction != "eyes" || r.Item.Timestamp != ts {
		t.Fatalf("reaction %+v", r)
	}
	must(t, w.Edit(ctx, "alice", general, ts, "changed"))
	if m := a.event("message").(*slackevents.MessageEvent); m.SubType != "message_changed" || m.Message.Text != "changed" {
		t.Fatalf("edit %+v", m)
	}
	if err := w.Edit(ctx, "bob", general, ts, "x"); err == nil {
		t.Fatal("bob edited alice's message")
	}
	must(t, w.Pin(ctx, "bob", general, ts, true))
	a.event("pin_added")
	must(t, w.Delete(ctx, "alice", general, ts))
	if m := a.event("message").(*slackevents.MessageEvent); m.SubType != "message_deleted" {
		t.Fatalf("delete %+v", m)
	}
	must(t, w.OpenHome(ctx, "alice"))
	if h := a.event("app_home_opened").(*slackevents.AppHomeOpenedEvent); h.User != w.alice.ID {
		t.Fatalf("home %+v", h)
	}
	_, err = w.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: w.alice.ID, View: slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: approve("home")}}})
	must(t, err)
	if len(w.View("alice", slack.ViewOptions{}).Home) == 0 {
		t.Fatal("no home tab")
	}
	ts, err = w.Post(ctx, "bob", general, "what is this", "")
	must(t, err)
	menu := meanwhile(func() error {
		return w.Shortcut(ctx, "alice", "declare", &slack.MessageRef{Channel: general, TS: ts})
	})
	e := a.next(socketmode.EventTypeInteractive)
	cb := e.Data.(slackgo.InteractionCallback)
	if cb.Type != slackgo.InteractionTypeMessageAction || cb.Message.Text != "what is this" || cb.CallbackID != "declare" {
		t.Fatalf("message shortcut %+v", cb)
	}
	must(t, a.Ack(*e.Request))
	must(t, menu())
}

func text(t string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject("plain_text", t, false, false)
}

func modal() slackgo.ModalViewRequest {
	option := func(v string) *slackgo.OptionBlockObject { return slackgo.NewOptionBlockObject(v, text(v), nil) }
	return slackgo.ModalViewRequest{
		Type: slackgo.VTModal, CallbackID: "declare", Title: text("Declare"), Submit: text("Go"), Close: text("Cancel"),
		Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{
			slackgo.NewInputBlock("title", text("Title"), nil, slackgo.NewPlainTextInputBlockElement(text("what"), "title")),
			slackgo.NewInputBlock("sev", text("Severity"), nil, slackgo.NewOptionsSelectBlockElement("static_select", text("pick"), "sev", option("p1"), option("p2"))),
			slackgo.NewInputBlock("who", text("Commander"), nil, slackgo.NewOptionsSelectBlockElement("users_select", text("pick"), "who")),
		}},
	}
}

func approve(value string) []slackgo.Block {
	b := slackgo.NewButtonBlockElement("approve", value, text("Approve")).WithStyle(slackgo.StyleDanger)
	b.Confirm = slackgo.NewConfirmationBlockObject(text("Sure?"), text("3 hosts"), text("Yes"), text("No"))
	return []slackgo.Block{
		slackgo.NewSectionBlock(slackgo.NewTextBlockObject("mrkdwn", "*summary*", false, false), nil, nil),
		slackgo.NewActionBlock("acts", b, slackgo.NewButtonBlockElement("deny", "no", text("Deny"))),
	}
}
