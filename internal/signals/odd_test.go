package signals_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/internal/signals"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// oneHost is a fleet of one.
type oneHost struct {
	*fleet.Fleet
	is fleet.Host
}

func (h oneHost) Host(string) (fleet.Host, bool) { return h.is, true }

const days = 24 * time.Hour

// learner is a desk whose clock and plan can be set.
type learner struct {
	*rig
	now  time.Time
	want plan.Signals

	groups map[string][]string // by host
}

func learn(t *testing.T) *learner {
	l := &learner{rig: begin(t), now: time.Now()}
	l.want.Baseline = plan.Baseline{On: true, Learn: 14 * days, Most: noise.Medium, Ask: noise.Link}
	l.start(t)
	return l
}

func (l *learner) start(t *testing.T) {
	t.Helper()
	var err error
	l.Desk, err = signals.New(t.Context(), signals.Config{Asker: l.engine, Record: l.db, Plan: func() plan.Signals { return l.want }, Now: func() time.Time { return l.now },
		Groups: func(host string) []string { return l.groups[host] }})
	if err != nil {
		t.Fatal(err)
	}
}

// A host is compared with those of its group; what the group learned is there after a restart.
func TestAHostIsComparedInItsGroup(t *testing.T) {
	l := learn(t)
	l.groups = map[string][]string{"web-1": {"web-*"}, "web-2": {"web-*"}}
	l.sees("web-1", "/opt/cart")
	l.sees("web-2", "/opt/search")
	l.sees("db-1", "/opt/db")
	if err := l.KeepUsual(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := learn(t)
	again.db, again.engine, again.groups, again.now = l.db, l.engine, l.groups, l.now.Add(15*days)
	again.start(t)
	if got := again.usual("group/web-*"); !strings.Contains(got, "group/web-*: 5 things, learned since") {
		t.Error(got)
	}
	got := again.sees("web-2", "/opt/db", "/opt/cart")
	if len(got) != 1 || !strings.HasSuffix(got[0].Why, "/opt/db was never run on web-2 in 15 days; the only other host in group web-* does not") {
		t.Errorf("%+v", got)
	}
}

// The plan is changed while the server runs: who learned for long enough by the new one is judged from now on.
func TestHowLongIsLearnedIsThePlansToSay(t *testing.T) {
	l := learn(t)
	l.sees("web-1", "/opt/cart")
	l.sees("web-2", "/opt/cart")
	l.now = l.now.Add(3 * days)
	if got := l.sees("web-1", "/opt/nc"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	l.want.Baseline.Learn = 2 * days
	if got := l.sees("web-1", "/opt/ncat"); len(got) != 1 || !strings.Contains(got[0].Why, "never run on web-1 in 3 days") {
		t.Errorf("%+v", got)
	}
}

// sees is what is told of programs that ran on a host.
func (l *learner) sees(host string, programs ...string) (all []fleet.Unusual) {
	for _, exe := range programs {
		s := started(host, exe)
		all = append(all, l.Observe(&s.Event)...)
	}
	return all
}

func TestWhatIsNewIsToldAfterItWasLearnedWhatIsUsual(t *testing.T) {
	l := learn(t)
	for d := range 14 {
		if got := append(l.sees("web-1", "/opt/cart", fmt.Sprint("/opt/of-day-", d)), append(l.sees("web-2", "/opt/cart"), l.sees("web-3", "/opt/search")...)...); len(got) > 0 {
			t.Fatalf("day %d: %+v", d, got)
		}
		l.now = l.now.Add(days)
	}
	got := l.sees("web-3", "/opt/nc")
	if len(got) != 1 || got[0].Rule != "baseline/new-program" || got[0].Level != noise.Low || got[0].Why != "/opt/nc was never run on web-3 in 14 days; none of 2 other hosts does" {
		t.Errorf("%+v", got)
	}
	if got := l.sees("web-3", "/opt/nc", "/opt/cart"); len(got) != 0 {
		t.Errorf("twice a day, or what all others run: %+v", got)
	}
	s := started("web-3", "/opt/search")
	s.Event.Parent.Exe = "/opt/nc"
	if got := l.Observe(&s.Event); len(got) != 1 || got[0].Rule != "baseline/new-child" || got[0].Level != noise.Medium {
		t.Errorf("%+v", got)
	}
	l.want.Baseline.Most = noise.Informational
	if got := l.sees("web-3", "/opt/other"); len(got) != 1 || got[0].Level != noise.Informational {
		t.Errorf("louder than the plan allows: %+v", got)
	}
	s = started("web-3", "/opt/by-rule")
	s.Event.Rule = "sigma/reverse_shell_dev_tcp"
	if got := l.Observe(&s.Event); len(got) != 0 || strings.Contains(l.usual("web-3"), "by-rule") {
		t.Errorf("what a rule found teaches: %+v", got)
	}
	l.want.Baseline.On = false
	if got := l.sees("web-3", "/opt/off"); len(got) != 0 || strings.Contains(l.usual("web-3"), "/opt/off") || l.Settings("web-3").New != 0 {
		t.Errorf("the plan has switched it off: %+v", got)
	}
}

// While an incident about a host is open, nobody has to think of freezing it: an intruder teaches nothing.
func TestAHostTeachesNothingWhileAnIncidentAboutItIsOpen(t *testing.T) {
	l := learn(t)
	l.sees("web-3", "/opt/cart")
	l.now = l.now.Add(15 * days)
	id := l.declare(group("g1", "web-3", noise.High, 1))
	for range 10 {
		if got := l.sees("web-3", "/opt/x"); len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		l.now = l.now.Add(days)
		if err := l.ReadSuspects(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.usual("web-3"); !strings.Contains(got, "NEW: program /opt/x") {
		t.Error(got)
	}
	before := l.Settings("web-3")
	l.ask(id, incident.AssignRole{Role: incident.Commander, To: alice})
	l.ask(id, incident.Resolve{})
	l.ask(id, incident.Close{Waive: "test"})
	if err := l.ReadSuspects(t.Context()); err != nil {
		t.Fatal(err)
	}
	for day, want := range []int{1, 1, 1, 0} { // afterwards it is learned as what anybody does
		if got := l.sees("web-3", "/opt/x"); len(got) != want {
			t.Errorf("day %d: %+v", day, got)
		}
		l.now = l.now.Add(days)
	}
	if l.Settings("web-3").Again != before.Again {
		t.Error("nothing was forgotten, and the host sends everything again")
	}
}

// A host that floods what is new, or invents images, is held to its own.
func TestAFloodOfNewThings(t *testing.T) {
	l := learn(t)
	l.sees("web-3", "/opt/cart")
	l.sees("web-4", "/opt/cart")
	l.now = l.now.Add(15 * days)
	told := 0
	for i := range 1000 {
		told += len(l.sees("web-3", fmt.Sprintf("/tmp/x%03d", i)))
	}
	if told != 60 || len(l.sees("web-4", "/tmp/x")) != 1 {
		t.Errorf("%d are told", told)
	}
	l.now = l.now.Add(time.Hour)
	if got := l.sees("web-3", "/tmp/later"); len(got) != 1 {
		t.Errorf("an hour later: %+v", got)
	}
	for i := range 1000 {
		s := started("web-3", "/bin/sh")
		s.Event.Container.Image = fmt.Sprintf("image-%d:latest", i)
		l.Observe(&s.Event)
	}
	look, err := l.Baseline(t.Context(), "")
	if err != nil || len(look.Rows) != 102 {
		t.Errorf("%d profiles, %v", len(look.Rows), err)
	}
	l.Know(oneHost{is: fleet.Host{Name: "web-3", Health: wire.Health{Sifted: &wire.Sifted{Passed: 4, Held: 3, Things: 2}}}})
	health, err := l.Health(t.Context(), "web-3")
	notes := strings.Join(health.Notes, "\n")
	if err != nil || !strings.Contains(notes, "4 events; 3 HELD BACK") || !strings.Contains(notes, "940 unusual things were NOT TOLD") || !strings.Contains(notes, "900 events taught nothing") {
		t.Error(notes, err)
	}
}

// What is only new pushes nothing out of the list that a rule found.
func TestNewThingsDoNotPushOutWhatRulesFound(t *testing.T) {
	l := learn(t)
	for i := range 1000 {
		s := started("web-3", fmt.Sprint("/tmp/", i))
		if s.Event.Rule = "baseline/new-program"; i == 0 {
			s.Event.Rule = "sigma/reverse_shell_dev_tcp"
		}
		l.Take(s)
	}
	look, err := l.Recent(t.Context())
	if err != nil || len(look.Rows) != 201 || !strings.Contains(look.Rows[200].Text, "reverse_shell") {
		t.Errorf("%d rows, %v", len(look.Rows), err)
	}
}
