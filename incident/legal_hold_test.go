package incident

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is asked in whatever order: while a legal hold stands nothing is erased, and
// it ends only by two persons, within a day of each other.
func TestALegalHoldOutlastsWhoeverWantsItGone(t *testing.T) {
	doors := []Door{ViaSlack, ViaCLI, ViaAPI}
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom().must(alice, Declare{Title: "x", Severity: P2})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "minutes")) * time.Minute)
			by := rapid.SampledFrom(crew).Draw(t, "by")
			door := rapid.SampledFrom(doors).Draw(t, "door")
			c := rapid.SampledFrom([]Command{
				HoldForLegal{"counsel asked"}, LiftLegalHold{"settled"}, LiftLegalHold{"settled"}, Redact{Seq: 1, Refs: []string{"ref"}, Why: "x"},
				Resolve{"done"}, Close{"waived"}, Reopen{"again"}, Exclude{Person: carol}, Exclude{Person: carol, Lift: true}, Distrust{"slack", "", "taken over"},
			}).Draw(t, "what")
			if rapid.IntRange(0, 9).Draw(t, "sweep") == 0 {
				by, door = Clockwork, ViaClock
				c = EraseEvidence{Days: 1, Since: r.now.Add(-48 * time.Hour), Items: []ErasedItem{{Stream: "INC-0001", Line: 1}}, Refs: []string{"key"}}
			}
			before, n := r.s, len(r.events)
			_ = r.through(door, by, c)
			for _, e := range r.events[n:] {
				switch e := e.Event.(type) {
				case Redacted:
					if before.LegalHold.On {
						t.Fatal("redacted under legal hold")
					}
				case LegalHoldLifted:
					h := before.LegalHold
					if e.First == by.ID || h.Voice != e.First || r.now.Sub(h.VoiceAt) >= liftWaits || h.VoiceVia == ViaCLI && door == ViaCLI || before.IsExcluded(e.First) {
						t.Fatalf("lifted by %s and %s: %+v", e.First, by.ID, h)
					}
				case EvidenceErased:
					if before.LegalHold.On || before.Live() {
						t.Fatal("erased under legal hold, or while the incident goes on")
					}
				}
			}
			if before.LegalHold.On && !r.s.LegalHold.On && !hasLifted(r.events[n:]) {
				t.Fatal("it is over, and no line says so")
			}
		}
	})
}

func hasLifted(events []Recorded) bool {
	for _, e := range events {
		if _, ok := e.Event.(LegalHoldLifted); ok {
			return true
		}
	}
	return false
}

func TestALegalHoldTakesTwoToLift(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2})
	refused(t, r.ask(alice, LiftLegalHold{"no need"}), "no-legal-hold")
	r.must(alice, HoldForLegal{"counsel asked"})
	refused(t, r.ask(bob, HoldForLegal{"me too"}), "same")
	refused(t, r.ask(alice, Redact{Seq: 1, Refs: []string{"ref"}, Why: "x"}), "legal-hold")
	r.must(alice, LiftLegalHold{"settled"})
	refused(t, r.ask(alice, LiftLegalHold{"settled"}), "second-person")
	r.must(bob, HoldForLegal{"not yet"}) // objects
	r.must(bob, LiftLegalHold{"settled now"})
	if !r.s.LegalHold.On || r.s.LegalHold.Voice != bob.ID {
		t.Fatalf("an objection did not take the first voice away: %+v", r.s.LegalHold)
	}
	r.now = r.now.Add(25 * time.Hour)
	r.must(alice, LiftLegalHold{"late"}) // the first voice is too old: this is another first one
	r.must(bob, LiftLegalHold{"settled"})
	if r.s.LegalHold.On {
		t.Fatal("it still stands")
	}
	r.must(alice, Redact{Seq: 1, Refs: []string{"ref"}, Why: "x"})
}

// A text of a held incident is safe in another one's record too, and a hold follows its
// matter into the incident it is merged into.
func TestALegalHoldReachesFurther(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2})
	refused(t, r.ask(alice, Redact{Seq: 1, Refs: []string{"ref"}, Why: "x", Held: "INC-0007"}), "legal-hold")
	r.must(Clockwork, TakeMerged{From: "INC-0007", Source: &State{Stream: "INC-0007", Exists: true, Status: Open, LegalHold: LegalHold{On: true}}})
	if !r.s.LegalHold.On {
		t.Fatal("the hold was left behind")
	}
}

func TestRetentionWaitsForItsTime(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P3})
	sweep := func(since time.Time) Command {
		return EraseEvidence{Days: 30, Since: since, Items: []ErasedItem{{Stream: "INC-0001", Line: 4, Stored: "ab"}}, Refs: []string{"key"}}
	}
	refused(t, r.ask(Clockwork, sweep(r.now.Add(-40*24*time.Hour))), "not-closed")
	r.must(alice, Resolve{"done"}).must(alice, Close{"waived"})
	closed := r.s.Times.Closed
	refused(t, r.ask(Clockwork, sweep(closed)), "too-early")
	refused(t, r.ask(Clockwork, sweep(closed.Add(-40*24*time.Hour))), "too-early")
	r.now = closed.Add(30 * 24 * time.Hour)
	r.must(Clockwork, sweep(closed))
	if e, ok := r.events[len(r.events)-1].Event.(EvidenceErased); !ok || e.Days != 30 {
		t.Fatalf("%+v", r.events[len(r.events)-1])
	}
}

