package incident

import (
	"errors"
	"testing"
	"time"
)

func leak() *Exercise {
	return &Exercise{Scenario: "leak", Title: "A leak", Length: 30 * time.Minute, Injects: []Inject{
		{At: 0, Kind: InjectAlert, Text: "first"}, {At: 5 * time.Minute, Kind: InjectMessage, Text: "second"}, {At: 20 * time.Minute, Kind: InjectFault, Text: "third"},
	}}
}

func drilled() *room {
	return newRoom().must(alice, Declare{Title: "exercise", Severity: P1, Drill: true, Exercise: leak()})
}

func TestInjectsComeAtTheirTimesAndTheDrillEnds(t *testing.T) {
	r := drilled()
	if got := happened[Injected](r); len(got) != 1 || got[0].N != 1 {
		t.Fatal("the first inject does not come at once", got)
	}
	if r.pass(5*time.Minute + time.Second); len(happened[Injected](r)) != 2 {
		t.Fatal("the second inject did not come")
	}
	if r.pass(25 * time.Minute); len(happened[Injected](r)) != 3 || len(happened[DrillEnded](r)) != 1 || len(owed[ScoreDrill](r)) != 1 {
		t.Fatal("the drill did not end, or is not scored", happened[DrillEnded](r))
	}
	r.must(Clockwork, DrillMeasured{DrillScore{Points: 7, Of: 9}})
	if x := r.s.Drilling; x.Running() || x.Points != 7 || x.Of != 9 {
		t.Fatal(x)
	}
	r.pass(time.Hour)
	if len(happened[DrillEnded](r)) != 1 {
		t.Fatal("it ended twice")
	}
}

// A server that was away for an hour: all that fell due comes at once, in order.
func TestWhatFellDueMeanwhileComesInOrder(t *testing.T) {
	r := drilled()
	r.now = begin.Add(time.Hour)
	r.must(Clockwork, Tick{ClockDrill, StageDue, r.s.Clocks[ClockDrill].Armed})
	got := happened[Injected](r)
	if len(got) != 3 || got[1].N != 2 || got[2].N != 3 || len(happened[DrillEnded](r)) != 1 {
		t.Fatal(got)
	}
}

func TestADrillPagesOnlyWhoOptedIn(t *testing.T) {
	r := drilled()
	started := happened[LadderStarted](r)
	if len(started) != 1 || started[0].Ladder.Name != "drill" {
		t.Fatal("a drill pages by the ladder of real incidents", started)
	}
	for _, rung := range started[0].Ladder.Rungs {
		for _, p := range rung.People {
			if p.ID != alice.ID && p.ID != bob.ID {
				t.Fatalf("%s is paged and did not opt in", p.ID)
			}
		}
	}
	var no *Refusal
	if err := r.ask(alice, PageNow{Person: &carol}); !errors.As(err, &no) || no.Code != "not-opted-in" {
		t.Fatal(err)
	}
	r.must(alice, PageNow{Person: &bob})
	r.must(alice, SetSeverity{Severity: P2, Reason: "x"}).must(alice, SetSeverity{Severity: P1})
	for _, l := range happened[LadderStarted](r) {
		if l.Ladder.Name != "drill" {
			t.Fatal("raising the severity pages by another ladder", l)
		}
	}
}

func TestAScenarioIsNotPlayedInARealIncident(t *testing.T) {
	var no *Refusal
	if err := newRoom().ask(alice, Declare{Title: "real", Severity: P1, Exercise: leak()}); !errors.As(err, &no) || no.Code != "not-a-drill" {
		t.Fatal(err)
	}
	bad := leak()
	bad.Injects[1].At = time.Hour
	if err := newRoom().ask(alice, Declare{Title: "drill", Drill: true, Exercise: bad}); !errors.As(err, &no) || no.Code != "bad-scenario" {
		t.Fatal(err)
	}
	r := newRoom().must(alice, Declare{Title: "real", Severity: P1})
	if err := r.ask(alice, EndDrill{}); !errors.As(err, &no) || no.Code != "no-drill" {
		t.Fatal(err)
	}
}

func TestADrillThatIsResolvedIsScored(t *testing.T) {
	r := drilled()
	r.must(alice, Resolve{"done"})
	if got := happened[DrillEnded](r); len(got) != 1 || got[0].Why == "" || len(owed[ScoreDrill](r)) != 1 {
		t.Fatal(got)
	}
	r.pass(time.Hour)
	if len(happened[Injected](r)) != 1 {
		t.Fatal("an inject came after the end")
	}
}

// An exercise and a mere drill by words differ: without a scenario nothing is injected.
func TestADrillWithoutAScenarioHasNoClock(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "exercise", Severity: P1, Drill: true})
	if r.s.Drilling != nil || r.s.Clocks[ClockDrill].Running() {
		t.Fatal(r.s.Drilling)
	}
}

func TestADrillYieldsToWhatIsReal(t *testing.T) {
	r := drilled().must(Clockwork, YieldDrill{"INC-0099"})
	if r.s.Status != Resolved || r.s.Paging.Running || r.s.Drilling.Running() || len(owed[ScoreDrill](r)) != 1 {
		t.Fatal(r.s.Status, r.s.Paging.Running)
	}
	r.pass(time.Hour)
	if len(happened[Injected](r)) != 1 || len(happened[RungFired](r)) != 1 || len(happened[ClockBreached](r)) != 0 {
		t.Fatal("the drill goes on")
	}
	real := newRoom().must(alice, Declare{Title: "real", Severity: P2})
	if len(owed[CallOffDrills](real)) != 0 {
		t.Fatal("a P2 calls drills off")
	}
	real.must(Clockwork, YieldDrill{"INC-0099"})
	if real.s.Status != Open {
		t.Fatal("something real yielded")
	}
	if real.must(alice, SetSeverity{Severity: P1}).must(alice, AddNote{"x"}); len(owed[CallOffDrills](real)) != 1 {
		t.Fatal("raised to P1, drills are not called off once", len(owed[CallOffDrills](real)))
	}
	if len(owed[CallOffDrills](drilled())) != 0 {
		t.Fatal("a drill calls drills off")
	}
}
