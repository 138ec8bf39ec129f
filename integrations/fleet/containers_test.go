package fleet_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// A pod is watched by its name, wherever it runs, and nothing else is shown.
func TestAPodIsWatchedByItsName(t *testing.T) {
	s := serve(t, func(*fleet.Config) {})
	hosts := []*host{join(t, s, "node-1", setup{}), join(t, s, "node-2", setup{})}
	for _, name := range []string{"web-0", "shop/web-0", "nginx", "0123"} {
		ctx, cancel := context.WithCancel(t.Context())
		got, over := make(chan fleet.Seen, 1000), make(chan struct{})
		go func() {
			defer close(over)
			_, _ = s.Watch(ctx, "", nil, name, time.Now().Add(time.Minute), func(e fleet.Seen) { got <- e }, func(fleet.Part, fleet.Sum) {})
		}()
		shown := false
		for n := uint64(0); n < 2000 && !shown; n++ {
			here, other := seen(hosts[n%2], n), seen(hosts[n%2], n)
			here.Container = event.Container{ID: "0123456789abcdef", Name: "nginx", Pod: "web-0", Namespace: "shop", Image: "nginx:1.27"}
			other.Container = event.Container{ID: "fedcba9876543210", Name: "db", Pod: "db-0", Namespace: "shop", Image: "postgres:17"}
			hosts[n%2].sees(t, 1, here, other, seen(hosts[n%2], n))
			select {
			case e := <-got:
				shown = true
				if fmt.Sprint(e.Event.Container) != fmt.Sprint(here.Container) {
					t.Errorf("%s: %+v", name, e.Event.Container)
				}
			case <-time.After(10 * time.Millisecond):
			}
		}
		cancel()
		next(t, over)
		if !shown {
			t.Errorf("nothing of %s was shown", name)
		}
	}
}
