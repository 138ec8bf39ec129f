package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
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
	if text := w.compare(); !strings.Contains(text, "1 line was missing") || !strings.Contains(text, "1 said") || !strings.Contains(text, "keeps 1 message") {
		t.Error(text)
	}
}

// folder is where the contents of files go.
type folder struct {
	mu   sync.Mutex
	kept map[string]string
}

func (f *folder) Keep(_ context.Context, of string, r io.Reader, limit int64) (json.RawMessage, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(b)) > limit {
		return nil, bot.ErrTooLarge
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[string]string{}
	}
	f.kept[of] += string(b)
	return json.RawMessage(`"receipt"`), err
}

// Files are fetched with the app's own token, from Slack alone, and what cannot be had
// is said: too large, or not allowed.
func TestFilesAreKept(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 files")
	room := w.roomOf("alice", "inc-0001").ID
	share := func(name, content string) string {
		ts, _, err := w.ShareFile(w.ctx, "alice", room, name, []byte(content), "see", "")
		w.must(err)
		return ts
	}
	ts := share("a.pcap", "GET /evil")
	c := w.captured(incident.FileKept, "receipt")
	if c.TS != ts || c.Author != "U0ALICE01" || c.By == "" || w.evidence.kept["INC-0001"] != "GET /evil" {
		t.Errorf("%+v, kept %q", c, w.evidence.kept)
	}
	w.captured(incident.FileShared, "a.pcap")
	share("large.bin", strings.Repeat("x", 1<<10+1))
	w.captured(incident.FileKept, "more than the 1024 bytes")
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", SocketMode: true})
	w.must(err)
	w.must(w.InstallManifest([]byte(strings.Replace(string(manifest), `"files:read",`, "", 1))))
	share("secret.txt", "not for the app")
	w.captured(incident.FileKept, "files:read")
	if got := w.evidence.kept["INC-0001"]; got != "GET /evil" {
		t.Errorf("kept besides: %q", got)
	}
	w.must(w.InstallManifest(manifest))
	w.compare()
	w.wait("the file to be kept after all", func() bool {
		w.evidence.mu.Lock()
		defer w.evidence.mu.Unlock()
		return strings.Contains(w.evidence.kept["INC-0001"], "not for the app")
	})
	before := len(w.evidence.kept["INC-0001"])
	w.compare()
	w.bot.Drain(w.ctx)
	if after := len(w.evidence.kept["INC-0001"]); after != before {
		t.Errorf("fetched once more: %d bytes, %d before", after, before)
	}
}

// A secret that was deleted in Slack is on no timeline: it is redacted by the message's
// own name, once, and neither comparing nor a later change brings it back.
func TestACapturedMessageIsRedactedByItsName(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p2 a secret in the chat")
	room := w.roomOf("alice", "inc-0001").ID
	w.says(1000, "alice", "1 role take commander")
	ts := w.post("alice", room, "it is hunter2hunter2", "")
	w.must(w.Edit(w.ctx, "alice", room, ts, "it was hunter2hunter2"))
	w.captured(incident.SaidEdited, "it was hunter2")
	gone := w.post("alice", room, "and hunter3hunter3", "")
	w.must(w.Delete(w.ctx, "alice", room, gone))
	w.captured(incident.SaidDeleted, "hunter3")
	for n, name := range []string{ts, "https://sandbox.slack.com/archives/" + room + "/p" + strings.ReplaceAll(gone, ".", "")} {
		if _, text := w.says(1001+n, "alice", "1 redact "+name+" password pasted"); !strings.Contains(text, "is erased") {
			t.Fatal(text)
		}
	}
	w.must(w.Delete(w.ctx, "alice", room, ts)) // tells the text once more
	w.wait("the deletion", func() bool {
		deleted := 0
		for _, c := range w.captures() {
			if c.Kind == incident.SaidDeleted {
				deleted++
			}
		}
		return deleted == 2
	})
	w.compare()
	for _, c := range w.captures() {
		if text := c.Text.Text + c.Was.Text; strings.Contains(text, "hunter") {
			t.Errorf("still there: %s %q", c.Kind, text)
		}
	}
	if _, err := w.db.VerifyCaptured(w.ctx, "INC-0001"); err != nil {
		t.Error(err)
	}
}
