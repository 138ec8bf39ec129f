package bot

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// book is a record that takes its time, and may be away.
type book struct {
	mu     sync.Mutex
	writes []int // lines in each
	err    error
}

func (b *book) Capture(_ context.Context, lines []incident.Captured) (int, error) {
	time.Sleep(10 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes = append(b.writes, len(lines))
	return len(lines), b.err
}

func (b *book) Sight(context.Context, incident.Sighting) (int, error) { return 0, nil }

func (b *book) CapturedHead(context.Context, incident.ID) (int64, string, string, error) {
	return 0, "", "", nil
}
func (b *book) IsCaptured(context.Context, string, string) (bool, error) { return false, nil }
func (b *book) Filled(context.Context, incident.ID, string) error        { return nil }
func (b *book) CapturedInTime(context.Context, incident.ID, incident.Captured, int) ([]incident.Captured, error) {
	return nil, nil
}

// A busy room costs few writes, and nobody is told that a line is kept before it is.
func TestABusyRoomIsWrittenInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &book{}
		b := &batch{to: to}
		began := time.Now()
		var wg sync.WaitGroup
		for range 150 {
			wg.Go(func() {
				if err := b.add(t.Context(), make([]incident.Captured, 1)); err != nil {
					t.Error(err)
				}
				if since := time.Since(began); since < batchWait+10*time.Millisecond {
					t.Errorf("told after %v, before it was written", since)
				}
			})
		}
		wg.Wait()
		if len(to.writes) != 1 || to.writes[0] != 150 {
			t.Errorf("writes of %v lines", to.writes)
		}
		// A full batch does not wait.
		began = time.Now()
		if err := b.add(t.Context(), make([]incident.Captured, batchMax)); err != nil || time.Since(began) >= batchWait {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		// What could not be written is told to everybody who waits for it.
		to.err = errors.New("the disk is full")
		for range 3 {
			wg.Go(func() {
				if err := b.add(t.Context(), make([]incident.Captured, 1)); err == nil {
					t.Error("told that it is kept, and it is not")
				}
			})
		}
		wg.Wait()
	})
}
