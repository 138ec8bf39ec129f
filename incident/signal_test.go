package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var sensor = Vendor("sensor")

func shell(id string, level SignalLevel, count int) SignalGroup {
	return SignalGroup{ID: id, Source: "sensor", Rule: "sigma/reverse-shell", Title: "Reverse shell", Level: level, Techniques: []string{"T1059.004"}, Host: "web-3",
		Entities: []string{"address/203.0.113.9"}, Count: count, First: begin, Last: begin.Add(time.Duration(count) * time.Second), Summary: "bash talks to 203.0.113.9"}
}

func code(err error) string {
	var no *Refusal
	if errors.As(err, &no) {
		return no.Code
	}
	return fmt.Sprint(err)
}

func TestAGroupIsSaidOnceAndMarksItsHost(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2}).must(Clockwork, RoomIsOpen{Channel: "C1"})
	before := len(owed[Say](r))
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelMedium, 3)})
	if says := owed[Say](r)[before:]; len(says) != 1 || says[0].Loud {
		t.Fatalf("a new group is said once, and quietly below high: %+v", says)
	}
	if it := r.s.Scope; len(it) != 1 || it[0].Name.Text != "web-3" || it[0].State != Suspected || it[0].Kind != ScopeHost {
		t.Fatalf("scope: %+v", it)
	}
	if !slices.ContainsFunc(owed[Invite](r), func(i Invite) bool { return i.Person == "carol" }) {
		t.Fatal("the host's owner is not brought in")
	}
	for n := 4; n < 6; n++ {
		r.must(sensor, SignalsSeen{Group: shell("g1", LevelMedium, n)})
	}
	if len(happened[SignalGrew](r)) != 0 {
		t.Fatal("it only counts until it has doubled")
	}
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelMedium, 6)})
	if grew := happened[SignalGrew](r); len(grew) != 1 || grew[0].Worse || grew[0].Count != 6 || len(owed[Say](r)) != before+1 {
		t.Fatalf("doubled: %+v, said %d", grew, len(owed[Say](r))-before)
	}
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelHigh, 7)})
	if says := owed[Say](r)[before+1:]; len(says) != 1 || !says[0].Loud {
		t.Fatalf("worse is said, and high is loud: %+v", says)
	}
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelLow, 1)})
	if g, _ := r.s.Signal("g1"); g.Level != LevelHigh || g.Count != 7 {
		t.Fatalf("what was bad stays so: %+v", g)
	}
}

func TestSignalsDeclareOnceAndByTheirClaim(t *testing.T) {
	r := newRoom()
	g := shell("g7", LevelCritical, 1)
	ch, err := Decide(r.s, Asked{ID: "a", By: sensor, Via: ViaSensor, At: begin, What: Declare{Signals: &g, Severity: P2}}, plan{})
	if err != nil || !slices.Contains(ch.Claims, "signal:g7") {
		t.Fatal(ch.Claims, err)
	}
	r.must(sensor, Declare{Signals: &g, Severity: P2})
	if r.s.Title.Text != "Reverse shell on web-3" || len(r.s.Signals) != 1 || len(r.s.Scope) != 1 || !r.s.Paging.Running {
		t.Fatalf("%+v", r.s)
	}
	if got := r.s.Touches(); !slices.Contains(got, "host/web-3") || !slices.Contains(got, "address/203.0.113.9") {
		t.Fatal(got)
	}
}

// What somebody cleared stays cleared until somebody says otherwise, but the room hears of it.
func TestAPersonsWordOnAHostStands(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P2, Assets: []string{"WEB-3"}}).must(alice, MarkScope{Kind: ScopeHost, Name: "web-3", State: Cleared})
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelHigh, 1)})
	if seen := happened[SignalSeen](r); r.s.Scope[0].State != Cleared || len(r.s.Scope) != 1 || !seen[0].Cleared {
		t.Fatalf("%+v %+v", r.s.Scope, seen)
	}
}

