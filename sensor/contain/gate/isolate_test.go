package gate_test

import (
	"testing"
	"time"
)

// A host is isolated while it says everything it can to its neighbour: nothing more arrives,
// and the control channel does not notice.
func TestAnIsolatedHostIsSilent(t *testing.T) {
	for name, noTCX := range map[string]bool{"tcx": false, "clsact": true} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			g.place.NoTCX = noTCX
			g.talk(t)
			a := g.agent(t)
			g.ear.Until(t, 10*time.Second, every...)

			a.Ask(order{Isolate: -1}, nil)
			time.Sleep(settle)
			g.ear.Heard()
			g.alive(t)
			g.ear.Silence(t, time.Second)
			g.alive(t)

			a.Ask(order{Release: true}, nil)
			g.ear.Until(t, 10*time.Second, every...)
		})
	}
}
