package plan_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
)

func TestWhatSignalsAskForIsInThePlan(t *testing.T) {
	t.Parallel()
	head := "default_type: other\ndefault_severity: P3\npagerduty: {keys: [security]}\n"
	m := files(t)
	m["settings.yaml"] = &fstest.MapFile{Data: []byte(head)}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Settings().Signals; got.Thresholds.ByLevel[noise.High] != noise.Declare || got.Type != "other" || got.Thresholds.Check() != nil ||
		!got.Baseline.On || got.Baseline.Learn != 14*24*time.Hour || got.Baseline.Most != noise.Medium || got.Baseline.Thresholds().ByLevel[noise.Medium] != noise.Link || got.Baseline.Thresholds().Check() != nil {
		t.Errorf("without a word: %+v", got)
	}
	m["settings.yaml"].Data = []byte(head + "signals:\n  levels: {critical: link}\n  techniques: {T1059.004: declare}\n  severities: {critical: P1}\n  spread: 3\n  doubt: {judged: 4, percent: 50}\n")
	if p, err = plan.Load(m); err != nil {
		t.Fatal(err)
	}
	got := p.Settings().Signals.Thresholds
	if len(got.ByLevel) != 1 || got.ByLevel[noise.Critical] != noise.Link || got.ByTechnique["T1059.004"] != noise.Declare || got.Severity[noise.Critical] != "P1" || got.Spread != 3 || got.MinJudged != 4 || got.MinPercent != 50 {
		t.Errorf("%+v", got)
	}
	m["settings.yaml"].Data = []byte(head + "signals:\n  baseline: {on: no, learn: 3d, most: low, ask: entry}\n")
	if p, err = plan.Load(m); err != nil {
		t.Fatal(err)
	}
	if got := p.Settings().Signals.Baseline; got != (plan.Baseline{Learn: 3 * 24 * time.Hour, Most: noise.Low, Ask: noise.Entry}) {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{
		"levels: {hgih: link}":           `"hgih" is no level`,
		"levels: {high: pgae}":           `"pgae" is nothing that signals can ask for`,
		"techniques: {execution: link}":  `"execution" is no technique`,
		"severities: {high: P9}":         `"P9" is no severity`,
		"spread: many":                   "a number from 0 to 1000 is wanted",
		"doubt: {judged: 1}":             `the key "percent" is missing`,
		"leveles: {high: link}":          `did you mean "levels"?`,
		"levels: {high: link, high: no}": "",
		"baseline: {on: perhaps}":        `"perhaps" is neither yes nor no`,
		"baseline: {learn: soon}":        `"soon" is no length of time`,
		"baseline: {most: high}":         `"high" is no level of what is only new`,
		"baseline: {ask: pgae}":          `"pgae" is nothing that signals can ask for`,
		"baseline: {lern: 3d}":           `did you mean "learn"?`,
	} {
		m["settings.yaml"].Data = []byte(head + "signals:\n  " + text + "\n")
		if _, err := plan.Load(m); err == nil || !strings.Contains(err.Error(), want) || want != "" && !strings.Contains(err.Error(), "settings.yaml:5") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
