package fleet_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// learned is who learns what is usual, on paper.
type learned struct {
	mu    sync.Mutex // guards what follows
	came  []event.Event
	again int64
	off   bool
}

func (l *learned) settings(string) fleet.Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return fleet.Settings{}
	}
	return fleet.Settings{New: time.Hour, Again: l.again}
}

// usual finds whatever lies in /tmp unusual.
func (l *learned) usual(e *event.Event) []fleet.Unusual {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came = append(l.came, *e)
	if !strings.HasPrefix(e.Process.Exe, "/tmp/") {
		return nil
	}
	return []fleet.Unusual{{Rule: "baseline/new-program", Level: noise.Low, Why: e.Process.Exe + "\x1b[2J was never run"}}
}

func (l *learned) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.came)
}

func (l *learned) set(again int64, off bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again, l.off = again, off
}

func ran(h *host, n uint64, exe string) event.Event {
	e := seen(h, n)
	e.Process.Exe = exe
	return e
}

// learns waits until the host knows that somebody learns: what it saw before that it keeps to itself.
func (h *host) learns(t *testing.T) {
	t.Helper()
	eventually(t, h.name+" is told that somebody learns", func() bool { return h.link.Health().Sifted != nil })
}

// Of what a host does, what is new comes, once; until it is asked for again, or not at all any more.
func TestWhatIsNewIsSentOnce(t *testing.T) {
	l := &learned{}
	s := serve(t, func(c *fleet.Config) { c.Settings, c.Usual = l.settings, l.usual })
	h := join(t, s, "web-3", setup{})
	h.learns(t)
	came := func(n int) {
		t.Helper()
		eventually(t, "what is new comes", func() bool { return l.count() == n && h.link.Health().Kinds["exec"].Waiting == 0 })
	}
	for i := range uint64(50) {
		h.sees(t, 0, ran(h, i, "/usr/bin/cc"))
	}
	came(1)
	for i := range uint64(50) {
		h.sees(t, int(i%2), ran(h, 100+i, "/usr/bin/cc"), ran(h, 200+i, "/usr/bin/ld"))
	}
	came(2)
	if !l.came[0].New || l.came[0].Rule != "" {
		t.Errorf("%+v", l.came[0])
	}
	if got := h.link.Health(); got.Kinds["exec"].Kept != 148 || got.Kinds["exec"].Sent != 2 || got.Sifted == nil || got.Sifted.Passed != 2 {
		t.Errorf("%+v, %+v", got.Kinds["exec"], got.Sifted)
	}
	signal := ran(h, 300, "/usr/bin/nc")
	signal.Rule = "shell"
	h.sees(t, 0, signal, ran(h, 301, "/usr/bin/nc"))
	came(4) // what a rule wanted teaches nothing, so the next comes too

	l.set(7, false)
	s.Resettle()
	eventually(t, "the host forgets what it sent", func() bool { return h.link.Health().Sifted.Things == 0 })
	h.sees(t, 0, ran(h, 400, "/usr/bin/cc"))
	came(5)
	l.set(7, true)
	s.Resettle()
	eventually(t, "it is switched off", func() bool { return h.link.Health().Sifted == nil })
	h.sees(t, 0, ran(h, 500, "/usr/bin/as"))
	if got := h.link.Health().Kinds["exec"]; got.Waiting != 0 || l.count() != 5 {
		t.Errorf("%+v", got)
	}
}

// What is not usual goes its own way to the rooms: through the exceptions, beside the groups of rules, in tamed words.
func TestWhatIsNotUsualBecomesASignalOfItsOwn(t *testing.T) {
	l, r := &learned{}, &rooms{open: []noise.Open{{ID: "INC-0003", Entities: []string{"host/web-3"}}}}
	s := serve(t, func(c *fleet.Config) {
		c.Settings, c.Usual, c.Rooms = l.settings, l.usual, r
		c.Rule = func(string) (fleet.Rule, bool) { return fleet.Rule{Level: noise.High}, true }
		c.Thresholds = agreed(noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.High: noise.Link}})
		c.Odd = agreed(noise.Thresholds{ByLevel: map[noise.Level]noise.Ask{noise.Low: noise.Link}})
		c.Excepted = func(s noise.Signal) string {
			if s.Rule == "baseline/new-program" && s.Program == "/tmp/ours" {
				return "4"
			}
			return ""
		}
	})
	shown := s.Signals(t.Context(), func(e *event.Event) bool { return e.Rule != "" })
	h := join(t, s, "web-3", setup{})
	h.learns(t)
	h.sees(t, 1, ran(h, 1, "/tmp/ours"))
	if got := next(t, shown); got.Excepted[0] != "4" || got.Event.Rule != "baseline/new-program" {
		t.Errorf("%+v", got)
	}
	h.sees(t, 1, ran(h, 2, "/tmp/x"))
	if got := next(t, shown); got.Excepted[0] != "" || got.Why != "/tmp/x[2J was never run" {
		t.Errorf("%+v", got)
	}
	eventually(t, "the room is told", func() bool { return r.all() == "link INC-0003 low" })
	e := ran(h, 3, "/usr/bin/nc")
	e.Rule = "shell"
	h.sees(t, 0, e)
	eventually(t, "what a rule finds is told for itself", func() bool { return r.all() == "link INC-0003 low; link INC-0003 high" })
}
