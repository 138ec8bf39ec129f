package story_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
)

func play(t *testing.T, script string) error {
	t.Helper()
	s, err := story.Parse("t.txtar", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewFast(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), 1)
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	p := story.Player{World: w, Story: s, Patience: 300 * time.Millisecond, Quiet: 20 * time.Millisecond}
	return p.Run(t.Context())
}

func TestPeopleAndVendorsPlayTheirPart(t *testing.T) {
	t.Parallel()
	err := play(t, `
# Nobody answers, so the page climbs.
alice says 'disk full on @bob and #general, see ${x*3}'
bob sees 'alice: disk full on @bob and #general … xxx'
gus does not see 'credit'
bob says 'which one?' in thread of 'disk full'
bob edits 'which one?' to 'which disk?'
channel general has message 'bob: which disk?' 1 time
channel general lacks message 'which one?'
carol reacts :eyes: to 'disk full'
gus cannot see #security-team
gus cannot type '/incident declare' because 'not a valid command'
pagerduty triggers 'site down' on service website
pagerduty paged bob 1 time
pagerduty did not page carol
wait 5m
pagerduty paged carol 1 time
carol acknowledges in pagerduty
wait 1h
pagerduty did not page dave
pagerduty incident 'site down' is acknowledged
alice writes 'the disk is full' in pagerduty
pagerduty note has 'the disk'
carol resolves in pagerduty 'site…'
pagerduty incident is resolved
github has 0 issues in acme/security-incidents
dora is deactivated
`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFailureSaysWhereAndWhatWasThere(t *testing.T) {
	t.Parallel()
	err := play(t, "# x\nalice says 'the *roof* is on fire'\n\nbob sees 'water'\n")
	var f *story.Failure
	if !errors.As(err, &f) || f.Line != 4 || f.File != "t.txtar" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"t.txtar:4: bob sees 'water'", "alice: the roof is on fire"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the failure does not say %q:\n%v", want, err)
		}
	}
}

func TestAStepThatCannotBeReadIsNamedAndTheNearestOffered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ script, want string }{
		{"alice typs '/incident'", "a.txtar:1: unknown step: alice typs '/incident'\n\tdid you mean: <who> types <text>"},
		{"# t\n\npagerduty payed bob", "a.txtar:3: unknown step: pagerduty payed bob\n\tdid you mean: pagerduty paged <who>"},
		{"alice says 'x", "a.txtar:1: a quotation that begins with ' does not end"},
		{"alice says '${x*999999}'", "is too much text"},
		{"alice says file:no.txt", `there is no fixture "no.txt"`},
		{"# only prose", "the story has no steps"},
		{"prose\n-- story --\nwat\nwait 5\n", "a.txtar:3: unknown step: wat"},
	} {
		_, err := story.Parse("a.txtar", []byte(c.script))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.script, err, c.want)
		}
	}
}

func TestAStoryIsProseStepsAndFixtures(t *testing.T) {
	t.Parallel()
	s, err := story.Parse("a.txtar", []byte("The roof\n\nburns.\n-- story --\n# first\nalice says file:x.txt\n-- x.txt --\nfire\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Title != "The roof" || len(s.Steps) != 1 || s.Steps[0].Line != 6 || string(s.Files["x.txt"]) != "fire\n" {
		t.Errorf("read as %+v", s)
	}
}

func TestEveryFormIsDescribed(t *testing.T) {
	t.Parallel()
	if n := len(story.Forms()); n < 80 {
		t.Errorf("%d forms", n)
	}
	for _, f := range story.Forms() {
		if f.Pattern == "" {
			t.Error("a form without a pattern")
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# t\nalice says 'x'\n-- story --\nwait 5m\n"))
	f.Add([]byte(`bob clicks "A \" b" in dm confirming`))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = story.Parse("f", data) })
}

func TestTheProductsStoriesCanBeRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "cmd", "tocsin", "testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s, err := story.Parse(filepath.Base(f), data)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Title == "" {
			t.Errorf("%s has no title", f)
		}
	}
}
