package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// notebook keeps requests in memory; the real one is tried by the suite of package store.
type notebook struct {
	mu      sync.Mutex
	full    bool
	all     map[string]bot.Request
	dropped int
}

func (n *notebook) Keep(_ context.Context, r bot.Request, _ time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return errors.New("the disk is full")
	}
	if n.all == nil {
		n.all = map[string]bot.Request{}
	}
	n.all[r.ID] = r
	return nil
}

func (n *notebook) Drop(_ context.Context, id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, id)
	n.dropped++
	return nil
}

func (n *notebook) Take(context.Context, time.Time, time.Time) ([]bot.Request, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, r := range n.all {
		r.Tries++
		n.all[id] = r
	}
	return slices.Collect(maps.Values(n.all)), nil
}

// left is how many are kept, and how many were dropped.
func (n *notebook) left() (kept, dropped int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.all), n.dropped
}

// slow has Slack take longer to say who somebody is than it waits for us.
func (w *world) slow() (quick func()) {
	id := w.Faults().Add(fault.Rule{Vendor: "slack", Method: "users.info", Kind: fault.Latency, Delay: 3500 * time.Millisecond})
	return func() { w.Faults().Remove(id) }
}

func TestASlowRequestIsWrittenDownAndForgotten(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	w.slow()
	status, answer := w.send("/slack/command", w.command(w.Team().ID, "declare p3 slowly", "T1"))
	if status != http.StatusOK || !strings.Contains(answer, "still at it") {
		t.Fatalf("%d %s", status, answer)
	}
	if kept, _ := w.book.left(); kept != 1 {
		t.Fatalf("%d requests are written down", kept)
	}
	w.wait("it is carried out", func() bool { return w.load("INC-0001").Exists })
	w.wait("it is forgotten", func() bool { kept, dropped := w.book.left(); return kept == 0 && dropped == 1 })
}

// What happened in the workspace comes again when it is not acknowledged, so it is not
// when it can be neither carried out in time nor written down.
func TestASlowEventThatCannotBeWrittenDownIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	w.slow()
	w.book.full = true
	say := func(id string) string {
		return fmt.Sprintf(`{"type":"event_callback","team_id":%q,"event_id":%q,"event":{"type":"app_mention","user":"U0ALICE01","text":"help","ts":"1790000000.000100","channel":"C0NOWHERE"}}`, w.Team().ID, id)
	}
	if status, answer := w.send("/slack/events", say("Ev1")); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := w.send("/slack/command", w.command(w.Team().ID, "list", "T1")); status != http.StatusOK || !strings.Contains(answer, "look whether it was done") {
		t.Errorf("%d %s", status, answer)
	}
	w.book.mu.Lock()
	w.book.full = false
	w.book.mu.Unlock()
	time.Sleep(4 * time.Second) // so that alice is not known from the calls before
	if status, answer := w.send("/slack/events", say("Ev2")); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
}

// What a dead process left is carried out, a button too; what lay too long is not, and
// whoever asked hears of it.
func TestWhatWasLeftIsTakenUp(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	w.send("/slack/command", w.command(w.Team().ID, "declare p3 something", "T0"))
	room := w.roomOf("alice", "inc-0001").ID
	leave := func(kind, id string, at time.Time, payload any) {
		text, err := json.Marshal(payload)
		if err == nil {
			err = w.book.Keep(w.ctx, bot.Request{ID: kind + "/" + id, Kind: kind, Payload: text, At: at}, at)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slash := func(text, trigger string) map[string]string {
		v, _ := url.ParseQuery(w.command(w.Team().ID, text, trigger))
		out := map[string]string{}
		for k := range v {
			out[k] = v.Get(k)
		}
		out["channel_id"] = room
		return out
	}
	now := time.Now()
	leave("slash", "a", now, slash("note seen before the crash", "T1"))
	leave("slash", "b", now.Add(-time.Hour), slash("note seen an hour ago", "T2"))
	leave("slash", "c", now, "nonsense")
	leave("interaction", "d", now, map[string]any{"type": "block_actions", "trigger_id": "T3", "team": map[string]string{"id": w.Team().ID},
		"user": map[string]string{"id": "U0ALICE01"}, "channel": map[string]string{"id": room},
		"actions": []map[string]string{{"action_id": "do-0", "block_id": "x", "value": `{"w":"sev p2","s":"INC-0001"}`}}})
	for range 2 { // whoever dies over telling it has it carried out once more, which changes nothing
		if err := w.bot.TakeUp(w.ctx, true); err != nil {
			t.Fatal(err)
		}
	}
	w.wait("all is told", func() bool { kept, _ := w.book.left(); return kept == 0 })
	w.bot.Drain(w.ctx)
	lines, err := w.db.Timeline(w.ctx, "INC-0001", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", lines)
	if n := strings.Count(text, "seen before the crash"); n != 1 {
		t.Errorf("carried out %d times", n)
	}
	if strings.Contains(text, "seen an hour ago") {
		t.Error("what lay for an hour was done")
	}
	told := fmt.Sprint(w.View("U0ALICE01", slack.ViewOptions{Channel: room}).Messages)
	if !strings.Contains(told, "It has not gone on with it") || !strings.Contains(told, "seen an hour ago") {
		t.Error("alice was not told what was left undone")
	}
	if got := w.load("INC-0001").Severity.String(); got != "P2" {
		t.Errorf("the button left it at %s", got)
	}
}
