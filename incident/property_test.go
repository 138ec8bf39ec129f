package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anyCommand draws what a confused or hostile room might ask.
func anyCommand(t *rapid.T) (Person, Command) {
	who := rapid.SampledFrom(append(crew, guest, Person{})).Draw(t, "who")
	other := rapid.SampledFrom(crew).Draw(t, "other")
	n := rapid.IntRange(-1, 6).Draw(t, "n")
	yes := rapid.Bool().Draw(t, "yes")
	word := rapid.SampledFrom([]string{"", "x", "<!channel> *x*", strings.Repeat("é", 300), "a\x00\u202eb"}).Draw(t, "text")
	sev := Severity(rapid.IntRange(-1, 5).Draw(t, "sev"))
	due := begin.Add(time.Duration(n) * time.Hour)
	page := PageID(fmt.Sprint(rapid.IntRange(1, 40).Draw(t, "page")))
	vendor := VendorRef{Vendor: "pagerduty", Incident: "P" + string(page)}
	people := []Command{
		SetSeverity{sev, word}, Retitle{word}, SetType{rapid.SampledFrom([]string{"other", "credential-leak", "nonsense"}).Draw(t, "type")},
		MarkScope{ScopeHost, word, Confirmed, word}, SetTime{Awareness, due, word}, Exclude{other, yes},
		AssignRole{Commander, other}, AssignRole{"nobody", other}, OfferRole{Commander, other}, AcceptRole{Commander}, DeclineRole{Commander},
		Join{Observer: yes}, Join{Person: &other}, PageNow{Person: &other}, PageNow{Ladder: "major"}, Acknowledge{yes}, Unacknowledge{word},
		PostUpdate{word}, AddNote{word}, KeepMessage{MessageRef{Channel: "C1", TS: word}, other, word}, AddTask{word, &other, due},
		ChangeTask{N: n, Done: &yes}, ChangeTask{N: n, Owner: &other, Due: &due}, SetPhase{rapid.SampledFrom(Phases()).Draw(t, "phase")},
		EditEntry{int64(n), word, due, word}, HideEntry{int64(n), word}, MergeInto{"INC-0001"}, Relate{"INC-0002"}, Resolve{word}, Reopen{word},
		Close{word}, AddItem{word, "prevent", &other, due, nil}, ChangeItem{N: n, Done: &yes}, EditPostMortem{SectionRootCause, word},
		PublishPostMortem{}, PublishPostMortem{word}, MarkPrivileged{int64(n), yes, word}, RemindPostMortem{}, AdoptPlan{}, Redact{Seq: int64(n), Refs: []string{"ref"}, Why: word}, HoldForLegal{word}, LiftLegalHold{word}, ExportEvidence{word, n}, Heard{}, NewRoom{},
		EndDrill{word}, RequestAction{Action: "okta.suspend", Kind: "identity", Targets: []string{word}, Lasts: yes, Reversible: true, Reason: word},
		RequestAction{Action: "edge.block", Kind: "address", Targets: []string{"x"}, Lasts: true, Reversible: true, BreakGlass: yes, Reason: word, TTL: time.Duration(n) * time.Hour}, ApproveAction{n, "d"}, DenyAction{n, word},
		StopActions{N: n, Why: word}, StopActions{All: yes}, ResumeActions{yes, word}, RetryAction{n}, ReplanAction{n}, UndoAction{N: n, Force: yes}, ExtendAction{n, time.Hour},
		KeepAction{n, other, due, yes}, WaiveEvidence{n, word}, ReviewAction{n, word}, AddToRoster{[]string{word}}, SettleRoster{n, yes, word}, Distrust{"pagerduty", "", word}, Trust{"pagerduty", "", word}, Distrust{"identity", string(other.ID), word}, Trust{"identity", string(other.ID), word}, Distrust{word, word, word},
		JudgeSignals{fmt.Sprint("g", n), yes, word}, BeginLook{Looking{What: LookHunt, Kind: "ip", Subject: Seal(word), To: due}}, StopLook{n}, NoteLook{Looking{What: LookConns, Subject: Seal(word)}, LookCount{Rows: n}, word},
	}
	system := []Command{
		RoomIsOpen{"C1", "inc", "u"}, RoomIsGone{"archived"}, Entered{other}, MessageIsUp{ViewSummary, "C1", "1.1"}, PageTaken{page, []Person{other}, vendor},
		PageTroubled{page, "503", []Person{other}}, PageSkipped{page, "nobody"}, VendorSaid{Vendor: vendor, Kind: "incident.acknowledged", Who: other},
		VendorSaid{Vendor: vendor, Kind: "incident.resolved", Who: other}, VendorSaid{Vendor: vendor, Kind: "incident.unacknowledged"},
		VendorSaid{Vendor: vendor, Kind: "incident.reassigned", People: []Person{other}}, Published{"a/b", 7, "u", word}, ItemFiled{n, 9, "u"},
		EffectFailed{EffectID("INC-0042/" + string(page) + "/1"), "page", "401"}, EffectStale{"INC-0042/3/1", "page", "late"},
		TakeMerged{From: "INC-0009"}, MergeTaken{"INC-0001"}, TakeRelated{"INC-0003"}, Nudge{"stale"}, Nudge{"items"}, TargetSettled{N: n, Index: 0, Round: 1, Try: 1, Mark: MarkInEffect}, TargetSettled{N: n, Index: 0, Mark: MarkReleased}, TargetShared{N: n, Label: "INC-1"},
		ActionIsPlanned{N: n, Round: 1, Digest: "d", Briefs: []Brief{{Name: "x"}}, Registers: []ID{"hold:x/1"}, Names: []string{"x"}, Lasts: yes, Reversible: true},
		ActionIsPlanned{N: n, Round: 1, Err: word},
		SignalsSeen{Group: SignalGroup{ID: fmt.Sprint("g", n), Rule: word, Host: word, Level: SignalLevels()[max(n-1, 0)%5], Count: 1 + 2*max(n, 0), Summary: word, Drill: n == 3}}, LookIsOver{n, LookCount{}, word},
		DrillMeasured{DrillScore{Points: n}}, YieldDrill{"INC-0009"},
		CardIsUp{int64(n), PlacePerson, other.ID, "D1", "1.1", "page"}, CardIsUp{int64(n), PlaceRoom, "", "C1", "1.1", "offer/commander/bob"},
		SecretFound{MessageRef{Channel: "C1", TS: "7"}, other, []FoundSecret{{"password", n}}},
	}
	if rapid.IntRange(0, 3).Draw(t, "door") == 0 {
		return Clockwork, rapid.SampledFrom(system).Draw(t, "system")
	}
	return who, rapid.SampledFrom(people).Draw(t, "command")
}