func TestWhatWasKeptIsFoldedFromTheRecord(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sealed := func(ref, text string) Sealed { return Sealed{Ref: ref, Text: text} }
	lines := []Recorded{
		{Stream: "INC-0001", Seq: 5, At: at, By: "alice", Event: ActionRequested{N: 1}},
		{Stream: "INC-0001", Seq: 8, At: at.Add(time.Minute), Event: EvidenceKept{N: 1, Items: []KeptItem{
			{Name: sealed("n", "factors.json"), From: sealed("f", "okta"), Size: 12, SHA256: "aa", ID: "stored-1", Key: sealed("k1", "key")},
			{Name: sealed("n", "snapshot"), Ref: sealed("r", "snap-1")},
			{Name: sealed("n", "gone.json"), SHA256: "bb", ID: "stored-3", Key: sealed("k3", "")},
		}}},
		{Stream: "INC-0001", Seq: 9, At: at.Add(2 * time.Hour), By: "bob", Event: Redacted{Seq: 8, Refs: []string{"k3"}, Why: "a password"}},
		{Stream: "INC-0001", Seq: 10, At: at.Add(3 * time.Hour), By: "bob", Event: EvidenceExported{Items: 4}},
		{Stream: "INC-0001", Seq: 11, At: at.Add(4 * time.Hour), Event: EvidenceErased{Days: 30, Items: []ErasedItem{{Stream: "INC-0001/room", Line: 4, SHA256: "dd", Size: 7, Stored: "stored-4"}}, Refs: []string{"x"}, Why: "kept for 30 days"}},
	}
	room := []Captured{
		{Stream: "INC-0001", Seq: 1, TS: "1.1", Kind: FileShared, Author: "U1", By: "carol", At: at, Name: "file:1.1:F1", File: sealed("a", `{"id":"F1","name":"a.pcap","mimetype":"x/y"}`)},
		{Stream: "INC-0001", Seq: 2, TS: "1.1", Kind: FileKept, At: at.Add(time.Second), Name: "kept:1.1:F1", File: sealed("b", `{"id":"F1","kept":{"sha256":"cc","size":9,"stored":"stored-2","key":"eA=="}}`)},
		{Stream: "INC-0001", Seq: 3, TS: "1.2", Kind: FileKept, At: at.Add(time.Second), Name: "unkept:1.2:F2:large", File: sealed("c", `{"id":"F2","why":"too large"}`)},
		{Stream: "INC-0001", Seq: 4, TS: "1.3", Kind: FileKept, At: at.Add(time.Second), Name: "kept:1.3:F3", File: sealed("x", "")},
	}
	got := EvidenceIn(lines, room)
	if len(got) != 6 {
		t.Fatalf("%d items: %+v", len(got), got)
	}
	byLine := map[string]Evidence{}
	for i, e := range got {
		if e.N != i+1 {
			t.Errorf("item %d has number %d", i, e.N)
		}
		byLine[string(e.Line.Stream)+"/"+fmt.Sprint(e.Line.Seq)+"/"+fmt.Sprint(e.Index)] = e
	}
	for at, want := range map[string]Evidence{
		"INC-0001/8/0":      {State: KeptHere, Name: "factors.json", SHA256: "aa", Stored: "stored-1", By: "alice", Deed: 1},
		"INC-0001/8/1":      {State: KeptAway, Name: "snapshot", By: "alice", Deed: 1},
		"INC-0001/8/2":      {State: KeptDestroyed, Name: "gone.json", SHA256: "bb", Stored: "stored-3", By: "alice", Deed: 1, Why: "a password"},
		"INC-0001/room/2/0": {State: KeptHere, Name: "a.pcap", SHA256: "cc", Stored: "stored-2", By: "carol"},
		"INC-0001/room/3/0": {State: KeptNot, Why: "too large"},
		"INC-0001/room/4/0": {State: KeptDestroyed, SHA256: "dd", Stored: "stored-4", Why: "kept for 30 days"},
	} {
		e := byLine[at]
		if e.State != want.State || e.Name != want.Name || e.SHA256 != want.SHA256 || e.Stored != want.Stored || e.By != want.By || e.Deed != want.Deed || e.Why != want.Why {
			t.Errorf("%s: %+v", at, e)
		}
	}
	if c := byLine["INC-0001/8/2"].Custody; len(c) != 4 || c[2].Seq != 9 {
		t.Errorf("custody of what was erased: %+v", c)
	}
}
