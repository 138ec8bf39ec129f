package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// files are those of a channel that somebody can read, by name: thread and content.
func (w *world) files(who, channel string) map[string][2]string {
	w.t.Helper()
	out := map[string][2]string{}
	for _, m := range w.View(who, viewOf(channel)).Messages {
		for _, f := range m.Files {
			if _, twice := out[f.Name]; twice {
				w.t.Errorf("%s is there twice", f.Name)
			}
			data, _ := w.FileData(f.ID)
			out[f.Name] = [2]string{m.ThreadTS, string(data)}
		}
	}
	return out
}

func (w *world) file(who, channel, name string) (thread, content string) {
	w.t.Helper()
	w.wait("a file "+name+" in "+channel, func() bool {
		for n, f := range w.files(who, channel) {
			if strings.HasPrefix(n, name) {
				thread, content = f[0], f[1]
				return true
			}
		}
		return false
	})
	return thread, content
}

func TestWhatDoesNotFitAMessageIsAttachedInItsOwnRoomAlone(t *testing.T) {
	t.Parallel()
	w, f := watched(t)
	f.many = 60
	w.types("alice", "general", "/incident declare private p3 shells")
	room := w.roomOf("alice", "inc-0001")
	w.types("alice", "general", "/signals INC-0001 conns web-3")
	thread, conns := w.file("alice", room.ID, "conns-web-3-")
	if thread != "" || strings.Count(conns, "\n") != 63 || !strings.Contains(conns, "curl (4711) → evil.example:443") || !strings.Contains(conns, "row 60 of many") {
		t.Errorf("in thread %q: %s", thread, conns)
	}
	general, _ := w.channel("alice", "general")
	if got := w.files("alice", general.ID); len(got) != 0 {
		t.Errorf("a confidential answer is outside its room: %v", got)
	}
	if card := w.sees("alice", general.ID, "The whole answer is in the room"); !card.Ephemeral {
		t.Error("everybody reads the answer")
	}

	// A hunt is attached in the thread of its message, once, also when Slack is slow or its answer is lost.
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "files.getUploadURLExternal", Kind: fault.RateLimit, RetryAfter: time.Second, Times: 1})
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "files.completeUploadExternal", Kind: fault.Ambiguous, Times: 1})
	w.types("alice", room.ID, "/signals hunt domain evil.example")
	f.mu.Lock()
	f.answered = true
	f.mu.Unlock()
	head := w.sees("alice", room.ID, "The whole answer is in the thread")
	thread, hunt := w.file("alice", room.ID, "hunt-evil.example-")
	if thread != head.TS || !strings.Contains(hunt, "evil.example seen 1") || !strings.Contains(hunt, "NOT WHOLE: 1 host has not answered: web-4") {
		t.Errorf("in thread %q of %q: %s", thread, head.TS, hunt)
	}
	w.wait("the hunt ends", func() bool { return len(w.load("INC-0001").Looks) == 0 })
	w.files("alice", room.ID)
}

func TestAFileThatCannotBeAttachedIsMissed(t *testing.T) {
	t.Parallel()
	w, f := watched(t)
	f.many = 60
	w.types("alice", "general", "/incident declare p3 shells")
	room := w.roomOf("alice", "inc-0001")
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "files.completeUploadExternal", Kind: fault.ServerError, Times: 1})
	w.types("alice", room.ID, "/signals conns web-3")
	w.sees("alice", room.ID, "The whole answer could not be attached")
	w.types("alice", room.ID, "/signals conns web-3")
	w.file("alice", room.ID, "conns-web-3-")
}
