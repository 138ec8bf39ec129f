package templates

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
)

func TestAFileHoldsTheWholeAnswerAndSaysWhatIsMissing(t *testing.T) {
	l := Look{Asked: 3, Answered: 2, Silent: []string{"db-1"}, Trouble: []string{"web-4: the link was away"}, Total: 70}
	for i := range 60 {
		l.Rows = append(l.Rows, LookRow{Host: "web-3", At: at(i), Text: fmt.Sprintf("curl (%d) → evil.example:443, \"%s\"", i, strings.Repeat("x", 300)), Depth: i % 3})
	}
	rows, err := csv.NewReader(strings.NewReader(string(LookFile(l)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+60+3 || rows[60][3] != l.Rows[59].Text || rows[60][1] != "web-3" || rows[60][2] != "2" || !strings.HasPrefix(rows[1][0], "2026-11-23T") {
		t.Errorf("%d rows, the last %q", len(rows), rows[60])
	}
	missing := fmt.Sprint(rows[61:])
	for _, want := range []string{"10 rows more are not in this file", "1 host has not answered: db-1", "the link was away"} {
		if !strings.Contains(missing, want) {
			t.Errorf("it does not say %q: %s", want, missing)
		}
	}
	if !l.IsCut() || (Look{Rows: l.Rows[:1]}).IsCut() != true || (Look{Rows: []LookRow{{Text: "short"}}}).IsCut() {
		t.Error("what fits is taken for cut, or the other way round")
	}
}

func TestAFileIsBounded(t *testing.T) {
	l := Look{}
	for range 5000 {
		l.Rows = append(l.Rows, LookRow{Host: "web-3", Text: strings.Repeat("é", 2000)})
	}
	got := LookFile(l)
	if len(got) > maxLookFile+1<<10 {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.Contains(string(got[len(got)-200:]), "rows more are not in this file") {
		t.Error("it is cut, and does not say so")
	}
}

// An intruder writes command lines; whoever opens the file must not run them.
func TestAFileIsNoWeapon(t *testing.T) {
	for _, text := range []string{`=cmd|' /C calc'!A0`, "+1+1", "-2+3", "@SUM(1)", "  =1", "\t=1"} {
		rows, err := csv.NewReader(strings.NewReader(string(LookFile(Look{Rows: []LookRow{{Host: text, Text: text}}})))).ReadAll()
		if err != nil || !strings.HasPrefix(rows[1][1], "'") && !strings.HasPrefix(rows[1][1], `\t`) || rows[1][1] != rows[1][3] {
			t.Errorf("%q is a formula: %q, %v", text, rows, err)
		}
	}
	got := string(LookFile(Look{Rows: []LookRow{{Text: "bash \x1b]0;owned\a \u202egnp.exe\nfaked,row,0,x \xff"}}}))
	if strings.ContainsAny(got, "\x1b\a\u202e") || strings.Count(got, "\n") != 2 || !strings.Contains(got, `\x1b]0;owned\a \u202egnp.exe\nfaked`) {
		t.Errorf("%q", got)
	}
}

func FuzzLookFile(f *testing.F) {
	f.Add("=1", "a\"b,\r\n")
	f.Fuzz(func(t *testing.T, host, text string) {
		rows, err := csv.NewReader(strings.NewReader(string(LookFile(Look{Rows: []LookRow{{Host: host, Text: text}}})))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range rows[len(rows)-1] {
			if c = strings.TrimSpace(c); c != "" && strings.ContainsRune("=+-@", rune(c[0])) {
				t.Errorf("%q is a formula", c)
			}
		}
	})
}
