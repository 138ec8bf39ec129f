package drill

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/templates"
)

const good = `title: A test
about: It is one.
type: other
severity: P2
length: 10m
injects:
  - at: 0m
    kind: alert
    text: It begins.
expected:
  - do: Declare it
    when: declared
    within: 5m
    points: 10
`

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	if _, err := Load("ok.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"about: It is one.", "abuot: It is one.", `x.yaml:2:1: unknown field "abuot"`},
		{"severity: P2", "severity: P9", "x.yaml:4:11: \"P9\" is no severity"},
		{"length: 10m", "length: 100h", "x.yaml:5:9: \"100h\" is more than 24h0m0s"},
		{"at: 0m", "at: 11m", "x.yaml:7:9: \"11m\" is more than 10m0s"},
		{"kind: alert", "kind: alarm", "x.yaml:8:11: \"alarm\" is no kind of inject"},
		{"kind: alert", "kind: fault", "is no vendor"},
		{"when: declared", "when: declared\n    match: {role: commander}", "role cannot be asked of \"declared\""},
		{"within: 5m", "within: 11m", "falls due after the drill is over"},
		{"points: 10", "points: 0", "1 to 100 points"},
		{"points: 10", "points: 10\n    after: 4", "there is no inject 4"},
		{"title: A test", "title: \"  \"", "title is missing or says nothing"},
		{"title: A test", "title: &a A test", "anchors, aliases and tags"},
		{"title: A test", "title: A test\ntitle: Another", "x.yaml:2:1:"},
		{good, "", "the file is empty"},
		{good, good + "---\n" + good, "one scenario a file"},
		{good, strings.Repeat("[", 2000), "nested more than"},
		{good, strings.Repeat("a: 1\n", 20_000), "at most"},
		{"title: A test", "title: \xff", "not UTF-8"},
	} {
		_, err := Load("x.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v\n\twants %s", c.to, err, c.want)
		}
	}
	if _, err := Load("A File.yaml", []byte(good)); err == nil {
		t.Error("a name nobody can type")
	}
	two := strings.NewReplacer("P2", "P9", "points: 10", "points: 0").Replace(good)
	if _, err := Load("x.yaml", []byte(two)); err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("not everything at once: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	files, err := fs.Glob(templates.Scenarios(), "*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(templates.Scenarios(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Load("fuzz.yaml", text)
		if err != nil {
			return
		}
		x := s.Exercise()
		for i, in := range s.Injects {
			if in.At < 0 || in.At > s.Length || i > 0 && in.At < s.Injects[i-1].At || in.Text == "" {
				t.Fatalf("inject %d: %+v", i, in)
			}
		}
		for _, e := range s.Expected {
			if e.After < 1 || e.After > len(s.Injects) || e.Points < 1 || e.Within <= 0 {
				t.Fatalf("%+v", e)
			}
		}
		if len(x.Injects) != len(s.Injects) {
			t.Fatal("injects were lost")
		}
		Score(s, Record{Began: start, Ended: start.Add(s.Length)})
	})
}
