package sigma

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// What is wrong is said with file, line, column and what would work; the rule beside it is used.
func TestProblems(t *testing.T) {
	const head = "title: t\nlogsource: {product: linux}\ndetection:\n"
	const good = "\n---\ntitle: good\nlogsource: {product: linux}\ndetection: {s: {a: 1}, condition: s}\n"
	for _, c := range []struct{ name, text, want string }{
		{"a modifier", head + "    s:\n        Image|endwith: x\n    condition: s", `r.yml:5:9: the modifier "endwith" is not known; did you mean "endswith"?`},
		{"a selection", head + "    selection: {a: 1}\n    condition: selction", `r.yml:5:16: there is no selection "selction"; did you mean "selection"?`},
		{"a pattern of selections", head + "    s: {a: 1}\n    condition: s and 1 of filter_*", `r.yml:5:27: no selection is called filter_*; known are s`},
		{"a bracket", head + "    s: {a: 1}\n    condition: (s or s", `r.yml:5:16: the bracket is not closed; close it`},
		{"the old way to count", head + "    s: {a: 1}\n    condition: s | count() > 5", `r.yml:5:18: counting in a condition is no longer part of Sigma; write a correlation`},
		{"a timeframe", head + "    s: {a: 1}\n    timeframe: 5m\n    condition: s", `r.yml:5:5: a timeframe is no longer part of a detection; write a correlation`},
		{"no condition", head + "    s: {a: 1}", `the condition is missing`},
		{"nothing to find", "title: t\nlogsource: {product: linux}", `r.yml:1:1: nothing here says what to look for`},
		{"no title", "logsource: {product: linux}\ndetection: {s: {a: 1}, condition: s}", `r.yml:1:1: the title is missing`},
		{"no logsource", "title: t\ndetection: {s: {a: 1}, condition: s}", `the logsource is missing`},
		{"a level", head + "    s: {a: 1}\n    condition: s\nlevel: hihg", `r.yml:6:8: "hihg" is no level; did you mean "high"?`},
		{"a status", head + "    s: {a: 1}\n    condition: s\nstatus: unsupported", `it cannot be used`},
		{"an expression", head + "    s:\n        a|re: '(?=x)y'\n    condition: s", `r.yml:5:15: the regular expression cannot be used: invalid or unsupported Perl syntax`},
		{"a network", head + "    s: {a|cidr: 10.0.0.0/99}\n    condition: s", `r.yml:4:17: "10.0.0.0/99" is no network; write it as 10.0.0.0/8 or fd00::/8`},
		{"a number", head + "    s: {a|gt: many}\n    condition: s", `"many" is no number`},
		{"null in a list", head + "    s:\n        a:\n            - x\n            - null\n    condition: s", `r.yml:7:15: null cannot stand in a list of values; put it into a selection of its own`},
		{"together", head + "    s: {a|re|contains: x}\n    condition: s", `re and contains do not go together`},
		{"flags", head + "    s: {a|i: x}\n    condition: s", `i has a meaning after re only; write |re|i`},
		{"base64 of a wildcard", head + "    s: {a|base64: 'x*'}\n    condition: s", `a value with wildcards cannot be encoded by base64`},
		{"twice", head + "    s: {a: 1}\n    s: {b: 1}\n    condition: s", `r.yml:5:5: the key "s" is here twice`},
		{"an alias", head + "    s: &x {a: 1}\n    condition: s", `anchors, aliases and tags are not used in rules; write it out`},
		{"YAML", head + "    s: {a: 1\n    condition: s", `not YAML`},
		{"UTF-8", head + "    s: {a: \"\xff\"}\n    condition: s", `not UTF-8 text`},
		{"deep", head + "    s: " + strings.Repeat("[", 40), `more than 32 brackets are open`},
		{"the taxonomy", head + "    s: {a: 1}\n    condition: s\ntaxonomy: ecs", `the taxonomy "ecs" is not known here`},
		{"windash", head + "    s: {a|windash: '-a -a -a -a -a -a -a'}\n    condition: s", `windash makes more than 4096 values`},
		{"a type of correlation", "title: t\ncorrelation: {type: event_cont, rules: [good], timespan: 1m, condition: {gte: 1}}", `"event_cont" is no type of correlation; did you mean "event_count"?`},
		{"a rule that is not there", "title: t\ncorrelation:\n    type: event_count\n    rules:\n        - lost\n    timespan: 1m\n    condition: {gte: 1}", `r.yml:5:11: there is no rule "lost"`},
		{"a timespan", "title: t\ncorrelation: {type: event_count, rules: [good], timespan: 5 minutes, condition: {gte: 1}}", `"5 minutes" is no timespan; write it as 30s, 5m, 1h or 1d`},
		{"no condition to count", "title: t\ncorrelation: {type: event_count, rules: [good], timespan: 1m}", `the correlation has no condition`},
		{"no field", "title: t\ncorrelation: {type: value_count, rules: [good], timespan: 1m, condition: {gte: 1}}", `value_count needs a field`},
		{"a circle", "title: t\nname: t\ncorrelation: {type: temporal, rules: [t], timespan: 1m}", `the correlation counts itself`},
		{"words for a count", "title: t\ncorrelation: {type: temporal, rules: [good], timespan: 1m, condition: good and good}", `a condition in words is not part of Sigma 2.1.0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, problems := Compile([]File{{"r.yml", []byte(c.text + strings.Replace(good, "title: good", "title: good\nname: good", 1))}}, Options{})
			said := ""
			for _, p := range problems {
				if !p.Warning {
					said += p.String() + "\n"
				}
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("said %q, not %q", said, c.want)
			}
			if len(set.Rules()) != 1 || set.Rules()[0].Title != "good" {
				t.Errorf("%d rules are used", len(set.Rules()))
			}
		})
	}
}

func TestWarningsLeaveTheRuleIn(t *testing.T) {
	text := "title: t\nid: my-rule\ndat: 2026-01-01\ndate: 2026/01/01\nreference: x\ntags: [Attack.T1059]\nlogsource: {product: Linux}\ndetection:\n    s: {a|contains|all: x}\n    unused: {b: 1}\n    condition: s\n"
	set, problems := Compile([]File{{"w.yml", []byte(text)}}, Options{})
	var said []string
	for _, p := range problems {
		if !p.Warning {
			t.Error(p)
		}
		said = append(said, p.String())
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{"the id is no UUID", `the key "dat" says nothing to Sigma; did you mean date?`, `"2026/01/01" is no date`, `"reference"`,
		`"Attack.T1059" is no tag`, "log sources are written in lower case", "all has a meaning for several values only", "the condition never asks for unused"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q was not said in\n%s", want, all)
		}
	}
	if len(set.Rules()) != 1 || set.Rules()[0].Techniques()[0] != "T1059" {
		t.Error("the rule is not used")
	}
}

// Files of editors that end lines in two signs, or begin with a mark, are read as any other.
func TestForeignEditors(t *testing.T) {
	for _, f := range synthetic(40, 1) {
		for _, text := range []string{strings.ReplaceAll(string(f.Text), "\n", "\r\n"), "\ufeff" + string(f.Text)} {
			set, problems := Compile([]File{{"e.yml", []byte(text)}}, Options{})
			if len(problems) > 0 || len(set.Rules()) != 1 || strings.Contains(set.Rules()[0].Title, "\r") {
				t.Errorf("%v\n%q", problems, text)
			}
		}
	}
}

func TestTwoRulesOfOneName(t *testing.T) {
	text := []byte(rule("    s: {a: 1}\n    condition: s\n"))
	set, problems := Compile([]File{{"one.yml", text}, {"two.yml", text}}, Options{})
	if len(set.Rules()) != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), "two.yml:1:1: 5d9b5bd0-7a4c-4b55-9c3e-0d6f4d3ea0a1 is the rule at one.yml:1 already") {
		t.Error(problems)
	}
}

func TestFilters(t *testing.T) {
	text := rule("    s: {a: 1}\n    condition: s\n") + `---
title: not the backup
logsource: {product: test}
filter:
    rules: [5d9b5bd0-7a4c-4b55-9c3e-0d6f4d3ea0a1]
    s: {user|startswith: backup_}
    condition: not s
---
title: nobody at night
logsource: {product: test}
filter:
    rules: any
    s: {shift: night}
    condition: not s
`
	set := compiles(t, text, Options{})
	_, warned := Compile([]File{{"f.yml", []byte(strings.ReplaceAll(text, "condition: not s", "condition: s"))}}, Options{})
	if len(warned) != 2 || !strings.Contains(warned[0].String(), "f.yml:12:5: warning: the filter lets only pass what its selection matches; write not before") {
		t.Error(warned)
	}
	for record, want := range map[string]bool{`{"a":1}`: true, `{"a":1,"user":"backup_7"}`: false, `{"a":1,"shift":"night"}`: false, `{"a":2}`: false} {
		if got := fires(t, set, record); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
	if r := set.Rules()[0]; strings.Join(r.Filters, ", ") != "not the backup, nobody at night" {
		t.Error(r.Filters)
	}
	_, problems := Compile([]File{{"f.yml", []byte(text + "---\ntitle: lost\nlogsource: {product: other}\nfilter:\n    rules: [nothing, 5d9b5bd0-7a4c-4b55-9c3e-0d6f4d3ea0a1]\n    s: {a: 1}\n    condition: not s\n")}}, Options{})
	said := ""
	for _, p := range problems {
		said += p.String() + "\n"
	}
	for _, want := range []string{`there is no rule "nothing" to filter`, `the filter is for product=other, the rule "t" is not`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q was not said in\n%s", want, said)
		}
	}
}

// What is explained is what is judged, in words.
func TestExplain(t *testing.T) {
	set := compiles(t, `title: A shell of the web server
logsource: {product: linux, category: process_creation}
detection:
    selection_shell:
        Image|endswith: [/sh, /bash]
        User: www-data
    filter_main_health:
        CommandLine|contains: healthz
    condition: selection_shell and not 1 of filter_main_*
`, Options{})
	e := workload()[7]
	e.Process.Exe, e.Process.Args = "/usr/bin/bash", []string{"bash", "-c", "curl localhost/healthz\x1b[2J"}
	got := Explain(set, set.Rules()[0], &e)
	want := `A shell of the web server: does not fire
  no   all of these
    no   selection_shell
      yes  Image: ends with "/sh" or ends with "/bash"
           it is "/usr/bin/bash"
      no   User: is "www-data"
           it is "deploy"
    no   not this
      yes  1 of filter_main_*
        yes  filter_main_health
          yes  CommandLine: contains "healthz"
               it is "bash -c curl localhost/healthz\x1b[2J"
`
	if got != want {
		t.Errorf("said\n%s\nnot\n%s", got, want)
	}
	other := event.Event{Kind: event.Exit}
	if got := Explain(set, set.Rules()[0], &other); !strings.Contains(got, "the rule is for category=process_creation product=linux; this is none of its records") {
		t.Error(got)
	}
}

func TestNavigatorLayer(t *testing.T) {
	text := strings.Replace(rule("    s: {a: 1}\n    condition: s\n"), "title: t\n", "title: t\ntags: [attack.execution, attack.t1059.004, attack.t1105, attack.g0001]\n", 1)
	covered := Coverage(compiles(t, text, Options{}).Rules())
	if len(covered) != 2 || covered[0].ID != "T1059.004" || covered[1].ID != "T1105" || covered[0].Tactics[0] != "execution" {
		t.Fatalf("%+v", covered)
	}
	text2, err := Navigator("test", covered)
	if err != nil {
		t.Fatal(err)
	}
	var l map[string]any
	if err := json.Unmarshal(text2, &l); err != nil {
		t.Fatal(err)
	}
	versions := l["versions"].(map[string]any)
	first := l["techniques"].([]any)[0].(map[string]any)
	if versions["layer"] != "4.5" || l["domain"] != "enterprise-attack" || first["techniqueID"] != "T1059.004" || first["score"] != 1.0 {
		t.Errorf("%s", text2)
	}
}
