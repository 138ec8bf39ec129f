package bot_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// shaky is a record that cannot be written to for a while.
type shaky struct {
	*store.DB
	broken atomic.Bool
	failed atomic.Int32
}

func (s *shaky) Capture(ctx context.Context, lines []incident.Captured) (int, error) {
	if s.broken.Load() {
		s.failed.Add(1)
		return 0, errors.New("the disk is full")
	}
	return s.DB.Capture(ctx, lines)
}

// An event is acknowledged only when it is in the record (see batch); one that was not
// written is not lost: Slack brings it again, or history has it.
func TestWhatCouldNotBeWrittenComesAgain(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 full disk")
	room := w.roomOf("alice", "inc-0001").ID
	w.post("alice", room, "before", "")
	w.captured(incident.SaidMessage, "before")
	w.shaky.broken.Store(true)
	w.post("alice", room, "while the disk was full", "")
	w.wait("a write to fail", func() bool { return w.shaky.failed.Load() > 0 })
	w.shaky.broken.Store(false)
	w.DropSockets() // what was not acknowledged goes to the next connection
	if c := w.captured(incident.SaidMessage, "disk was full"); c.Author != "U0ALICE01" {
		t.Errorf("%+v", c)
	}
}
