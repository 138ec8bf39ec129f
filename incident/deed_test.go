package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// yard is several incidents with the registers of their targets, and a world in which
// deeds are really done: a target is cut or it is not.
type yard struct {
	now     time.Time
	streams map[ID]State
	record  map[ID][]Recorded
	owed    []yardTask
	cut     map[string]bool // by register and action
	cuts    int             // times a target was cut
	n       int
	stale   bool // the next deed finds another world
	fail    bool // the next deed fails
}

type yardTask struct {
	stream ID
	Owed
}

func newYard() *yard {
	return &yard{now: begin, streams: map[ID]State{}, record: map[ID][]Recorded{}, cut: map[string]bool{}}
}

func (y *yard) declare(id ID) ID {
	y.streams[id] = State{Stream: id}
	y.must(id, alice, Declare{Title: "x", Severity: P1})
	y.must(id, alice, AssignRole{Commander, bob})
	return id
}

func (y *yard) ask(id ID, by Person, c Command) error {
	y.n++
	s, ok := y.streams[id]
	if !ok {
		s = State{Stream: id}
	}
	door := ViaSlack
	if by.Standing == System {
		door = ViaEngine
	}
	ch, err := Decide(s, Asked{ID: CommandID(fmt.Sprint(y.n)), By: by, Via: door, At: y.now, What: c}, plan{})
	for _, e := range ch.Events {
		s = Apply(s, e)
		y.record[id] = append(y.record[id], e)
	}
	y.streams[id] = s
	for _, o := range ch.Effects {
		y.owed = append(y.owed, yardTask{id, o})
	}
	return err
}

func (y *yard) must(id ID, by Person, c Command) {
	if err := y.ask(id, by, c); err != nil {
		panic(fmt.Sprintf("%T: %v", c, err))
	}
}

// settle performs what is owed until nothing of containment is.
func (y *yard) settle() {
	for len(y.owed) > 0 {
		t := y.owed[0]
		y.owed = y.owed[1:]
		y.perform(t)
	}
}

func (y *yard) perform(t yardTask) {
	switch e := t.Effect.(type) {
	case Tell:
		c := e.Command
		if from, line := ToldFrom(c); line > 0 {
			c = FillWords(c, y.record[from][line-1].Event)
		}
		_ = y.ask(e.Stream, Clockwork, c)
	case PlanAction:
		deed, _ := y.streams[t.stream].Deed(e.N)
		c := ActionIsPlanned{N: e.N, Round: e.Round, Digest: fmt.Sprintf("%s-%d-%d", t.stream, e.N, e.Round), Body: "{}", Lasts: deed.Lasts, Reversible: true}
		for i, name := range deed.TargetNames() {
			c.Briefs = append(c.Briefs, Brief{Name: name, Steps: []string{"cut it"}})
			c.Names = append(c.Names, name)
			r := HoldID(deed.Kind, name)
			if m := deed.Targets[i].Mark; m.Holds() || m == MarkDone {
				r = ""
			}
			c.Registers = append(c.Registers, r)
		}
		y.must(t.stream, Clockwork, c)
	case Enforce:
		mark, words := MarkInEffect, DeedWords{Done: []string{"cut"}, Seen: []string{"it is cut"}}
		why := MayEnforce(y.streams[e.Incident], y.streams[EverythingID], e.HoldKey, e.Round, e.Try, plan{}, y.now)
		switch {
		case why != "":
			mark, words = MarkBarred, DeedWords{Why: why}
		case y.stale:
			mark, y.stale = MarkStale, false
		case y.fail:
			mark, y.fail = MarkFailed, false
		default:
			y.cut[y.at(t.stream, e.HoldKey)] = true
			y.cuts++
		}
		y.must(t.stream, Clockwork, Enforced{HoldKey: e.HoldKey, Round: e.Round, Try: e.Try, Mark: mark, Receipt: "{}", Words: words})
	case Release:
		if h, ok := y.streams[t.stream].Hold[e.String()]; !ok || h.Receipt == 0 {
			return // nothing was done
		}
		y.cut[y.at(t.stream, e.HoldKey)] = false
		y.must(t.stream, Clockwork, ReleasedIt{e.HoldKey, MarkReleased, DeedWords{Done: []string{"let go"}}})
	}
}

