package app

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Two incidents that nobody touches lie under a thousand younger ones. The sweep
// finds both, and asks nobody else.
func TestASweepReachesTheOldest(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a := d.App()
	now := d.Clock.Now()
	var wg sync.WaitGroup
	for n := int64(1); n <= 1100; n++ {
		wg.Go(func() {
			at := now
			if n <= 2 {
				at = now.Add(-48 * time.Hour)
			}
			id := incident.NumberID(n)
			root := incident.CommandID(fmt.Sprint("declare", n))
			_, err := a.db.Commit(t.Context(), incident.Change{
				Before: incident.State{Stream: id},
				Asked:  incident.Asked{ID: root, Root: root, By: incident.Person{ID: "alice"}, At: at},
				Events: []incident.Recorded{{Stream: id, Seq: 1, At: at, Occurred: at, By: "alice", Root: root,
					Event: incident.Declared{ID: id, Title: incident.Seal("x"), Severity: incident.P4, Type: "generic", Plan: a.plan.Now().Digest()}}},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a.nudge(t.Context(), "stale")
	for n := int64(1); n <= 1100; n++ {
		got, err := a.db.Timeline(t.Context(), incident.NumberID(n), 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		reminded := len(got) > 0 && got[0].Event == incident.Event(incident.Reminded{What: "stale"})
		if reminded != (n <= 2) {
			t.Errorf("%s: %d events after its declaration, reminded: %v", incident.NumberID(n), len(got), reminded)
		}
	}
}