func TestSignalsStayOutOfWhatIsOverOrPlayed(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x", Severity: P4}).must(alice, Resolve{})
	r.must(sensor, SignalsSeen{Group: shell("g1", LevelHigh, 1)}) // resolved may be wrong
	r.must(alice, Close{Waive: "x"})
	if got := code(r.ask(sensor, SignalsSeen{Group: shell("g2", LevelHigh, 1)})); got != "not-open" {
		t.Fatal(got)
	}
	played := shell("g1", LevelHigh, 1)
	played.Drill = true
	if got := code(newRoom().must(alice, Declare{Title: "x"}).ask(sensor, SignalsSeen{Group: played})); got != "drill" {
		t.Fatal(got)
	}
	if err := newRoom().must(alice, Declare{Title: "x"}).ask(alice, SignalsSeen{Group: shell("g", LevelLow, 1)}); err == nil {
		t.Fatal("people do not make signals")
	}
}

// A host that an intruder owns says what it likes, and as much.
func TestAFloodOfSignalsIsBounded(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x"}).must(Clockwork, RoomIsOpen{Channel: "C1"})
	before := len(owed[Say](r))
	for i := range MaxSignals + 40 {
		g := shell(fmt.Sprint("g", i), LevelLow, 1)
		g.Host, g.Title, g.Summary = fmt.Sprint("h", i), strings.Repeat("\u202ex ", 500), strings.Repeat("y", 100_000)
		g.Entities = make([]string, 5000)
		for k := range g.Entities {
			g.Entities[k] = fmt.Sprint("ip/", k, strings.Repeat("z", 300))
		}
		r.must(sensor, SignalsSeen{Group: g})
	}
	r.must(sensor, SignalsSeen{Group: shell("bad", LevelCritical, 1)})
	if n := len(owed[Say](r)) - before; n != MaxSignals+1 {
		t.Fatalf("%d messages", n)
	}
	if _, ok := r.s.Signal("bad"); !ok || len(r.s.Signals) != MaxSignals {
		t.Fatalf("%d groups are kept", len(r.s.Signals))
	}
	for _, e := range happened[SignalSeen](r) {
		if len([]rune(e.Title.Text)) > MaxTitle || len(e.Summary.Text) > 1000 || len(e.Entities.Text) > 20_000 || strings.ContainsRune(e.Title.Text, '\u202e') {
			t.Fatalf("%d %d %d", len(e.Title.Text), len(e.Summary.Text), len(e.Entities.Text))
		}
	}
}

func TestAMarkIsKeptAndNotSaidTwice(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x"}).must(sensor, SignalsSeen{Group: shell("g1", LevelHigh, 1)})
	r.must(bob, JudgeSignals{Group: "g1", False: true, Why: "our scanner"})
	if g, _ := r.s.Signal("g1"); !g.False || g.Judged != "bob" {
		t.Fatalf("%+v", g)
	}
	if got := code(r.ask(bob, JudgeSignals{Group: "g1", False: true})); got != "same" {
		t.Fatal(got)
	}
	if got := r.s.Touches(); slices.Contains(got, "address/203.0.113.9") {
		t.Fatal("a false alarm draws others in", got)
	}
	if got := code(r.ask(bob, JudgeSignals{Group: "g9"})); got != "no-such-signal" {
		t.Fatal(got)
	}
}

func TestAMergeBringsSignalsAlong(t *testing.T) {
	from := newRoom().must(alice, Declare{Title: "from"}).must(sensor, SignalsSeen{Group: shell("g1", LevelHigh, 4)})
	r := newRoom().must(alice, Declare{Title: "into"})
	r.must(Clockwork, TakeMerged{From: "INC-0009", Source: &from.s})
	if g, ok := r.s.Signal("g1"); !ok || g.Count != 4 {
		t.Fatalf("%+v", r.s.Signals)
	}
	ch, err := Decide(r.s, Asked{ID: "a", By: sensor, Via: ViaSensor, At: begin, What: SignalsSeen{Group: shell("g2", LevelLow, 1), Moved: true}}, plan{})
	if err != nil || len(ch.Claims) != 0 {
		t.Fatal("the merged one holds the claim", ch.Claims, err)
	}
}