// at names what a hold does to a target: two actions on one target are two things.
func (y *yard) at(register ID, k HoldKey) string {
	return place(register, y.streams[register].Hold[k.String()].Action)
}

func place(register ID, action string) string { return string(register) + " " + action }

func (y *yard) deed(id ID, n int) Deed { d, _ := y.streams[id].Deed(n); return d }

func (y *yard) paged(id ID, who Person) bool {
	return slices.ContainsFunc(happenedIn[RungFired](y, id), func(e RungFired) bool { return e.To == who.ID })
}

func (y *yard) request(id ID, action string, targets ...string) int {
	y.must(id, alice, RequestAction{Action: action, Kind: "host", Targets: targets, Lasts: true, Reversible: true, Reason: "because"})
	y.settle()
	return len(y.streams[id].Deeds)
}

func (y *yard) refused(t *testing.T, code string, id ID, by Person, c Command) {
	t.Helper()
	err := y.ask(id, by, c)
	var no *Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Errorf("%s asked %T: %v, not %q", by.ID, c, err, code)
	}
	y.settle()
}

func happenedIn[T Event](y *yard, id ID) (out []T) {
	for _, r := range y.record[id] {
		if e, ok := r.Event.(T); ok {
			out = append(out, e)
		}
	}
	return out
}

func TestWhoeverAsksCannotApprove(t *testing.T) {
	y := newYard()
	id := y.declare("INC-0001")
	n := y.request(id, "okta.suspend", "web-3")
	d := y.deed(id, n)
	if d.Status != DeedWaiting || y.cuts != 0 {
		t.Fatalf("%s, cut %d times", d.Status, y.cuts)
	}
	y.refused(t, "approval-own", id, alice, ApproveAction{n, d.Digest})
	y.refused(t, "approval-not-entitled", id, dave, ApproveAction{n, d.Digest})
	y.refused(t, "other-plan", id, bob, ApproveAction{n, "swapped"})
	y.refused(t, "other-plan", id, bob, ApproveAction{N: n})
	y.must(id, bob, OfferRole{Commander, alice})
	y.must(id, alice, AcceptRole{Commander}) // promoted meanwhile: still their own request
	y.refused(t, "approval-own", id, alice, ApproveAction{n, d.Digest})
	y.refused(t, "approval-not-entitled", id, bob, ApproveAction{n, d.Digest})
	if got := happenedIn[ApprovalRefused](y, id); len(got) != 4 {
		t.Fatalf("the attempts are on the record: %v", got)
	}
	y.must(id, carol, ApproveAction{n, d.Digest})
	y.settle()
	if d := y.deed(id, n); d.Status != DeedInEffect || y.cuts != 1 || !y.cut[place(d.Targets[0].Register, "okta.suspend")] {
		t.Fatalf("%s, cut %d times", d.Status, y.cuts)
	}
	y.refused(t, "not-waiting", id, carol, ApproveAction{n, d.Digest})
	if y.cuts != 1 {
		t.Fatal("a second click did it twice")
	}
}

