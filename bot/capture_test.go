package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
)

func (w *world) captures() []incident.Captured {
	w.t.Helper()
	got, err := w.db.CapturedInTime(w.ctx, "INC-0001", incident.Captured{}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// captured waits for a line of a kind whose texts hold some words.
func (w *world) captured(kind incident.CaptureKind, words string) incident.Captured {
	w.t.Helper()
	var got incident.Captured
	w.wait(fmt.Sprintf("%s %q captured", kind, words), func() bool {
		for _, c := range w.captures() {
			if c.Kind == kind && strings.Contains(c.Text.Text+c.Was.Text+c.File.Text+c.Subject, words) {
				got = c
				return true
			}
		}
		return false
	})
	return got
}

func (w *world) compare() string {
	w.t.Helper()
	w.compared++
	_, text := w.says(w.compared, "alice", "1 reconcile")
	return text
}

// deaf takes the app's ears away, as a connection that is down too long does, and
// returns what gives them back.
func (w *world) deaf() (hears func()) {
	w.t.Helper()
	install := func(strip bool) {
		text, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", SocketMode: true})
		if err != nil {
			w.t.Fatal(err)
		}
		if strip {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				w.t.Fatal(err)
			}
			m["settings"].(map[string]any)["event_subscriptions"] = map[string]any{"bot_events": []string{}}
			if text, err = json.Marshal(m); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := w.InstallManifest(text); err != nil {
			w.t.Fatal(err)
		}
	}
	install(true)
	return func() { install(false) }
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) post(who, where, text, thread string) string {
	w.t.Helper()
	ts, err := w.Post(w.ctx, who, where, text, thread)
	w.must(err)
	return ts
}

func TestARoomIsCapturedAsItHappens(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 capture me")
	room := w.roomOf("alice", "inc-0001").ID
	w.RepeatEvents(1000)
	ts := w.post("alice", room, "is web-3 ours?", "")
	w.captured(incident.SaidMessage, "web-3")
	w.must(w.Invite(w.ctx, "alice", room, "guest"))
	reply := w.post("guest", room, "I am only a guest", ts)
	w.must(w.Edit(w.ctx, "alice", room, ts, "is web-4 ours?"))
	w.must(w.React(w.ctx, "guest", room, ts, "eyes", true))
	w.must(w.React(w.ctx, "guest", room, ts, "eyes", false))
	w.must(w.Pin(w.ctx, "alice", room, ts, true))
	w.must(w.Pin(w.ctx, "alice", room, ts, false))
	w.must(w.Delete(w.ctx, "guest", room, reply))
	gone := w.post("alice", room, "never mind this", "")
	w.must(w.Delete(w.ctx, "alice", room, gone))
	w.must(w.Leave(w.ctx, "guest", room))

	if c := w.captured(incident.SaidEdited, "web-4"); c.Was.Text != "is web-3 ours?" || c.Text.Text != "is web-4 ours?" || c.TS != ts {
		t.Errorf("an edit keeps both texts: %+v", c)
	}
	if c := w.captured(incident.SaidReply, "only a guest"); c.Thread != ts || c.Author != "U0GUEST01" || c.Own {
		t.Errorf("the reply: %+v", c)
	}
	if c := w.captured(incident.SaidDeleted, "never mind"); c.TS != gone {
		t.Errorf("the deletion: %+v", c)
	}
	w.captured(incident.SaidDeleted, "only a guest")
	w.captured(incident.ReactionAdded, "eyes")
	w.captured(incident.ReactionRemoved, "eyes")
	w.captured(incident.PinAdded, ts)
	w.captured(incident.PinRemoved, ts)
	w.captured(incident.MemberJoined, "U0GUEST01")
	w.captured(incident.MemberLeft, "U0GUEST01")
	w.captured(incident.SaidMessage, "INC-0001")
	count, own := map[string]int{}, 0
	for _, c := range w.captures() {
		if c.Kind != incident.SaidEdited && c.Kind != incident.TopicChanged {
			count[string(c.Kind)+c.TS+c.Subject]++
		}
		if (c.Kind == incident.MemberJoined || c.Kind == incident.MemberLeft) && c.Author == "U0GUEST01" {
			count[string(c.Kind)]++
		}
		if c.Own && c.Kind == incident.SaidMessage {
			own++
		}
	}
	for what, n := range count {
		if n != 1 {
			t.Errorf("%s is in the record %d times", what, n)
		}
	}
	if own == 0 {
		t.Error("nothing is marked as said by Tocsin")
	}
	if _, err := w.db.VerifyCaptured(w.ctx, "INC-0001"); err != nil {
		t.Error(err)
	}
}

func TestWhatWasMissedIsBackFilled(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 deaf for a while")
	room := w.roomOf("alice", "inc-0001").ID
	head := w.post("alice", room, "an early thread", "")
	fine := w.post("alice", room, "a line that will be changed", "")
	gone := w.post("alice", room, "a line that will vanish", "")
	w.captured(incident.SaidMessage, "will vanish")
	w.captured(incident.SaidMessage, "will be changed")

	hears := w.deaf()
	w.post("bob", "general", "elsewhere", "")
	w.post("alice", room, "said while nobody listened", "")
	w.post("alice", room, "replied while nobody listened", head)
	w.must(w.Edit(w.ctx, "alice", room, fine, "a line that was changed"))
	w.must(w.Delete(w.ctx, "alice", room, gone))
	w.must(w.React(w.ctx, "alice", room, fine, "eyes", true))
	w.post("alice", room, "the last of it", "")
	hears()
	w.DropSockets()

	for _, c := range []incident.Captured{
		w.captured(incident.SaidMessage, "said while nobody"), w.captured(incident.SaidReply, "replied while nobody"),
		w.captured(incident.SaidEdited, "was changed"), w.captured(incident.SaidDeleted, "will vanish"), w.captured(incident.ReactionAdded, "eyes"),
	} {
		if !c.BackFilled {
			t.Errorf("not marked as back-filled: %+v", c)
		}
	}
	w.wait("the comparison to end", func() bool { return strings.Contains(w.compare(), "Nothing was missing") })
	before := len(w.captures())
	w.DropSockets()
	w.wait("a socket", func() bool { return w.Sockets() > 0 })
	w.must(w.React(w.ctx, "alice", room, fine, "eyes", false))
	w.captured(incident.ReactionRemoved, "eyes")
	if text := w.compare(); !strings.Contains(text, "Nothing was missing") {
		t.Error(text)
	}
	if after := len(w.captures()); after != before+1 {
		t.Errorf("%d lines before the second drop, %d after it and one deed", before, after)
	}
	if _, err := w.db.VerifyCaptured(w.ctx, "INC-0001"); err != nil {
		t.Error(err)
	}

	hears = w.deaf()
	w.post("alice", room, "missed again", "")
	hears()
	if text := w.compare(); !strings.Contains(text, "1 line was missing") {
		t.Error(text)
	}
}
