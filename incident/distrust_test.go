package incident

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func refused(t *testing.T, err error, code string) {
	t.Helper()
	var no *Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// Whoever asks what through which door in whatever order: nothing a person says
// through a distrusted channel becomes true, lifting takes two persons by ways that
// are believed, and somebody can always get in.
func TestWhatIsDistrustedDecidesNothing(t *testing.T) {
	doors := []Door{ViaSlack, ViaCLI, ViaAPI}
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P2})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "minutes")) * time.Minute)
			by := rapid.SampledFrom(crew).Draw(t, "by")
			door := rapid.SampledFrom(doors).Draw(t, "door")
			other := rapid.SampledFrom(crew).Draw(t, "other")
			kind := rapid.SampledFrom([]string{"slack", "cli", "api", "pagerduty", "identity"}).Draw(t, "kind")
			name := ""
			if kind == "identity" {
				name = string(other.ID)
			}
			c := rapid.SampledFrom([]Command{
				Distrust{kind, name, "why"}, Trust{kind, name, "why"}, Trust{kind, name, "why"}, AddNote{"x"}, Acknowledge{true}, Exclude{other, rapid.Bool().Draw(t, "lift")},
			}).Draw(t, "what")
			before := r.s
			n := len(r.events)
			err := r.through(door, by, c)
			if before.Disbelieved(by, door) != nil && (err == nil || len(r.events) > n) {
				t.Fatalf("%T by %s through %s became true", c, by.ID, door)
			}
			for _, e := range r.events[n:] {
				lifted, ok := e.Event.(Trusted)
				if !ok {
					continue
				}
				had := before.Doubts[lifted.N-1]
				switch {
				case lifted.First == by.ID:
					t.Fatalf("%s lifted it alone", by.ID)
				case Door(had.Kind) == door || Door(had.Kind) == had.VoiceVia:
					t.Fatal("what is distrusted spoke for itself")
				case before.Disbelieved(crewNamed(lifted.First), had.VoiceVia) != nil:
					t.Fatal("the first voice is not believed any more")
				case before.IsExcluded(lifted.First):
					t.Fatal("the first voice is excluded")
				}
			}
			if r.s.Disbelieved(Person{}, ViaSlack) != nil && r.s.Disbelieved(Person{}, ViaCLI) != nil {
				t.Fatal("nobody can get in any more")
			}
		}
	})
}

func crewNamed(id PersonID) Person {
	for _, p := range crew {
		if p.ID == id {
			return p
		}
	}
	return Person{}
}

// Whoever took Slack over cannot shut the door by which they are put out.
func TestTheWeakerDoorCannotShutTheStronger(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2})
	refused(t, r.ask(bob, Distrust{"cli", "", "mine now"}), "stronger-door")
	r.must(bob, Distrust{"slack", "", "stolen tokens"})
	refused(t, r.ask(alice, AddNote{"x"}), "distrusted")
	refused(t, r.through(ViaCLI, alice, Distrust{"cli", "", "x"}), "last-door")
	if err := r.through(ViaCLI, alice, AddNote{"x"}); err != nil {
		t.Fatal(err)
	}
}

func TestAnAcknowledgementThroughADistrustedPagerStopsNothing(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob).must(alice, Distrust{"pagerduty", "", "its keys leaked"})
	page := happened[RungFired](r)[0].Page
	said := VendorSaid{Vendor: VendorRef{Vendor: "pagerduty", Incident: "P" + string(page)}, Kind: "incident.acknowledged", Who: bob}
	if err := r.through(ViaPagerDuty, Vendor("pagerduty"), said); err != nil {
		t.Fatal(err)
	}
	if !r.s.Paging.Running || r.s.Paging.AckedBy != "" || len(happened[AckIgnored](r)) != 1 {
		t.Fatalf("%+v", r.s.Paging)
	}
	// Nor does it bring anybody in.
	said.Kind, said.People = "incident.reassigned", []Person{dave}
	if err := r.through(ViaPagerDuty, Vendor("pagerduty"), said); err != nil || r.s.paged("dave") {
		t.Fatal(err, "dave counts as paged")
	}
	r.must(bob, Acknowledge{})
	if r.s.Paging.Running {
		t.Fatal("the acknowledgement in Slack counts")
	}
}

func TestAnAnswerThroughWhatIsDistrustedNowIsVoid(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P1}).answerPage(bob).must(bob, Acknowledge{})
	if err := r.through(ViaCLI, alice, Distrust{"slack", "", "stolen tokens"}); err != nil {
		t.Fatal(err)
	}
	if !r.s.Paging.Running || r.s.Paging.AckedBy != "" {
		t.Fatalf("paging begins anew: %+v", r.s.Paging)
	}
}

// Whoever holds the server's key can speak there in any name.
func TestTwoVoicesFromTheCommandLineAreOneOperator(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(bob, Join{}).must(alice, Distrust{"slack", "", "stolen tokens"})
	if err := r.through(ViaCLI, alice, Trust{"slack", "", "rotated"}); err != nil {
		t.Fatal(err)
	}
	refused(t, r.through(ViaCLI, bob, Trust{"slack", "", "rotated"}), "one-operator")
	if err := r.through(ViaAPI, bob, Trust{"slack", "", "rotated"}); err != nil || len(happened[Trusted](r)) != 1 {
		t.Fatal(err, "a token of one's own is a second person")
	}
}

func TestLiftingTakesASecondPersonInTime(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3}).must(alice, Distrust{"github", "", "x"})
	r.must(alice, Trust{"github", "", "rotated"})
	refused(t, r.ask(alice, Trust{"github", "", "rotated"}), "second-person")
	r.now = r.now.Add(liftWaits)
	r.must(bob, Trust{"github", "", "rotated"}) // a first voice again
	if len(happened[Trusted](r)) != 0 {
		t.Fatal("a voice a day old counted")
	}
	r.must(carol, Distrust{"github", "", "not yet"}) // takes that voice away
	r.must(alice, Trust{"github", "", "now"})
	if len(happened[Trusted](r)) != 0 {
		t.Fatal("a voice that was objected to counted")
	}
	r.must(bob, Trust{"github", "", "now"})
	if got := happened[Trusted](r); len(got) != 1 || got[0].First != "alice" {
		t.Fatalf("%+v", got)
	}
	for _, e := range happened[Distrusted](r) {
		if _, _, line, _ := EncodeEvent(e); strings.Contains(string(line), "not yet") {
			t.Fatal("reasons are sealed")
		}
	}
}
