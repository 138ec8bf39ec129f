package slack_test

import (
	"context"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

func (w *workspace) sidebar(t *testing.T, user, channel string) slack.ChannelView {
	t.Helper()
	for _, c := range w.View(user, slack.ViewOptions{}).Channels {
		if c.ID == channel {
			return c
		}
	}
	t.Fatalf("%s does not see %s", user, channel)
	return slack.ChannelView{}
}

func TestDirectMessagesAndUnreadMarks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, slack.Config{App: socketApp(), NoRateLimits: true})
	a := w.connect(t)
	dm, ts, err := w.api.PostMessage(w.alice.ID, slackgo.MsgOptionText("approve?", false))
	must(t, err)
	if c := w.sidebar(t, "alice", dm); !c.IM || c.Unread != 1 || c.Mentions != 1 || c.LastTS != ts || c.Name != "tocsin" {
		t.Fatalf("alice's direct messages: %+v", c)
	}
	for _, c := range w.View("bob", slack.ViewOptions{}).Channels {
		if c.ID == dm {
			t.Fatal("bob sees alice's direct messages")
		}
	}
	w.Read("alice", dm, "")
	if c := w.sidebar(t, "alice", dm); c.Unread != 0 {
		t.Fatalf("read, and still %d unread", c.Unread)
	}
	_, err = w.Post(ctx, "alice", dm, "yes", "")
	must(t, err)
	for {
		m := a.event("message").(*slackevents.MessageEvent)
		if m.Text == "yes" {
			if m.ChannelType != "im" || m.User != w.alice.ID {
				t.Fatalf("event %+v", m)
			}
			break
		}
	}
	room := w.AddChannel("room", false, "alice", "bob", "tocsin")
	ts, err = w.Post(ctx, "bob", room, "look @alice", "")
	must(t, err)
	_, err = w.Post(ctx, "bob", room, "in the thread", ts)
	must(t, err)
	if c := w.sidebar(t, "alice", room); c.Unread != 1 || c.Mentions != 1 {
		t.Fatalf("alice's mark: %d unread, %d mentions", c.Unread, c.Mentions)
	}
	v := w.View("alice", slack.ViewOptions{Channel: room})
	if len(v.Messages) != 2 || v.Messages[0].ReplyCount != 1 || v.Messages[1].ThreadTS != ts {
		t.Fatalf("messages: %+v", v.Messages)
	}
	must(t, w.Archive(ctx, "bob", room, false))
	if _, err := w.Post(ctx, "bob", room, "too late", ""); err == nil {
		t.Fatal("posted into an archived channel")
	}
	w.Deactivate("bob")
	if _, err := w.Post(ctx, "bob", room, "x", ""); err == nil {
		t.Fatal("a deactivated user posted")
	}
}

func TestATenThousandMessageRoomStaysQuick(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := open(t, slack.Config{App: slack.App{Scopes: allScopes}})
	room := w.AddChannel("room", false, "alice", "bob")
	for range 10_000 {
		if _, err := w.Post(ctx, "bob", room, "x", ""); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if n := len(w.View("alice", slack.ViewOptions{Channel: room, Limit: 50}).Messages); n != 50 {
		t.Fatalf("%d messages", n)
	}
	if took := time.Since(began); took > time.Second {
		t.Fatalf("a view took %v", took)
	} else {
		t.Logf("a view took %v", took)
	}
}
