package incident

import (
	"errors"
	"testing"
	"time"
)

func refusedAs(t *testing.T, err error, code string) {
	t.Helper()
	var no *Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, want a refusal %q", err, code)
	}
	if no.Why == "" {
		t.Fatalf("refusal %q has no sentence", code)
	}
}

func TestNobodyAnswersUntilTheLadderIsExhausted(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "token on a paste site", Severity: P1})
	r.pass(29 * time.Minute)
	if got := len(happened[RungFired](r)); got != 6 {
		t.Fatalf("%d rungs fired in 29 minutes, want 3 rungs in 2 rounds", got)
	}
	if len(happened[LadderEnded](r)) != 0 {
		t.Fatal("ended before the last rung had its wait")
	}
	r.pass(2 * time.Minute)
	if len(happened[LadderEnded](r)) != 1 || r.s.Paging.Running {
		t.Fatal("an exhausted ladder is said once, and stops")
	}
}

func TestWhoMayStopTheLadder(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob)
	refusedAs(t, r.ask(alice, Acknowledge{}), "not-paged") // the declarer
	refusedAs(t, r.ask(dave, Acknowledge{}), "not-paged")
	if !r.s.Paging.Running {
		t.Fatal("the ladder stopped for somebody who was not paged")
	}
	r.must(bob, Acknowledge{})
	if r.s.Paging.Running || r.s.Paging.AckedBy != "bob" || !r.s.Clocks[ClockAck].Met {
		t.Fatalf("bob was paged and answered: %+v", r.s.Paging)
	}
	if n := len(happened[RungFired](r.pass(time.Hour))); n == 1 {
		t.Fatal("bob fell silent and nobody was paged again")
	}

	r = newRoom().must(alice, Declare{Title: "x", Severity: P1}).must(alice, Acknowledge{TakeDuty: true})
	if r.s.Paging.Running {
		t.Fatal("the declarer said they have it")
	}
}

func TestSilentAfterAcknowledging(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob).must(bob, Acknowledge{})
	r.pass(11 * time.Minute)
	if len(happened[AskedAgain](r)) != 1 || r.s.Paging.Running {
		t.Fatal("after ten silent minutes bob is asked, not yet paged")
	}
	r.must(bob, Acknowledge{})
	if n := len(happened[RungFired](r.pass(20 * time.Minute))); n != 1 {
		t.Fatalf("bob is at it, yet %d pages", n)
	}
	r = newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob).must(bob, Acknowledge{}).must(bob, Heard{})
	if len(happened[AskedAgain](r.pass(20*time.Minute))) != 0 {
		t.Fatal("who is at work is not asked")
	}
}

func TestExcludedIsNeverPagedAndTheNextRungFiresAtOnce(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "insider", Severity: P1, Private: true, Exclude: []Person{bob}})
	first := happened[RungFired](r)[0]
	r.must(Clockwork, PageSkipped{first.Page, "somebody on this rung may not be paged"})
	if fired := happened[RungFired](r); len(fired) != 2 || fired[1].Rung != 1 {
		t.Fatalf("rungs fired: %+v", fired)
	}
	r.must(Clockwork, RoomIsOpen{Channel: "C1", Name: "amber"})
	for _, i := range owed[Invite](r) {
		if i.Person == "bob" {
			t.Fatal("the excluded person was invited")
		}
	}
	refusedAs(t, r.ask(bob, AddNote{"hello"}), "no-such-incident")
	refusedAs(t, r.ask(bob, Acknowledge{TakeDuty: true}), "no-such-incident")
}

func TestExcludingWhoAnsweredPagesAgain(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob).must(bob, Acknowledge{})
	r.must(alice, Exclude{Person: bob})
	if !r.s.Paging.Running || r.s.Paging.AckedBy != "" {
		t.Fatal("nobody has it now, so somebody is paged")
	}
}

func TestSeverityUpAndDown(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2}).answerPage(bob).must(bob, Acknowledge{}).must(bob, Heard{})
	r.must(alice, SetSeverity{P1, ""})
	fired := happened[RungFired](r)
	if len(fired) != 2 || r.s.Paging.Ladder.Rungs[0].Name != "secondary" {
		t.Fatalf("going up pages who has not answered: %+v %+v", fired, r.s.Paging.Ladder.Rungs)
	}
	refusedAs(t, r.ask(alice, SetSeverity{P3, ""}), "reason-wanted")
	r.pass(31 * time.Minute) // the update of a P1 is late
	if !r.s.Clocks[ClockUpdate].Breached {
		t.Fatal("no update for 31 minutes in a P1")
	}
	r.must(alice, SetSeverity{P4, "only a test key"})
	if r.s.Paging.Running {
		t.Fatal("P4 pages nobody")
	}
	if !r.s.Clocks[ClockUpdate].Breached {
		t.Fatal("a breach stays one")
	}
}

