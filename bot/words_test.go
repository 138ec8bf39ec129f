package bot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data on this machine: install tzdata")
	}
	return l
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday; 13:00 in Berlin

func TestPhonesAndAnalystsAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"update “all quiet”", "update|all quiet"},
		{"update ‘all quiet’ now", "update|all quiet|now"},
		{"note it’s gone, don’t worry", "note|it’s|gone,|don’t|worry"},
		{"declare type:“data leak” x", "declare|type:“data leak”|x"},
		{"see <http://evil.com|evil.com> now", "see|evil.com|now"},
		{"see <http://evil.com/x|good.com>", "see|http://evil.com/x"},
		{"mail <mailto:a@b.example|a@b.example>", "mail|a@b.example"},
		{"ask <@U123ABC|bob smith> now", "ask|@bob smith|now"},
		{"in <#C1|general>", "in|#general"},
		{"a &lt;b&gt; &amp;amp; c", "a|<b>|&amp;|c"},
		{"5 < 6 > 4", "5|<|6|>|4"},
		{"an \"open quote", "an|\"open|quote"},
		{"", ""},
	} {
		w, err := read(c.line, true, noon, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range w.list {
			got = append(got, x.text)
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%q reads %q, want %q", c.line, s, c.want)
		}
	}
}

func TestOptionsLeaveTheTitleAsItWasTyped(t *testing.T) {
	t.Parallel()
	w, err := read("p1 Okta  session “theft” Type=Phishing asset:web-3,web-4 asset: db-1 —private", true, noon, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if !w.take("p1") || !w.flag("private") {
		t.Fatal("severity or flag not found")
	}
	if v, ok := w.option("type"); !ok || v.text != "Phishing" {
		t.Errorf("type is %q", v.text)
	}
	if got := len(w.options("asset")); got != 3 {
		t.Errorf("%d assets, want 3", got)
	}
	if got := w.rest(); got != "Okta  session “theft”" {
		t.Errorf("title is %q", got)
	}
}

func TestRefang(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"evil[.]com": "evil.com", "hxxps://evil[.]com/a": "https://evil.com/a", "hXXp://x(.)y": "http://x.y",
		"1.2.3[.]4": "1.2.3.4", "user[at]example[dot]com": "user@example.com", "web-3,": "web-3", "hxxp[://]evil.com": "http://evil.com",
	} {
		if got := refang(in); got != want {
			t.Errorf("refang(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTimesInTheAskersZone(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	for _, c := range []struct {
		text string
		t    tense
		want string
	}{
		{"14:05", past, "2026-11-22 13:05"}, {"12:30", past, "2026-11-23 11:30"}, {"14:05", future, "2026-11-23 13:05"},
		{"yesterday 22:10", past, "2026-11-22 21:10"}, {"22:10 yesterday", past, "2026-11-22 21:10"},
		{"2026-11-23 03:04 CET", past, "2026-11-23 02:04"}, {"2026-11-23 03:04 UTC", past, "2026-11-23 03:04"},
		{"2026-11-23T03:04:05Z", past, "2026-11-23 03:04"}, {"2026-11-23T03:04", past, "2026-11-23 02:04"},
		{"10m ago", past, "2026-11-23 11:50"}, {"2h30m ago", past, "2026-11-23 09:30"}, {"In 2h", future, "2026-11-23 14:00"},
		{"tomorrow 9:00", future, "2026-11-24 08:00"}, {"9am", future, "2026-11-24 08:00"}, {"fri", future, "2026-11-27 16:00"},
		{"monday", future, "2026-11-23 16:00"}, {"monday 09:00", future, "2026-11-30 08:00"}, {"2026-12-01", future, "2026-12-01 16:00"},
		{"sunday 22:00", past, "2026-11-22 21:00"}, {"2026-11-23 03:04 America/New_York", past, "2026-11-23 08:04"}, {"now", past, "2026-11-23 12:00"},
		{"2026-11-23 03:04 +02:00", past, "2026-11-23 01:04"}, {"3 days", past, ""}, {"soon", future, ""}, {"25:00", past, ""}, {"", past, ""},
		{"2026-02-30", past, ""}, {"14:05 IST", past, ""}, {"1999-01-01", past, ""}, {"2026-03-29 02:30", past, ""}, // the clocks went forward
	} {
		at, err := parseTime(c.text, noon, zone, c.t)
		got := ""
		if err == nil {
			got = at.Format("2006-01-02 15:04")
		}
		if got != c.want {
			t.Errorf("%q reads %q (%v), want %q", c.text, got, err, c.want)
		}
	}
}

func TestATypedTimeIsEchoedInBothZones(t *testing.T) {
	t.Parallel()
	if got := echo(noon, berlin(t)); got != "Mon 23 Nov 2026 13:00 CET (12:00 UTC)" {
		t.Error(got)
	}
	if got := echo(noon.Add(-12*time.Hour-30*time.Minute), berlin(t)); got != "Mon 23 Nov 2026 00:30 CET (22 Nov 23:30 UTC)" {
		t.Error(got)
	}
}

func TestTheNearestVerbIsNamed(t *testing.T) {
	t.Parallel()
	names := verbs().names(bookIncident)
	for typed, want := range map[string]string{"statsu": "status", "delcare": "declare", "reslove": "resolve", "timelin": "timeline", "zebra": "", strings.Repeat("x", 10_000): ""} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", typed, got, want)
		}
	}
}

func TestVerbsAreWellDescribed(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for _, v := range verbs() {
		if v.Summary == "" || len(v.Examples) == 0 || v.Run == nil {
			t.Errorf("%s wants a summary, examples and something to do", v.Name)
		}
		for _, n := range append([]string{v.Name}, v.Aliases...) {
			key := n
			if v.Book != bookIncident {
				key = string(v.Book) + " " + n
			}
			if taken[key] {
				t.Errorf("%s is called twice", key)
			}
			taken[key] = true
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"declare p1 “x y” type:a <@U1|b>", "<http://a|b> ‘", "due:tomorrow 9:00 at 14:05", "—private key= \"", "<@", "&lt;&gt;"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, line string, marked bool) {
		w, err := read(line, marked, noon, time.UTC)
		if err != nil {
			return
		}
		if !marked {
			var b strings.Builder
			for _, x := range w.list {
				b.WriteString(x.gap + x.raw)
			}
			if !strings.HasPrefix(string([]rune(line)), b.String()) {
				t.Fatalf("%q became %q: words were lost", line, b.String())
			}
		}
		_, _, _ = w.optionWhen(future, "due")
		_, _, _ = w.when(past)
		w.options("asset", "exclude")
		w.flag("private")
		left := w.left()
		rest := w.rest()
		if w.left() != 0 || left == 0 && rest != "" {
			t.Fatal("rest left something over")
		}
		if utf8.ValidString(line) && !utf8.ValidString(rest) {
			t.Fatalf("%q became invalid", line)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"yesterday 22:10", "2026-11-23 03:04 CET", "in 999999 weeks", "fri at 9", "-1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTime(text, noon, time.UTC, future)
		if err == nil && (at.Location() != time.UTC || at.Year() < 2016 || at.Year() > 2036) {
			t.Fatalf("%q reads %v", text, at)
		}
	})
}
