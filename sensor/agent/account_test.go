package agent

import (
	"context"
	"errors"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// slow is a sink that takes its time, and refuses every third batch.
type slow struct{ batches, events atomic.Int64 }

func (s *slow) Take(_ context.Context, _ Lane, batch []event.Event) error {
	time.Sleep(time.Millisecond)
	if s.batches.Add(1)%3 == 0 {
		return errors.New("no room")
	}
	s.events.Add(int64(len(batch)))
	return nil
}

// picky is a judge that wants no exits, and finds one program urgent.
type picky struct{}

func (picky) Judge(e *event.Event) Verdict {
	return Verdict{Drop: e.Kind == event.Exit, Rule: "r1", Urgent: e.Kind == event.File}
}

// Whatever the sink and the judge do, no event is without an account.
func TestEveryEventIsAccountedFor(t *testing.T) {
	kernel(t) // or skip
	sink := &slow{}
	a, err := Open(Options{Sink: sink, Judge: picky{}, Queue: 1, See: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	for range 300 {
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	h, err := a.Health()
	if err != nil {
		t.Fatal(err)
	}
	var delivered uint64
	for name, k := range h.Kinds {
		delivered += k.Delivered
		if k.Open() != 0 || k.Seen != k.Filtered+k.Lost+k.Read || k.Missing > k.Lost {
			t.Errorf("%s: %+v", name, k)
		}
		if k.Seen > 0 {
			t.Logf("%-10s %+v", name, k)
		}
	}
	if h.Malformed != 0 || int64(delivered) != sink.events.Load() {
		t.Errorf("%d malformed, %d delivered, %d taken", h.Malformed, delivered, sink.events.Load())
	}
	if x := h.Kinds["exec"]; x.Refused == 0 || x.Delivered == 0 || h.Kinds["exit"].Dropped == 0 {
		t.Errorf("nothing was refused or dropped: %+v", h.Kinds)
	}
}
