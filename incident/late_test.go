package incident

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAnOverduePostMortemClimbs(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).must(bob, AssignRole{Commander, bob}).must(bob, Resolve{})
	r.must(bob, AssignRole{Commander, carol}).must(carol, AcceptRole{Commander}) // bob owns the draft, carol commands
	r.pass(73 * time.Hour)
	if n := len(happened[PostMortemEscalated](r)); n != 0 {
		t.Fatalf("the owner has a day first: %d", n)
	}
	r.pass(24 * time.Hour)
	r.pass(24 * time.Hour)
	got := happened[PostMortemEscalated](r)
	if len(got) != 2 || got[0].To[0] != "carol" || got[1].To[0] != "dave" {
		t.Fatalf("%+v", got)
	}
	r.pass(30 * 24 * time.Hour)
	if n := len(happened[PostMortemEscalated](r)); n != 2 {
		t.Fatalf("nobody is left to tell, and it was told %d times", n)
	}
}

// Whenever it is published, closed or reopened: nobody is told of it afterwards, and
// nobody ever twice, nor the owner nor anybody excluded.
func TestNobodyIsToldOfAPostMortemThatIsOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).must(bob, AssignRole{Commander, bob}).must(bob, Resolve{})
		told := map[PersonID]int{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			n := len(r.events)
			over := r.s.Report.Number != 0 || r.s.Status == Closed || r.s.Status == Open
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				_ = r.ask(Clockwork, Published{Repo: "a/b", Number: 7, URL: "u"})
				continue
			case 1:
				if r.ask(bob, Reopen{"again"}) == nil {
					told = map[PersonID]int{}
				}
				_ = r.ask(bob, Resolve{})
				continue
			case 2:
				_ = r.ask(bob, Close{"enough"})
				continue
			case 3:
				_ = r.ask(bob, Exclude{rapid.SampledFrom(crew).Draw(t, "out"), rapid.Bool().Draw(t, "lift")})
				continue
			default:
				r.pass(time.Duration(rapid.IntRange(1, 80).Draw(t, "hours")) * time.Hour)
			}
			for _, e := range r.events[n:] {
				late, ok := e.Event.(PostMortemEscalated)
				if !ok {
					continue
				}
				if over {
					t.Fatal("told of a post-mortem that nobody waits for")
				}
				for _, id := range late.To {
					if told[id]++; told[id] > 1 || id == r.s.Report.Owner || r.s.IsExcluded(id) {
						t.Fatalf("%s was told %d times; owner %s", id, told[id], r.s.Report.Owner)
					}
				}
			}
		}
	})
}
