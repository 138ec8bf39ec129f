package bot_test

import (
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

// Slack delivers an event three times and the connection breaks: what was said is
// recorded once, and the next words are heard.
func TestRedeliveriesAndBrokenSocketsAreHarmless(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 repeated")
	room := w.roomOf("alice", "inc-0001-")
	w.RepeatEvents(2)
	if _, err := w.Post(w.ctx, "alice", room.ID, "@tocsin note only once", ""); err != nil {
		t.Fatal(err)
	}
	w.sees("alice", room.ID, "It is on the timeline.")
	w.DropSockets()
	w.wait("a new socket", func() bool { return w.Sockets() > 0 })
	// Slack may still count the broken socket: what it sends there is refused, visibly,
	// and the person says it again.
	w.wait("the words are taken", func() bool {
		return w.Slash(w.ctx, "alice", room.ID, "/incident note after the break") == nil
	})
	w.wait("both notes", func() bool { return w.notes("after the break") == 1 })
	if n := w.notes("only once"); n != 1 {
		t.Errorf("the note is there %d times", n)
	}
}

func (w *world) notes(text string) int {
	w.t.Helper()
	events, err := w.db.Timeline(w.ctx, "INC-0001", 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if note, ok := e.Event.(incident.Noted); ok && note.Text.Text == text {
			n++
		}
	}
	return n
}