func TestEffectsNobodyWants(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob)
	var page Owed
	for _, o := range r.owed {
		if _, ok := o.Effect.(Page); ok {
			page = o
		}
	}
	if Wanted(r.task(page), r.now) != nil {
		t.Fatal("a page is wanted until somebody answers")
	}
	if d := Wanted(r.task(page), r.now.Add(25*time.Hour)); d == nil || d.Silent {
		t.Fatal("a page of yesterday is dropped, out loud")
	}
	r.must(bob, Acknowledge{})
	if d := Wanted(r.task(page), r.now); d == nil || d.Silent {
		t.Fatal("no page after the acknowledgement, and the timeline says so")
	}
	r.must(alice, Resolve{"rotated"})
	if d := Wanted(r.task(page), r.now); d == nil {
		t.Fatal("no page after the resolution")
	}
}

func TestPagerDutyDoesNotResolveTheRoom(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob)
	v := VendorRef{Vendor: "pagerduty", Incident: "P" + string(happened[RungFired](r)[0].Page)}
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.acknowledged", Who: bob})
	if r.s.Paging.AckedBy != "bob" {
		t.Fatal("an acknowledgement in the pager moves the room")
	}
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.resolved", Who: bob})
	if r.s.Status != Open {
		t.Fatal("the pager resolved the room")
	}
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.unacknowledged", Who: bob})
	if !r.s.Paging.Running {
		t.Fatal("un-acknowledging restarts the ladder")
	}
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.something_new", Who: bob})
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.acknowledged", Who: alice})
	if !r.s.Paging.Running || len(happened[AckIgnored](r)) != 1 {
		t.Fatal("the declarer was not paged by declaring, in the pager either")
	}
}

func TestALateEchoOfAnAnswerThatWasTakenBack(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob)
	v := VendorRef{Vendor: "pagerduty", Incident: "P" + string(happened[RungFired](r)[0].Page)}
	r.must(bob, Acknowledge{}).must(bob, Unacknowledge{"on a train"})
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: v, Kind: "incident.acknowledged", Who: bob})
	if !r.s.Paging.Running {
		t.Fatal("PagerDuty's echo of bob's first answer stopped the new ladder")
	}
	r.answerPage(carol)
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: VendorRef{Vendor: "pagerduty", Key: string(r.s.Stream) + "/" + string(happened[RungFired](r)[1].Page) + "/1"}, Kind: "incident.acknowledged", Who: carol})
	if r.s.Paging.AckedBy != "carol" {
		t.Fatal("carol answered the new page")
	}
}

func TestAnAnswerFasterThanThePage(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1})
	page := happened[RungFired](r)[0].Page
	r.must(Vendor("pagerduty"), VendorSaid{Vendor: VendorRef{Vendor: "pagerduty", Incident: "P9", Key: string(r.s.Stream) + "/" + string(page) + "/1"}, Kind: "incident.acknowledged", Who: bob})
	if r.s.Paging.AckedBy != "bob" || happened[Acknowledged](r)[0].Duty {
		t.Fatalf("%+v", r.s.Paging)
	}
	r.must(Clockwork, PageTaken{page, []Person{bob}, VendorRef{Vendor: "pagerduty", Key: "k"}})
	if r.s.Paging.Pages[page].Vendor.Incident != "P9" {
		t.Fatal("the answer to the page forgot what the webhook named")
	}
}

func TestMergingTwoIntoEachOtherLeavesBothAlive(t *testing.T) {
	a := newRoom().must(alice, Declare{Title: "a", Severity: P3})
	b := newRoom()
	b.s.Stream = "INC-0043"
	b.must(alice, Declare{Title: "b", Severity: P3})
	a.must(alice, MergeInto{"INC-0043"})
	b.must(alice, MergeInto{"INC-0042"})
	refusedAs(t, a.ask(Clockwork, TakeMerged{From: "INC-0043", Source: &b.s}), "merged")
	refusedAs(t, b.ask(Clockwork, TakeMerged{From: "INC-0042", Source: &a.s}), "merged")
	a.must(Clockwork, EffectFailed{"INC-0042/9/1", "tell", "refused"})
	if a.s.Merging != "" || a.s.Status != Open {
		t.Fatal("a refused merge lets go")
	}
}
