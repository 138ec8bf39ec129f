package fleet_test

import (
	"sync/atomic"
	"testing"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
)

// The plan changes while the server runs: what signals ask for from then on is what it says now.
func TestWhatIsAgreedCountsFromNowOn(t *testing.T) {
	r := &rooms{}
	var ask, asked atomic.Uint32
	s := serve(t, loud(r), func(c *fleet.Config) {
		c.Thresholds = func() noise.Thresholds {
			asked.Add(1)
			return noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.High: noise.Ask(ask.Load())}, Severity: map[noise.Level]string{noise.High: "p2"}}
		}
	})
	for i, name := range []string{"web-3", "web-4"} {
		h := join(t, s, name, setup{})
		before, e := asked.Load(), seen(h, uint64(i))
		e.Rule = "shell"
		h.sees(t, 0, e)
		eventually(t, "it is looked at", func() bool { return asked.Load() > before })
		ask.Store(uint32(noise.Declare))
	}
	eventually(t, "the second declares", func() bool { return r.all() == "declare p2 [web-4]" })
}
