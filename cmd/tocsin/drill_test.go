package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/internal/drill/stage"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/templates"
)

// The model answers of every scenario come true in the sandbox, in time, and bring all
// of its points.
func TestTheModelAnswersBringAllPoints(t *testing.T) {
	all, err := drill.All(templates.Scenarios())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			var out, errs strings.Builder
			if code := run([]string{"drill", "run", s.Name, "--auto", "--out", folder}, &out, &errs); code != 0 {
				t.Fatalf("%d\n%s\n%s", code, out.String(), errs.String())
			}
			if !strings.Contains(out.String(), "Scorecard: 100 of 100 points") {
				t.Fatal(out.String())
			}
			files, err := filepath.Glob(filepath.Join(folder, s.Name+"-20*"))
			if err != nil || len(files) != 2 {
				t.Fatal("not a scorecard and its chart:", files, err)
			}
			card, err := os.ReadFile(files[0])
			if err != nil || !strings.HasPrefix(string(card), "# DRILL: ") || !strings.Contains(string(card), ".png)") {
				t.Fatal(err, string(card))
			}
		})
	}
}

// Whatever a scenario says, what it becomes in the sandbox is a story that can be read,
// and says DRILL.
func TestInjectsAreStories(t *testing.T) {
	text := `it's "quoted" \ and ${x*99999}`
	s, err := drill.Load("x.yaml", []byte(strings.ReplaceAll(`title: A test
about: It is one.
type: other
severity: P2
length: 10m
injects:
  - {at: 0m, kind: alert, text: TEXT}
  - {at: 1m, kind: fault, vendor: slack, for: 2m, text: TEXT}
expected:
  - {do: Declare it, when: declared, within: 5m, points: 10}
`, "TEXT", `'`+strings.ReplaceAll(text, "'", "''")+`'`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range s.Injects {
		lines := stage.Inject(in)
		if _, err := story.Parse("x", []byte(strings.Join(lines, "\n"))); err != nil {
			t.Error(err)
		}
		if !strings.Contains(strings.Join(lines, "\n"), "DRILL ") {
			t.Error(lines)
		}
	}
	if _, err := stage.Model(s); err == nil {
		t.Error("a story without its answers")
	}
}

func TestAScenarioNobodyKnows(t *testing.T) {
	var out, errs strings.Builder
	if code := run([]string{"drill", "run", "leaked-cloud-kye", "--auto"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "tocsin drill list") {
		t.Fatal(code, errs.String())
	}
}

// Somebody plays at the terminal: words without Slack, the next inject, the end.
func TestADrillIsPlayedFromTheTerminal(t *testing.T) {
	s, err := scenarioNamed("leaked-cloud-key")
	if err != nil {
		t.Fatal(err)
	}
	d, err := app.StartDemo(t.Context(), app.DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out strings.Builder
	l := &liveDrill{demo: d, out: &out, scenario: s, began: d.Clock.Now(), told: make([]incident.DrillResult, len(s.Expected)), typed: make(chan string, 16)}
	l.read(strings.NewReader("/incident declare p1 key used from outside drill\n/incident ack i have it as bob\nnonsense\nnext\nstop\n"))
	why, err := l.run(t.Context())
	if err != nil || why != "it was stopped" {
		t.Fatal(why, err, out.String())
	}
	for _, want := range []string{"inject 1, alert from GuardDuty", "is declared, P1", "✓ Declare it as P2 or worse: done at", "next, stop, or words of Slack"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not said:\n%s", want, out.String())
		}
	}
	score, state, err := d.Score(t.Context(), s, l.began, d.Clock.Now(), why)
	if err != nil || !state.Drill || score.Declared == nil || score.Acknowledged == nil || score.Points != 25 {
		t.Fatal(score, state.Drill, err)
	}
	c := drillRunCmd{Out: t.TempDir()}
	if err := c.keep(terminal{io.Discard, io.Discard}, score, state); err != nil {
		t.Fatal(err)
	}
}
