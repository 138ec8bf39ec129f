package screen_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/internal/screen"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func underAttack() screen.View {
	return screen.View{
		Incident: "INC-0042", Title: "okta session theft, three admins signed in from two continents at once", Severity: "P1", Status: "open",
		Phase: "containment", Commander: "Alice Archer", Paging: "nobody has acknowledged; paging Bob Brandt, Carol Chen",
		Update: "Sessions of three admins are revoked; we do not know yet how the attacker came in.", Updated: noon.Add(-21 * time.Minute), Declared: noon.Add(-95 * time.Minute),
		Clocks: []screen.Clock{
			{Name: "Acknowledge", Due: noon.Add(2*time.Minute + 31*time.Second)}, {Name: "Update", Due: noon.Add(-4 * time.Minute)},
			{Name: "Contain", Due: noon.Add(3 * time.Hour)}, {Name: "Resolve", Due: noon.Add(70 * time.Hour)}, {Name: "Post-mortem", End: "met", Due: noon},
		},
		Duties: []screen.Duty{
			{What: "Status update", Who: "you", Due: noon.Add(-4 * time.Minute)},
			{What: "Task 3: rotate the signing keys of the identity provider and tell its owners", Who: "Bob Brandt", Due: noon.Add(20 * time.Minute)},
			{What: "Task 4: find out who else was signed in"},
		},
		Earlier: 12,
		Lines: []screen.Line{
			{Seq: 40, Occurred: noon.Add(-26 * time.Hour), Text: "An alert was dismissed: impossible travel"},
			{Seq: 41, Occurred: noon.Add(-95 * time.Minute), Text: `Alice Archer declared P1: "okta session theft"`, Key: true},
			{Seq: 42, Occurred: noon.Add(-94 * time.Minute), Text: "Bob Brandt was paged"},
			{Seq: 43, Occurred: noon.Add(-21 * time.Minute), Text: "Alice Archer: Sessions of three admins are revoked; we do not know yet how the attacker came in.", Key: true},
			{Seq: 44, Occurred: noon.Add(-time.Minute), Text: "The status update is overdue"},
		},
	}
}

// What a tired responder sees: run with -update and look.
func TestAScreenIsUnderstoodAtOnce(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for name, s := range map[string]screen.Size{
		"80x40":    {Columns: 80, Rows: 40, Now: noon},
		"80x24":    {Columns: 80, Rows: 24, Now: noon, Zone: berlin},
		"40x40":    {Columns: 40, Rows: 40, Now: noon},
		"not live": {Columns: 80, Rows: 24, Now: noon, Stale: "the server does not answer since 11:59:48; trying again. Ctrl-C ends"},
	} {
		golden(t, name, screen.Draw(underAttack(), s))
	}
	v := underAttack()
	var tail screen.Tail
	s := screen.Size{Now: noon}
	piped := tail.Next(v, s)
	if again := tail.Next(v, s); again != "" {
		t.Errorf("nothing is new, and it says %q", again)
	}
	v.Commander, v.Lines[3].Text = "Bob Brandt", "Alice Archer: Sessions of two admins are revoked."
	v.Lines = append(v.Lines[1:], screen.Line{Seq: 45, Occurred: noon, Text: "Bob Brandt took commander", Key: true})
	v.Earlier++
	golden(t, "pipe", piped+"----\n"+tail.Next(v, s))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

// A title or a message that carries escape sequences steers nobody's terminal: no
// clearing, no title of the window, no clipboard (OSC 52), no answer typed back, no
// line that passes for another, no text that reads backwards.
func TestNoTextSteersATerminal(t *testing.T) {
	evil := "a\x1b[2J\x1b]52;c;cm0gLXJmIC8=\x07\x1b]0;owned\x07\u009b31mred\x1bPq\x1b\\\r\nP4 INC-0042 RESOLVED\x08\x7f\u202egnp.exe\u200b\xff\xfe\u2028b"
	v := underAttack()
	v.Title, v.Update, v.Commander, v.Paging, v.Phase = evil, evil, evil, evil, evil
	v.Severity, v.Status, v.Incident = evil, evil, evil
	v.Lines = []screen.Line{{Seq: 1, Occurred: noon, Text: evil}}
	v.Duties = []screen.Duty{{What: evil, Who: evil}}
	v.Clocks = []screen.Clock{{Name: evil, End: evil, Due: noon}}
	var tail screen.Tail
	for name, drawn := range map[string]string{
		"drawn": screen.Draw(v, screen.Size{Columns: 80, Rows: 60, Now: noon, Stale: evil}), "piped": tail.Next(v, screen.Size{Now: noon}),
	} {
		for _, c := range drawn {
			if c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u202e' || c == '\u200b' || c == '\u2028') {
				t.Errorf("%s: %U is in it:\n%q", name, c, drawn)
				break
			}
		}
		if !utf8.ValidString(drawn) {
			t.Errorf("%s is not UTF-8", name)
		}
		for line := range strings.Lines(drawn) {
			if strings.HasPrefix(line, "P4 INC-0042 RESOLVED") {
				t.Errorf("%s: a line is forged:\n%s", name, drawn)
			}
		}
	}
}

func TestNothingIsWiderThanTheScreenNorLonger(t *testing.T) {
	v := underAttack()
	v.Title = strings.Repeat("W", 500)
	v.Lines = append(v.Lines, screen.Line{Seq: 50, Occurred: noon, Text: strings.Repeat("漢字 ", 60)})
	for columns := 30; columns < 130; columns += 7 {
		for rows := 5; rows < 60; rows += 4 {
			drawn := screen.Draw(v, screen.Size{Columns: columns, Rows: rows, Now: noon})
			lines := strings.Split(strings.TrimSuffix(drawn, "\n"), "\n")
			if len(lines) > rows {
				t.Errorf("%dx%d: %d lines", columns, rows, len(lines))
			}
			for _, l := range lines {
				wide := 0
				for _, c := range l {
					wide++
					if c > 0x2e80 {
						wide++
					}
				}
				if wide > columns {
					t.Errorf("%dx%d: %d columns: %q", columns, rows, wide, l)
				}
			}
			if !strings.Contains(drawn, "Ctrl-C") {
				t.Errorf("%dx%d does not say whether it is live:\n%s", columns, rows, drawn)
			}
		}
	}
}
