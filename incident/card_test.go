package incident

import "testing"

func TestAnAnsweredCardLosesItsButtons(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob)
	fired := int64(0)
	for _, e := range r.events {
		if _, ok := e.Event.(RungFired); ok {
			fired = e.Seq
		}
	}
	r.must(Clockwork, CardIsUp{fired, PlaceRoom, "", "C1", "1.1", "page"})
	r.must(Clockwork, CardIsUp{fired, PlacePerson, "bob", "D1", "2.2", "page"})
	if len(owed[Restate](r)) != 0 {
		t.Fatal("nobody has answered yet")
	}
	r.must(bob, Acknowledge{})
	got := owed[Restate](r)
	if len(got) != 2 || got[0].TS != "1.1" || got[1].Channel != "D1" || len(r.s.Cards) != 0 {
		t.Fatalf("%+v, left %+v", got, r.s.Cards)
	}
	for _, o := range r.owed {
		if _, ok := o.Effect.(Restate); ok && o.Seq != fired {
			t.Fatalf("it is rendered from event %d", o.Seq)
		}
	}
	// A message that was on its way when the answer came.
	r.must(Clockwork, CardIsUp{fired, PlaceRoom, "", "C1", "3.3", "page"})
	if got := owed[Restate](r); len(got) != 3 || got[2].TS != "3.3" {
		t.Fatalf("%+v", got)
	}
	r.must(carol, Unacknowledge{"asleep"})
	if got := owed[Restate](r); len(got) != 3 {
		t.Fatal("what was decided stays decided; new messages ask anew")
	}
}

func TestAnOfferThatWasAnsweredLosesItsButtons(t *testing.T) {
	for _, answer := range []Command{AcceptRole{Commander}, DeclineRole{Commander}} {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(alice, AssignRole{Commander, alice}).must(alice, OfferRole{Commander, bob})
		seq := r.s.Seq
		for _, e := range r.events {
			if _, ok := e.Event.(RoleOffered); ok {
				seq = e.Seq
			}
		}
		r.must(Clockwork, CardIsUp{seq, PlacePerson, "bob", "D1", "1.1", WaitsFor(r.events[seq-1].Event)})
		r.must(carol, AddNote{"x"})
		if len(owed[Restate](r)) != 0 {
			t.Fatal("it was not answered yet")
		}
		r.must(bob, answer)
		if len(owed[Restate](r)) != 1 || len(r.s.Cards) != 0 {
			t.Fatalf("%T: %+v", answer, r.s.Cards)
		}
	}
}