func TestALookBeginsEndsAndLeavesItsResult(t *testing.T) {
	r := newRoom().must(alice, Declare{Title: "x"}).must(Clockwork, RoomIsOpen{Channel: "C1"})
	hunt := Looking{What: LookHunt, Kind: "domain", Subject: Seal("evil.example"), To: begin.Add(time.Minute)}
	for range MaxLooks {
		r.must(alice, BeginLook{hunt})
	}
	if got := code(r.ask(alice, BeginLook{hunt})); got != "too-many" {
		t.Fatal(got)
	}
	r.must(Clockwork, MessageIsUp{ViewLook(2), "C1", "1.1"}).must(bob, StopLook{2})
	if l, ok := r.s.Look(2); !ok || !l.Stopped || code(r.ask(bob, StopLook{2})) != "no-such-look" {
		t.Fatalf("%+v", l)
	}
	said := len(owed[Say](r))
	r.must(Clockwork, LookIsOver{2, LookCount{Rows: 3, Hosts: 9, Silent: 1, Hit: 2}, "3 on 2 of 9 hosts"}).must(Clockwork, LookIsOver{2, LookCount{}, ""})
	if end := happened[LookEnded](r); len(end) != 1 || end[0].Looking.Subject.Text != "evil.example" || len(r.s.Looks) != MaxLooks-1 || r.s.Messages[ViewLook(2)].TS != "" {
		t.Fatalf("%+v", end)
	}
	if len(owed[Say](r)) != said+1 {
		t.Fatal("the result of a hunt is a message of its own")
	}
	r.must(alice, BeginLook{hunt})
	if got := happened[LookBegun](r); got[len(got)-1].N != MaxLooks+1 {
		t.Fatal("a number is used twice", got)
	}
	if got := code(r.ask(alice, BeginLook{Looking{What: LookLive, Subject: Seal("web-3"), To: begin.Add(48 * time.Hour)}})); got != "too-many" {
		t.Fatal(got)
	}
	r.must(alice, NoteLook{Looking{What: LookConns, Subject: Seal("web-3")}, LookCount{Rows: 4, Hosts: 1}, "4 connections"})
	if len(happened[Looked](r)) != 1 {
		t.Fatal("a read in the room leaves a line")
	}
}

// A room reads what is new about a group, not only that there is more of it; and the group is not cut
// where an intruder shows more than a few techniques.
func TestWhatMakesAGroupWorseIsTold(t *testing.T) {
	g := shell("g1", LevelHigh, 1)
	g.Rises = []SignalRise{{Title: "Reverse shell", Level: LevelHigh, Techniques: []string{"T1059.004"}}}
	r := newRoom().must(alice, Declare{Title: "x"}).must(sensor, SignalsSeen{Group: g})
	for i := range 40 {
		q := fmt.Sprintf("T1%03d", i)
		g.Count, g.Techniques = g.Count+1, append(g.Techniques, q)
		g.Rises = append(g.Rises, SignalRise{Title: "rule for " + q, Level: LevelLow, Techniques: []string{q, "T1059.004"}, Summary: "seen"})
		r.must(sensor, SignalsSeen{Group: g})
	}
	grew := happened[SignalGrew](r)
	if len(grew) != 40 {
		t.Fatalf("told %d times", len(grew))
	}
	for i, e := range grew {
		q := fmt.Sprintf("T1%03d", i)
		if len(e.News) != 1 || e.News[0].Title.Text != "rule for "+q || !slices.Contains(e.News[0].Techniques, q) || e.Level != LevelHigh || !e.Worse {
			t.Fatalf("%s: %+v", q, e)
		}
	}
	for i := range 15 { // all at once
		g.Techniques = append(g.Techniques, fmt.Sprintf("T2%03d", i))
		g.Rises = append(g.Rises, SignalRise{Title: "more", Level: LevelLow, Techniques: []string{fmt.Sprintf("T2%03d", i)}})
	}
	r.must(sensor, SignalsSeen{Group: g})
	if e := happened[SignalGrew](r)[40]; len(e.News) != maxNews || e.More != 5 {
		t.Fatalf("%d told, %d more", len(e.News), e.More)
	}
}