func TestAnApprovalIsJudgedAgainAtTheMomentOfTheDeed(t *testing.T) {
	for name, meanwhile := range map[string]func(y *yard, id ID){
		"the severity fell":          func(y *yard, id ID) { y.must(id, bob, SetSeverity{P3, "not so bad"}) },
		"the approver is excluded":   func(y *yard, id ID) { y.must(id, bob, Exclude{Person: carol}) },
		"the asker is excluded":      func(y *yard, id ID) { y.must(id, bob, Exclude{Person: alice}) },
		"everything was stopped":     func(y *yard, id ID) { y.must(id, bob, StopActions{All: true}) },
		"the deed was stopped":       func(y *yard, id ID) { y.must(id, bob, StopActions{N: 1}) },
		"Slack is distrusted":        func(y *yard, id ID) { y.must(id, bob, Distrust{"slack", "", "taken over"}) },
		"the approver's account is":  func(y *yard, id ID) { y.must(id, bob, Distrust{"identity", "carol", "stolen"}) },
		"the incident was closed":    func(y *yard, id ID) { y.must(id, bob, Resolve{"x"}); y.must(id, bob, Close{"waived"}) },
		"everything, somewhere else": func(y *yard, _ ID) { y.must(y.declare("INC-0009"), bob, StopActions{All: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			y := newYard()
			id := y.declare("INC-0001")
			n := y.request(id, "okta.suspend", "web-3")
			y.must(id, carol, ApproveAction{n, y.deed(id, n).Digest})
			waiting := y.owed // approved, and not carried out yet
			y.owed = nil
			meanwhile(y, id)
			for range 3 {
				y.settle() // what the change itself owes comes first
			}
			y.owed = waiting
			y.settle()
			d := y.deed(id, n)
			if y.cuts != 0 || d.Targets[0].Mark != MarkBarred {
				t.Fatalf("cut %d times, %q", y.cuts, d.Targets[0].Mark)
			}
		})
	}
}

func TestAChangedWorldWantsANewPlanAndANewApproval(t *testing.T) {
	y := newYard()
	id := y.declare("INC-0001")
	n := y.request(id, "okta.suspend", "web-3")
	first := y.deed(id, n).Digest
	y.stale = true
	y.must(id, carol, ApproveAction{n, first})
	y.settle()
	d := y.deed(id, n)
	if d.Status != DeedWaiting || d.Round != 2 || len(d.Approvals) != 0 || y.cuts != 0 {
		t.Fatalf("%s, round %d, %v, cut %d times", d.Status, d.Round, d.Approvals, y.cuts)
	}
	y.refused(t, "other-plan", id, carol, ApproveAction{n, first})
	y.must(id, carol, ApproveAction{n, d.Digest})
	y.settle()
	if y.cuts != 1 {
		t.Fatal(y.cuts)
	}
}

func TestTwoIncidentsHoldOneTarget(t *testing.T) {
	y := newYard()
	one, two := y.declare("INC-0001"), y.declare("INC-0002")
	a, b := y.request(one, "edge.block", "web-3"), y.request(two, "edge.block", "web-3")
	reg := place(HoldID("host", "web-3"), "edge.block")
	if y.cuts != 1 || y.deed(two, b).Status != DeedInEffect {
		t.Fatalf("cut %d times; the second is %s", y.cuts, y.deed(two, b).Status)
	}
	y.must(one, alice, UndoAction{N: a})
	y.settle()
	if !y.cut[reg] || y.deed(one, a).Status != DeedReleased {
		t.Fatalf("cut %v, %s", y.cut[reg], y.deed(one, a).Status)
	}
	if got := happenedIn[TargetMarked](y, one); got[len(got)-1].Mark != MarkShared || !slices.Equal(got[len(got)-1].Others, []string{"INC-0002"}) {
		t.Fatalf("the room is not told who still holds it: %+v", got)
	}
	if got := happenedIn[HoldShared](y, two); len(got) != 1 || !got[0].Left {
		t.Fatalf("the other room is not told: %+v", got)
	}
	y.must(two, alice, UndoAction{N: b})
	y.settle()
	if y.cut[reg] || y.deed(two, b).Status != DeedReleased {
		t.Fatal("the last hold's end frees it")
	}
}

func TestAFailedDeedIsTriedByWhoeverWaits(t *testing.T) {
	y := newYard()
	one, two := y.declare("INC-0001"), y.declare("INC-0002")
	y.fail = true
	y.must(one, alice, RequestAction{Action: "edge.block", Kind: "host", Targets: []string{"web-3"}, Lasts: true, Reversible: true})
	y.must(two, alice, RequestAction{Action: "edge.block", Kind: "host", Targets: []string{"web-3"}, Lasts: true, Reversible: true})
	y.settle()
	if y.deed(one, 1).Status != DeedFailed || y.deed(two, 1).Status != DeedInEffect {
		t.Fatalf("%s and %s", y.deed(one, 1).Status, y.deed(two, 1).Status)
	}
	y.must(one, alice, RetryAction{1})
	y.settle()
	if y.deed(one, 1).Status != DeedInEffect || y.cuts != 1 {
		t.Fatalf("%s, cut %d times", y.deed(one, 1).Status, y.cuts)
	}
}

func TestTheEndOfATimeToLiveAsksAndOnlyAGrantReleases(t *testing.T) {
	for action, freed := range map[string]bool{"edge.block": false, "edge.lapse": true} {
		y := newYard()
		id := y.declare("INC-0001")
		n := y.request(id, action, "web-3")
		reg := HoldID("host", "web-3")
		clocks := y.clocks(id, reg)
		for range 4 {
			y.now = y.now.Add(2 * time.Hour)
			for _, ring := range clocks() {
				y.must(ring.stream, Clockwork, ring.tick)
			}
			y.settle()
		}
		if y.cut[place(reg, action)] == freed {
			t.Errorf("%s: after eight hours it is cut: %v", action, !freed)
		}
		if freed && y.deed(id, n).Status != DeedReleased {
			t.Errorf("%s: the room was not told: %s", action, y.deed(id, n).Status)
		}
		if ran := happenedIn[HoldRanOut](y, id); !freed && (len(ran) != 1 || ran[0].Soon || !y.paged(id, alice)) {
			t.Errorf("%s: nobody was asked: %v", action, ran)
		}
	}
}

// What somebody said they keep is not let go behind their back by a grant that releases.
func TestWhatIsKeptIsNotReleasedByItself(t *testing.T) {
	for _, kept := range []KeepAction{{Owner: bob, Permanent: true}, {Owner: bob, Until: begin.Add(72 * time.Hour)}} {
		y := newYard()
		id := y.declare("INC-0001")
		kept.N = y.request(id, "edge.lapse", "web-3")
		reg := HoldID("host", "web-3")
		y.must(id, alice, kept)
		y.settle()
		clocks := y.clocks(id, reg)
		for range 4 {
			y.now = y.now.Add(2 * time.Hour)
			for _, ring := range clocks() {
				y.must(ring.stream, Clockwork, ring.tick)
			}
			y.settle()
		}
		if !y.cut[place(reg, "edge.lapse")] || y.deed(id, kept.N).Holding() != 1 {
			t.Errorf("%+v: it was let go: %s", kept, y.deed(id, kept.N).Status)
		}
	}
}

// A longer hold is no second deed, also at a target that an earlier try dealt with.
func TestALongerHoldDoesNothingTwice(t *testing.T) {
	y := newYard()
	id := y.declare("INC-0001")
	y.fail = true
	n := y.request(id, "edge.block", "web-3", "web-4")
	y.must(id, alice, RetryAction{n})
	y.settle()
	if y.cuts != 2 || y.deed(id, n).Status != DeedInEffect {
		t.Fatalf("cut %d times, %s", y.cuts, y.deed(id, n).Status)
	}
	y.must(id, alice, ExtendAction{N: n, TTL: time.Hour})
	y.settle()
	if y.cuts != 2 {
		t.Fatalf("cut %d times", y.cuts)
	}
	y.must(id, alice, UndoAction{N: n})
	y.settle()
	if len(y.streams[HoldID("host", "web-3")].Hold)+len(y.streams[HoldID("host", "web-4")].Hold) != 0 || y.deed(id, n).Status != DeedReleased {
		t.Fatal("it is not free")
	}
}

type ring struct {
	stream ID
	tick   Tick
}

// clocks gives the bells that are due of some streams.
func (y *yard) clocks(ids ...ID) func() []ring {
	return func() (out []ring) {
		for _, id := range ids {
			s := y.streams[id]
			for _, name := range sortedKeys(s.Clocks) {
				c := s.Clocks[name]
				if !strings.HasPrefix(string(name), "hold/") && !strings.HasPrefix(string(name), "held/") || !c.Running() {
					continue
				}
				if !c.Warn.IsZero() && !c.Warned && !c.Warn.After(y.now) && c.Due.After(y.now) {
					out = append(out, ring{id, Tick{name, StageWarn, c.Armed}})
				}
				if !c.Due.After(y.now) {
					out = append(out, ring{id, Tick{name, StageDue, c.Armed}})
				}
			}
		}
		return out
	}
}

func TestTheGlassIsBrokenLoudlyAndReviewed(t *testing.T) {
	y := newYard()
	id := y.declare("INC-0001")
	y.refused(t, "reason-needed", id, alice, RequestAction{Action: "okta.suspend", Kind: "identity", Targets: []string{"m"}, Lasts: true, Reversible: true, BreakGlass: true})
	y.refused(t, "not-reversible", id, alice, RequestAction{Action: "okta.reset", Kind: "identity", Targets: []string{"m"}, BreakGlass: true, Reason: "x"})
	y.must(id, alice, RequestAction{Action: "okta.suspend", Kind: "identity", Targets: []string{"m"}, Lasts: true, Reversible: true, BreakGlass: true, Reason: "nobody answers"})
	y.settle()
	if y.cuts != 1 {
		t.Fatal("nobody else was needed")
	}
	if !y.paged(id, dave) {
		t.Error("the lead was not paged")
	}
	y.must(id, bob, Resolve{"done"})
	err := y.ask(id, bob, Close{})
	if err == nil || !strings.Contains(err.Error(), "broken glass") || !strings.Contains(err.Error(), "still holds") {
		t.Fatalf("closed over it: %v", err)
	}
	y.refused(t, "own", id, alice, ReviewAction{1, "fine"})
	y.must(id, dave, ReviewAction{1, "it was right"})
}

func TestEvidenceThatCannotBeKeptWaitsForAWaiver(t *testing.T) {
	y := newYard()
	id := y.declare("INC-0001")
	y.must(id, alice, RequestAction{Action: "edge.block", Kind: "host", Targets: []string{"web-3"}, Lasts: true, Reversible: true})
	for len(y.owed) > 0 {
		task := y.owed[0]
		y.owed = y.owed[1:]
		if e, ok := task.Effect.(Enforce); ok {
			y.must(task.stream, Clockwork, Enforced{HoldKey: e.HoldKey, Round: e.Round, Try: e.Try, Mark: MarkEvidence, Words: DeedWords{Why: "the kubelet does not answer"}})
			break
		}
		y.perform(task)
	}
	y.settle()
	if d := y.deed(id, 1); d.Status != DeedEvidence || y.cuts != 0 {
		t.Fatalf("%s, cut %d times", d.Status, y.cuts)
	}
	y.must(id, bob, WaiveEvidence{1, "it spreads"})
	y.settle()
	if d := y.deed(id, 1); d.Status != DeedInEffect || d.Waived != bob.ID {
		t.Fatalf("%s, waived by %s", d.Status, d.Waived)
	}
}

func TestADrillPlansAndNeverDoes(t *testing.T) {
	y := newYard()
	y.streams["INC-0001"] = State{Stream: "INC-0001"}
	y.must("INC-0001", alice, Declare{Title: "x", Severity: P1, Drill: true})
	n := y.request("INC-0001", "edge.block", "web-3", "web-4")
	if d := y.deed("INC-0001", n); y.cuts != 0 || d.Status != DeedDone || d.Targets[1].Mark != MarkDrill {
		t.Fatalf("cut %d times, %+v", y.cuts, d)
	}
}

// Whatever people ask in whatever order: a target is cut exactly while somebody holds
// it, nothing asked for by one person alone is done, and no deed is done twice.
func TestHoldsAndApprovalsHold(t *testing.T) {
	asked := 0
	defer func() { t.Logf("%d interactions", asked) }()
	rapid.Check(t, func(t *rapid.T) {
		y := newYard()
		ids := []ID{y.declare("INC-0001"), y.declare("INC-0002")}
		targets := []string{"web-3", "web-4"}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "incident")
			by := rapid.SampledFrom(crew).Draw(t, "who")
			n := rapid.IntRange(1, 5).Draw(t, "n")
			d := y.deed(id, n)
			var c Command
			switch rapid.IntRange(0, 10).Draw(t, "what") {
			case 0, 1, 2:
				c = RequestAction{Action: rapid.SampledFrom([]string{"okta.suspend", "wide.block", "edge.block"}).Draw(t, "action"), Kind: "host",
					Targets: targets[:rapid.IntRange(1, 2).Draw(t, "targets")], Lasts: true, Reversible: true}
			case 3, 4, 5, 6:
				c = ApproveAction{n, d.Digest}
			case 7:
				c = UndoAction{N: n}
			case 8:
				c = RetryAction{n}
			case 9:
				c = AssignRole{Commander, rapid.SampledFrom(crew).Draw(t, "commander")}
			default:
				c = rapid.SampledFrom([]Command{StopActions{Why: "x"}, ResumeActions{Why: "x"}, DenyAction{n, "x"}, SetSeverity{P1, "x"}, Exclude{Person: carol}, Exclude{Person: carol, Lift: true},
					ExtendAction{n, time.Hour}, KeepAction{n, alice, time.Time{}, true}}).Draw(t, "else")
			}
			_ = y.ask(id, by, c)
			asked++
			if rapid.Bool().Draw(t, "fail") {
				y.fail = rapid.Bool().Draw(t, "now")
			}
			// Some of what is owed happens before the next person speaks, in the order of its lanes.
			for range rapid.IntRange(0, 12).Draw(t, "performed") {
				if len(y.owed) > 0 {
					task := y.owed[0]
					y.owed = y.owed[1:]
					y.perform(task)
				}
			}
		}
		y.fail = false
		y.settle()
		for _, name := range targets {
			reg := HoldID("host", name)
			for _, action := range []string{"okta.suspend", "wide.block", "edge.block"} {
				held := false
				for _, h := range y.streams[reg].Hold {
					held = held || h.Action == action
				}
				if at := place(reg, action); held != y.cut[at] {
					t.Fatalf("%s: held %v, cut %v", at, held, y.cut[at])
				}
			}
			for _, h := range y.streams[reg].Hold {
				if h.Mark != MarkInEffect || h.Ending {
					t.Fatalf("%s is held and nothing came of it: %+v", name, h)
				}
			}
		}
		for _, id := range ids {
			for _, d := range y.streams[id].Deeds {
				by := map[PersonID]bool{}
				for _, a := range d.Approvals {
					if a.By == d.By || by[a.By] {
						t.Fatalf("%s of %s approved by %s", d.ID(id), d.By, a.By)
					}
					by[a.By] = true
				}
				if d.Try > 0 && len(d.Missing()) > 0 {
					t.Fatalf("%s was begun and %v is missing", d.ID(id), d.Missing())
				}
				if d.Status == DeedRunning || d.Status == DeedReleasing || d.Status == DeedPlanning {
					t.Fatalf("%s is %s though nothing is owed: %+v", d.ID(id), d.Status, d.Targets)
				}
				for i, target := range d.Targets {
					_, held := y.streams[target.Register].Hold[HoldKey{id, d.N, i}.String()]
					if held != (target.Mark.Holds() && target.Register != "") {
						t.Fatalf("%s#%d is %q and held: %v", d.ID(id), i, target.Mark, held)
					}
				}
			}
		}
	})
}