// Whatever is asked, in whatever order: the rules hold.
func TestRulesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRoom()
		r.must(alice, Declare{Title: "x", Severity: Severity(rapid.IntRange(1, 4).Draw(t, "declared")), Private: rapid.Bool().Draw(t, "private")})
		ids := map[EffectID]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "wait") == 0 {
				r.pass(time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute)
				continue
			}
			before, kept := r.s, mustJSON(r.s)
			who, c := anyCommand(t)
			err := r.ask(who, c)
			var no *Refusal
			if err != nil && !errors.As(err, &no) {
				t.Fatalf("%T: %v", c, err)
			}
			if mustJSON(before) != kept {
				t.Fatalf("%T changed the state it was given", c)
			}
			if err != nil && no.Why == "" {
				t.Fatalf("%T refused without a sentence", c)
			}
			if before.IsExcluded(who.ID) && err == nil {
				t.Fatalf("%s is excluded and %T was done", who.ID, c)
			}
			if who.Standing == Guest && err == nil {
				t.Fatalf("a guest did %T", c)
			}
		}
		replay := State{Stream: "INC-0042"}
		for i, e := range r.events {
			if e.Seq != int64(i+1) {
				t.Fatalf("event %d is numbered %d", i+1, e.Seq)
			}
			replay = Apply(replay, e)
		}
		if d := cmp.Diff(replay, r.s); d != "" {
			t.Fatalf("replay differs: %s", d)
		}
		checkOwed(t, r, ids)
		breached := map[ClockName]bool{}
		for _, e := range happened[ClockBreached](r) {
			breached[e.Clock] = true
		}
		for name := range breached {
			if !r.s.Clocks[name].Breached {
				t.Fatalf("the breach of %s was forgotten", name)
			}
		}
	})
}

