package trial_test

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma/trial"
)

// What cannot be played is said, and where.
func TestTrialsThatCannotBePlayed(t *testing.T) {
	for text, want := range map[string]string{
		"fires: [{name: x, evnt: {}}]":                                    "line 1, column 19: unknown field \"evnt\"",
		"fires: [{name: x, event: {kind: exec, procces: {}}}]":            `unknown field "procces"`,
		"fires: [{name: x, event: {kind: exce}}]":                         "no kind, or one that is not known",
		"fires: [{name: x}]":                                              "neither event nor record",
		"fires: [{name: x, event: {kind: exec}, after: soon}]":            `"soon" is no duration`,
		"fires: [{name: x, event: {kind: exec}, times: 1000000}]":         "more than 20000 events",
		"fires: [{name: x, event: {kind: exec}, record: {}}]":             "an event or a record, not both",
		"fires: " + strings.Repeat("[", 100):                              "nested too deep",
		"fires: [{name: x, event: {kind: connect, net: {remote: here}}}]": "read the event",
	} {
		if _, err := trial.Parse("tests/t.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: said %v, not %q", text, err, want)
		}
	}
}

// Records and rows of events, and what goes wrong is explained.
func TestTrialsArePlayed(t *testing.T) {
	set, problems := sigma.Compile([]sigma.File{{Name: "r.yml", Text: []byte(`title: many
name: many
correlation: {type: event_count, rules: [one], timespan: 1m, condition: {gte: 3}}
---
title: one
name: one
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
`)}}, sigma.Options{Loud: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tried, err := trial.Parse("tests/many.yml", []byte(`
fires:
  - name: three
    events:
      - {times: 3, every: 10s, record: {source: {product: windows, service: security}, fields: {EventID: 4625}}}
quiet:
  - name: too slow
    events:
      - {times: 3, every: 50s, record: {source: {product: windows, service: security}, fields: {EventID: 4625}}}
  - name: in truth it fires
    events:
      - {times: 5, every: 1s, record: {source: {product: windows, service: security}, fields: {EventID: 4625}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := trial.Run(set, []trial.Trial{tried})
	if !got[0].Good || !got[1].Good || got[2].Good || !strings.Contains(got[2].Why, "it fires when event_count of events is at least 3 within 1m0s") {
		t.Errorf("%+v", got)
	}
	if left := trial.Untried(set, []trial.Trial{tried}); len(left) != 1 || left[0].Name != "one" {
		t.Error(left)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("fires: [{name: x, event: {kind: exec, process: {exe: /bin/sh}}}]\n"))
	f.Add([]byte("rule: r\nquiet:\n  - name: y\n    events: [{after: 1s, times: 3, every: 1s, record: {source: {product: p}, fields: {a: [1, null]}}}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 2_048 || strings.Contains(string(text), "times") && len(text) > 400 {
			return
		}
		tried, err := trial.Parse("tests/f.yml", text)
		if err == nil && tried.Rule == "" {
			t.Error("a trial of no rule")
		}
	})
}
