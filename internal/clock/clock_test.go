package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoWaitsFollowsTheSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
		c := NewFast(start, 60)
		began := time.Now()
		if err := c.Sleep(context.Background(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Second {
			t.Fatalf("a minute at 60x took %v of real time", took)
		}
		woke := make(chan time.Time, 1)
		c.AfterFunc(10*time.Minute, func() { woke <- c.Now() })
		c.SetFactor(600) // the wait left is re-armed
		if at := <-woke; at.Sub(start) != 11*time.Minute {
			t.Fatalf("woke at %v, want 11 minutes in", at.Sub(start))
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Fatalf("took %v of real time, want 2s", took)
		}
		c.AfterFunc(time.Hour, func() { woke <- c.Now() })
		c.Advance(2 * time.Hour)
		<-woke
		stop := c.AfterFunc(time.Hour, func() { t.Error("stopped, yet called") })
		if !stop() || stop() {
			t.Fatal("stop tells true once")
		}
		c.Advance(2 * time.Hour)
		synctest.Wait()
	})
}