func checkOwed(t *rapid.T, r *room, ids map[EffectID]bool) {
	for _, o := range r.owed {
		if ids[o.ID] {
			t.Fatalf("two effects are called %s", o.ID)
		}
		ids[o.ID] = true
		if o.Seq < 1 || o.Seq > r.s.Seq || o.Lane == "" {
			t.Fatalf("%s follows from event %d in lane %q", o.ID, o.Seq, o.Lane)
		}
		to := PersonID("")
		switch e := o.Effect.(type) {
		case Say:
			to = e.Person
		case Invite:
			to = e.Person
		case Refresh:
			to = e.Person
		case Restate:
			to = e.Person
		case Page:
			to = e.To
		}
		if to != "" && r.s.IsExcluded(to) && Wanted(r.task(o), r.now) == nil {
			t.Fatalf("%T would still reach %s, who is excluded", o.Effect, to)
		}
	}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Every type that says it is an event or effect is listed, and survives being stored.
func TestEveryShapeIsListed(t *testing.T) {
	listed := map[string]bool{}
	for ty := range eventBook.byType {
		listed["event "+ty.Name()] = true
	}
	for ty := range effectBook.byType {
		listed["effect "+ty.Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "event" && fn.Name.Name != "effect" {
				continue
			}
			name := fn.Name.Name + " " + fn.Recv.List[0].Type.(*ast.Ident).Name
			seen++
			if !listed[name] {
				t.Errorf("%s is not listed in encode.go", name)
			}
		}
	}
	if seen == 0 || seen != len(listed) {
		t.Errorf("%d types in the source, %d listed", seen, len(listed))
	}
}

func TestSealedTextStaysOutOfTheLine(t *testing.T) {
	e := Kept{Ref: MessageRef{Channel: "C1", TS: "1.2"}, Author: "bob", Text: Sealed{Ref: "abc", Text: "hunter2"}}
	kind, v, data, err := EncodeEvent(e)
	if err != nil || strings.Contains(string(data), "hunter2") {
		t.Fatalf("%s %v", data, err)
	}
	got, err := DecodeEvent(kind, v, data)
	if err != nil {
		t.Fatal(err)
	}
	EachSealed(&got, func(s *Sealed) { s.Text = "hunter2" })
	if d := cmp.Diff(Event(e), got); d != "" {
		t.Fatal(d)
	}
	if _, err := DecodeEvent("from_the_future", 1, nil); err == nil {
		t.Fatal("an unknown kind stops the load")
	}
	if _, err := DecodeEvent("kept", 2, nil); err == nil {
		t.Fatal("a newer version stops the load")
	}
}

func TestEachSealedReachesMapsAndSlices(t *testing.T) {
	s := State{Title: Seal("a"), Tasks: []TaskItem{{Text: Seal("b")}}, People: map[PersonID]Part{"x": {Person: Person{Name: Seal("c")}}}, Report: Report{Sections: map[string]Sealed{"s": Seal("d")}}}
	EachSealed(&s, func(x *Sealed) { x.Text += "!" })
	if got := s.Title.Text + s.Tasks[0].Text.Text + s.People["x"].Person.Name.Text + s.Report.Sections["s"].Text; got != "a!b!c!d!" {
		t.Fatal(got)
	}
}
