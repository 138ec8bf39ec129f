package noise

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func signal(id, rule, host string, level Level, entities ...string) Signal {
	return Signal{ID: id, Rule: rule, Host: host, Level: level, Entities: entities, At: noon, Why: "nginx on " + host + " started sh"}
}

func TestAnExceptionKeepsQuietWhatItNamesUntilItEnds(t *testing.T) {
	x, err := NewExceptions([]Exception{
		{ID: "backup", Owner: "alice", Reason: "the nightly backup", Expires: noon.Add(time.Hour), Rule: "sigma/tar*", Host: "db-?", Program: "/usr/bin/tar", User: "backup"},
		{ID: "old", Owner: "bob", Reason: "was a test", Expires: noon, Host: "web-*"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := Signal{Rule: "sigma/tar-archive", Host: "db-1", Program: "/usr/bin/tar", User: "backup"}
	for name, c := range map[string]struct {
		change func(*Signal)
		at     time.Time
		quiet  bool
	}{
		"as agreed":       {func(*Signal) {}, noon, true},
		"another rule":    {func(s *Signal) { s.Rule = "sigma/shell" }, noon, false},
		"another host":    {func(s *Signal) { s.Host = "db-10" }, noon, false},
		"another program": {func(s *Signal) { s.Program = "/tmp/tar" }, noon, false},
		"another user":    {func(s *Signal) { s.User = "root" }, noon, false},
		"a drill":         {func(s *Signal) { s.Drill = true }, noon, false},
		"too late":        {func(*Signal) {}, noon.Add(time.Hour), false},
		"an ended one":    {func(s *Signal) { s.Host = "web-1" }, noon, false},
	} {
		s := s
		c.change(&s)
		if e, quiet := x.Quiet(s, c.at); quiet != c.quiet || quiet && e.ID != "backup" {
			t.Errorf("%s: %v by %q", name, quiet, e.ID)
		}
	}
	if u := x.Used("backup"); u.Times != 1 || !u.Last.Equal(noon) {
		t.Errorf("%+v", u)
	}
	if again, err := NewExceptions([]Exception{{ID: "backup", Owner: "alice", Reason: "still", Expires: noon.Add(time.Hour), Host: "db-1"}}, x.Uses()); err != nil || again.Used("backup").Times != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	if soon := x.Ending(noon, 2*time.Hour); len(soon) != 2 {
		t.Errorf("%+v", soon)
	}
	if soon := x.Ending(noon, time.Minute); len(soon) != 1 || soon[0].ID != "old" {
		t.Errorf("%+v", soon)
	}
}

func TestNobodySilencesEverything(t *testing.T) {
	good := Exception{ID: "a", Owner: "alice", Reason: "why", Expires: noon.Add(time.Hour), Host: "web-*"}
	if err := good.Check(noon); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Exception){
		"no name":          func(x *Exception) { x.ID = "" },
		"no owner":         func(x *Exception) { x.Owner = " " },
		"no reason":        func(x *Exception) { x.Reason = "" },
		"no end":           func(x *Exception) { x.Expires = time.Time{} },
		"ended":            func(x *Exception) { x.Expires = noon },
		"for ever":         func(x *Exception) { x.Expires = noon.Add(10 * LongestException) },
		"everything":       func(x *Exception) { x.Host = "" },
		"everything, said": func(x *Exception) { x.Host, x.Rule = "*", "**?" },
		"too long":         func(x *Exception) { x.Rule = strings.Repeat("a", maxText+1) },
	} {
		x := good
		change(&x)
		if x.Check(noon) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := NewExceptions([]Exception{good, good}, nil); err == nil {
		t.Error("two of one name were taken")
	}
}

func TestAGlobIsWhatARegularExpressionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?.]{1,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab.]{0,10}`).Draw(t, "text")
		re := regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$")
		if glob(pattern, s) != re.MatchString(s) {
			t.Fatalf("%q and %q", pattern, s)
		}
	})
	began := time.Now()
	if glob(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 5000)) {
		t.Error("it fits")
	}
	t.Logf("a pattern of 200 stars took %s", time.Since(began))
}

func TestARuleIsKnownByItsFruits(t *testing.T) {
	l := NewLedger()
	for i := range 41 {
		l.Raised(signal("s", "noisy", "a", Low), i < 2)
	}
	l.Raised(Signal{Rule: "noisy", Drill: true}, false)
	if got := l.Of("noisy").String(); got != "noisy raised 41 signals, 2 excepted; nobody has judged one yet" {
		t.Error(got)
	}
	for i, wrong := range []bool{true, true, false, false, false} {
		if _, _, err := l.Mark(Mark{Signal: fmt.Sprint("s", i), Rule: "noisy", False: wrong, By: "alice", At: noon}); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.Of("noisy").String(); got != "noisy raised 41 signals, 2 excepted; of 5 judged, 3 real (60 %)" {
		t.Error(got)
	}
	// Bob looked again.
	was, replaced, err := l.Mark(Mark{Signal: "s0", Rule: "noisy", By: "bob", At: noon.Add(time.Hour)})
	if err != nil || !replaced || was.By != "alice" || l.Of("noisy").RightMark != 4 || l.Of("noisy").FalseMark != 1 {
		t.Errorf("%+v, %v, %v; %+v", was, replaced, err, l.Of("noisy"))
	}
	for _, m := range []Mark{{}, {Signal: "a", Rule: "b", By: " ", At: noon}, {Signal: "a", By: "b", At: noon}, {Signal: "a", Rule: "b", By: "c"}} {
		if _, _, err := l.Mark(m); err == nil {
			t.Errorf("%+v was taken", m)
		}
	}
	if _, ok := l.Of("unknown").Ratio(); ok {
		t.Error("a figure out of nothing")
	}
}

func TestALedgerCountsWhatWasMarkedAndComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewLedger()
		last := map[string]Mark{}
		for i := range rapid.IntRange(0, 60).Draw(t, "marks") {
			m := Mark{Signal: rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "signal"), Rule: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "rule"),
				False: rapid.Bool().Draw(t, "false"), By: "alice", At: noon.Add(time.Duration(i) * time.Second)}
			if _, _, err := l.Mark(m); err != nil {
				t.Fatal(err)
			}
			last[m.Signal] = m
			l.Raised(Signal{Rule: m.Rule}, m.False)
		}
		want := map[string]Precision{}
		for _, m := range last {
			p := want[m.Rule]
			*p.of(m.False)++
			want[m.Rule] = p
		}
		for _, r := range []string{"a", "b"} {
			if got := l.Of(r); got.RightMark != want[r].RightMark || got.FalseMark != want[r].FalseMark {
				t.Fatalf("%s: %+v, counted %+v", r, got, want[r])
			}
		}
		raw, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeLedger(raw)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := back.Encode(); !bytes.Equal(raw, again) {
			t.Fatalf("%s\n%s", raw, again)
		}
	})
}

func TestALedgerHasAnEnd(t *testing.T) {
	l := NewLedger()
	for i := range maxMarks + 10 {
		if _, _, err := l.Mark(Mark{Signal: fmt.Sprint(i), Rule: "r", False: true, By: "alice", At: noon.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.marks) > maxMarks || l.Of("r").FalseMark != maxMarks+10 {
		t.Errorf("%d held, %+v", len(l.marks), l.Of("r"))
	}
	for i := range maxRules + 5 {
		l.Raised(Signal{Rule: fmt.Sprint("rule", i)}, false)
	}
	if len(l.rules) != maxRules || l.Dropped() != 6 {
		t.Errorf("%d rules, %d dropped", len(l.rules), l.Dropped())
	}
	if _, _, err := l.Mark(Mark{Signal: "x", Rule: "one too many", By: "alice", At: noon}); err == nil {
		t.Error("there was room")
	}
	if all := l.All(); all[0].Rule != "r" {
		t.Errorf("%+v is not the noisiest", all[0])
	}
}

func FuzzDecodeLedger(f *testing.F) {
	l := NewLedger()
	l.Raised(signal("1", "r", "h", Low), true)
	_, _, _ = l.Mark(Mark{Signal: "1", Rule: "r", False: true, By: "alice", At: noon})
	raw, _ := l.Encode()
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := DecodeLedger(raw)
		if err != nil {
			return
		}
		out, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeLedger(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if again, _ := back.Encode(); !bytes.Equal(out, again) {
			t.Fatalf("%s\n%s", out, again)
		}
		for _, m := range back.marks { // whatever was read, a person can change their mind
			m.False, m.At = !m.False, noon
			if _, _, err := back.Mark(m); err != nil && m.Rule != "" && strings.TrimSpace(m.By) != "" {
				t.Fatal(err)
			}
			if p := back.Of(m.Rule); p.RightMark > 1<<63 || p.FalseMark > 1<<63 {
				if !slices.ContainsFunc(l.All(), func(p Precision) bool { return p.RightMark > 1<<62 || p.FalseMark > 1<<62 }) {
					t.Fatalf("a count ran below nothing: %+v", p)
				}
			}
			break
		}
	})
}
