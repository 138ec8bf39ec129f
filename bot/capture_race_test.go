package bot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// What happens in a room while its history is read and while connections drop is in
// the record once: what was heard, what was filled in, and what was both.
func TestNothingIsCapturedTwiceWhileAGapIsFilled(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 a room that moves")
	room := w.roomOf("alice", "inc-0001").ID
	w.captured(incident.SaidMessage, "INC-0001")
	w.RepeatEvents(40)

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a game, no secret
	want := map[string]int{}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if st, err := w.db.Load(w.ctx, "INC-0001"); err == nil {
				_, _ = w.room.Compare(w.ctx, st)
			}
			if n%5 == 4 {
				w.DropSockets()
			}
		}
	})
	ts := w.post("alice", room, "stirred 0", "")
	want["said:"+ts]++
	eyes, pinned, reaction := false, false, "reaction:"+ts+":U0ALICE01:eyes"
	for n := range 60 {
		switch r.IntN(4) {
		case 0:
			want["said:"+w.post("alice", room, fmt.Sprint("said ", n), ts)]++
		case 1:
			w.must(w.Edit(w.ctx, "alice", room, ts, fmt.Sprint("stirred ", n+1)))
			want["edits"]++
		case 2:
			eyes = !eyes
			w.must(w.React(w.ctx, "alice", room, ts, "eyes", eyes))
			want[fmt.Sprint(map[bool]incident.CaptureKind{true: incident.ReactionAdded, false: incident.ReactionRemoved}[eyes], " ", reaction)]++
		case 3:
			pinned = !pinned
			w.must(w.Pin(w.ctx, "alice", room, ts, pinned))
			want[fmt.Sprint(map[bool]incident.CaptureKind{true: incident.PinAdded, false: incident.PinRemoved}[pinned], " pin:", ts)]++
		}
		time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	last := w.post("alice", room, "the last of it", "")
	want["said:"+last]++
	w.captured(incident.SaidMessage, "the last of it")
	count := func() map[string]int {
		got := map[string]int{}
		for _, c := range w.captures() {
			switch {
			case c.Kind == incident.SaidEdited && c.TS == ts:
				got["edits"]++
			case strings.HasPrefix(c.Subject, reaction), strings.HasPrefix(c.Subject, "pin:"+ts):
				got[string(c.Kind)+" "+c.Subject]++
			default:
				got[c.Name]++
			}
		}
		return got
	}
	w.wait("everything to be in the record", func() bool {
		got := count()
		for deed, n := range want {
			if got[deed] < n {
				return false
			}
		}
		return true
	})
	w.wait("the comparison to end", func() bool { return strings.Contains(w.compare(), "Nothing was missing") })
	got := count()
	for deed, n := range want {
		if got[deed] != n {
			t.Errorf("%s happened %d times and is in the record %d times", deed, n, got[deed])
		}
	}
	if _, err := w.db.VerifyCaptured(w.ctx, "INC-0001"); err != nil {
		t.Error(err)
	}
}
