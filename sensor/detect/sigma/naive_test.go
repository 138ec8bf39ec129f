package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// The naive matcher knows nothing of the package under test: a drawn rule is written out
// as YAML for Compile, and judged here by regular expressions, value by value.

type naiveItem struct {
	field string
	mods  []string
	all   bool
	cased bool
	neq   bool
	vals  []string
}

type naiveSelection struct {
	maps     [][]naiveItem // any of these, in each of which all items
	keywords []string
}

type naiveRule struct {
	selections []naiveSelection
	condition  string
	eval       func(hold []bool) bool
}

// Small alphabets, so that things meet.
var (
	drawnField = rapid.SampledFrom([]string{"a", "b", "c"})
	drawnText  = rapid.StringOfN(rapid.SampledFrom([]rune("abAB/- *?\\ä")), 0, 6, -1)
	heldText   = rapid.StringOfN(rapid.SampledFrom([]rune("abAB/- *?\\äÄ\n")), 0, 9, -1)
)

func drawItem(t *rapid.T) naiveItem {
	it := naiveItem{field: drawnField.Draw(t, "field")}
	it.mods = rapid.SampledFrom([][]string{nil, nil, {"contains"}, {"startswith"}, {"endswith"}, {"contains", "all"}, {"re"}}).Draw(t, "mods")
	it.all = slices.Contains(it.mods, "all")
	it.cased = !slices.Contains(it.mods, "re") && rapid.IntRange(0, 4).Draw(t, "cased") == 0
	it.neq = rapid.IntRange(0, 6).Draw(t, "neq") == 0
	n := rapid.IntRange(1, 9).Draw(t, "n")
	for range n {
		v := drawnText.Draw(t, "value")
		if slices.Contains(it.mods, "re") {
			v = regexp.QuoteMeta(v) + rapid.SampledFrom([]string{"", ".*b", "[ab]+", "$", "(a|b/)"}).Draw(t, "more")
		}
		it.vals = append(it.vals, v)
	}
	return it
}

func (it naiveItem) yaml() string {
	key := strings.Join(append([]string{it.field}, it.mods...), "|")
	if it.cased {
		key += "|cased"
	}
	if it.neq {
		key += "|neq"
	}
	var vals []string
	for _, v := range it.vals {
		vals = append(vals, fmt.Sprintf("%q", v)) // double quotes of YAML read Go's escapes
	}
	return fmt.Sprintf("%q: [%s]", key, strings.Join(vals, ", "))
}

// wildcards is a Sigma string as a regular expression.
func wildcards(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '\\' && i+1 < len(v) && (v[i+1] == '*' || v[i+1] == '?' || v[i+1] == '\\'):
			i++
			b.WriteString(regexp.QuoteMeta(v[i : i+1]))
		case v[i] == '*':
			b.WriteString(`.*`)
		case v[i] == '?':
			b.WriteString(`.`)
		default:
			n := i + 1
			for n < len(v) && v[n]&0xC0 == 0x80 {
				n++
			}
			b.WriteString(regexp.QuoteMeta(v[i:n]))
			i = n - 1
		}
	}
	return b.String()
}

func (it naiveItem) value(v, text string) bool {
	expr := ""
	switch {
	case slices.Contains(it.mods, "re"):
		return regexp.MustCompile(v).MatchString(text)
	case slices.Contains(it.mods, "contains"):
		expr = ".*" + wildcards(v) + ".*"
	case slices.Contains(it.mods, "startswith"):
		expr = wildcards(v) + ".*"
	case slices.Contains(it.mods, "endswith"):
		expr = ".*" + wildcards(v)
	default:
		expr = wildcards(v)
	}
	flags := "(?is)"
	if it.cased {
		flags = "(?s)"
	}
	return regexp.MustCompile(flags + "^(?:" + expr + ")$").MatchString(text)
}

func (it naiveItem) holds(rec map[string]any) bool {
	text, there := rec[it.field].(string)
	hold := it.all
	for _, v := range it.vals {
		if one := there && it.value(v, text); one != it.all {
			hold = !it.all
		}
	}
	return hold != it.neq
}

func (s naiveSelection) holds(rec map[string]any) bool {
	for _, m := range s.maps {
		all := true
		for _, it := range m {
			all = all && it.holds(rec)
		}
		if all {
			return true
		}
	}
	for _, k := range s.keywords {
		for _, v := range rec {
			if (naiveItem{mods: []string{"contains"}}).value(k, v.(string)) {
				return true
			}
		}
	}
	return false
}

func drawRule(t *rapid.T) naiveRule {
	var r naiveRule
	for range rapid.IntRange(1, 3).Draw(t, "selections") {
		var s naiveSelection
		if rapid.IntRange(0, 5).Draw(t, "keywords") == 0 {
			// Words without wildcards: what a star may span in a whole record differs.
			s.keywords = rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abA/-")), 1, 4, -1), 1, 3).Draw(t, "words")
		} else {
			for range rapid.IntRange(1, 2).Draw(t, "maps") {
				seen := map[string]bool{}
				var m []naiveItem
				for range rapid.IntRange(1, 3).Draw(t, "items") {
					it := drawItem(t)
					if key, _, _ := strings.Cut(it.yaml(), ":"); !seen[key] {
						seen[key] = true
						m = append(m, it)
					}
				}
				s.maps = append(s.maps, m)
			}
		}
		r.selections = append(r.selections, s)
	}
	n := len(r.selections)
	r.condition, r.eval = drawCondition(t, n, 3)
	return r
}

func drawCondition(t *rapid.T, n, depth int) (string, func([]bool) bool) {
	switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); {
	case kind < 2 || depth == 0:
		i := rapid.IntRange(0, n-1).Draw(t, "which")
		return fmt.Sprintf("s%d", i), func(h []bool) bool { return h[i] }
	case kind == 2:
		return "1 of s*", func(h []bool) bool { return slices.Contains(h, true) }
	case kind == 3:
		return "all of them", func(h []bool) bool { return !slices.Contains(h, false) }
	case kind == 4:
		c, f := drawCondition(t, n, depth-1)
		return "not (" + c + ")", func(h []bool) bool { return !f(h) }
	case kind == 5:
		a, fa := drawCondition(t, n, depth-1)
		b, fb := drawCondition(t, n, depth-1)
		return "(" + a + ") and (" + b + ")", func(h []bool) bool { return fa(h) && fb(h) }
	}
	a, fa := drawCondition(t, n, depth-1)
	b, fb := drawCondition(t, n, depth-1)
	return "(" + a + ") or (" + b + ")", func(h []bool) bool { return fa(h) || fb(h) }
}

func (r naiveRule) yaml(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "title: r%d\nname: r%d\nlogsource: {product: test}\ndetection:\n", n, n)
	for i, s := range r.selections {
		var parts []string
		for _, m := range s.maps {
			var items []string
			for _, it := range m {
				items = append(items, it.yaml())
			}
			parts = append(parts, "{"+strings.Join(items, ", ")+"}")
		}
		for _, k := range s.keywords {
			parts = append(parts, fmt.Sprintf("%q", k))
		}
		fmt.Fprintf(&b, "  s%d: [%s]\n", i, strings.Join(parts, ", "))
	}
	fmt.Fprintf(&b, "  condition: %s\n", r.condition)
	return b.String()
}

func (r naiveRule) holds(rec map[string]any) bool {
	var h []bool
	for _, s := range r.selections {
		h = append(h, s.holds(rec))
	}
	return r.eval(h)
}

// Whatever rules and whatever records: the engine says what the naive matcher says.
func TestNaiveMatcherAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules []naiveRule
		var files []File
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := drawRule(t)
			rules = append(rules, r)
			files = append(files, File{fmt.Sprint(i, ".yml"), []byte(r.yaml(i))})
		}
		set, problems := Compile(files, Options{})
		for _, p := range problems {
			if !p.Warning {
				t.Fatal(p, "\n", string(files[0].Text))
			}
		}
		engine := NewEngine(set, Limits{})
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			rec := map[string]any{}
			for _, f := range []string{"a", "b", "c"} {
				switch rapid.IntRange(0, 7).Draw(t, "there") {
				case 0:
				case 1, 2, 3:
					rec[f] = heldText.Draw(t, "held")
				default: // what some rule looks for, or nearly
					rec[f] = rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "before") +
						rapid.SampledFrom(valuesOf(rules)).Draw(t, "wanted") + rapid.SampledFrom([]string{"", "", "b"}).Draw(t, "after")
				}
			}
			fired := map[string]bool{}
			for _, m := range engine.JudgeRecord(NewRecord(LogSource{Product: "test"}, rec), noon, nil) {
				fired[m.Rule.Name] = true
			}
			for i, r := range rules {
				if name := fmt.Sprint("r", i); fired[name] != r.holds(rec) {
					rule, _ := set.Find(name)
					t.Fatalf("%s fired: %v\n%s%s", name, fired[name], files[i].Text, ExplainRecord(set, rule, NewRecord(LogSource{Product: "test"}, rec)))
				}
			}
		}
	})
}

func valuesOf(rules []naiveRule) []string {
	list := []string{"ab"}
	for _, r := range rules {
		for _, s := range r.selections {
			list = append(list, s.keywords...)
			for _, m := range s.maps {
				for _, it := range m {
					list = append(list, it.vals...)
				}
			}
		}
	}
	return list
}

// plainly judges an event without any index or shortcut: every rule, in every view.
func plainly(set *Set, e *event.Event) map[string]bool {
	x := &explaining{set: set, sight: newSight(set)}
	fired := map[string]bool{}
	for _, r := range set.rules {
		if r.cond == nil {
			continue
		}
		for _, look := range x.records(r, e, nil) {
			if look(); r.cond.holds(x.sight) {
				fired[r.rule.Digest] = true
			}
		}
	}
	return fired
}

func indexed(set *Set, e *event.Event) map[string]bool {
	fired := map[string]bool{}
	for _, m := range NewEngine(set, Limits{}).Judge(e, e.At, nil) {
		if m.Rule.Correlation == nil {
			fired[m.Rule.Digest] = true
		}
	}
	return fired
}

// differ says how the two judge an event differently; rules that only count are not compared.
func differ(set *Set, e *event.Event) string {
	plain, quick := plainly(set, e), indexed(set, e)
	for _, r := range set.rules {
		if r.cond != nil && !r.quiet && plain[r.rule.Digest] != quick[r.rule.Digest] {
			return fmt.Sprintf("%s fired by the index: %v\n%s", r.rule.Title, quick[r.rule.Digest], Explain(set, r.rule, e))
		}
	}
	return ""
}

// Events put together from what the rules look for, and from what they nearly do.
func TestIndexChangesNoVerdict(t *testing.T) {
	files := append(synthetic(400, 3), corpus(t)...)
	set, _ := Compile(files, Options{})
	var literals []string
	for _, r := range set.rules {
		if r.cond != nil {
			literals = append(literals, literalsOf(r.cond)...)
		}
	}
	quiet := workload()
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SampledFrom(literals)
		e := rapid.SampledFrom(quiet).Draw(t, "event")
		text := func(name string) string {
			parts := rapid.SliceOfN(some, 0, 3).Draw(t, name)
			joined := strings.Join(parts, rapid.SampledFrom([]string{"", " ", "x"}).Draw(t, "glue"))
			if len(joined) > 1 && rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
				joined = joined[1:]
			}
			if rapid.Bool().Draw(t, "upper") {
				joined = strings.ToUpper(joined)
			}
			return joined
		}
		e.Process.Exe, e.Parent.Exe = "/usr/bin"+text("exe"), text("parent")
		e.Process.Args = []string{text("a0"), text("a1"), text("a2")}
		if e.File != nil {
			e.File = &event.FileOf{Op: rapid.SampledFrom([]string{"open", "create", "rename", "remove"}).Draw(t, "op"), Path: text("path")}
		}
		if why := differ(set, &e); why != "" {
			t.Fatal(why)
		}
	})
}

func literalsOf(n *node) []string {
	var list []string
	for _, k := range n.kids {
		list = append(list, literalsOf(k)...)
	}
	if n.op == opLeaf {
		for _, g := range n.leaf.groups {
			for _, a := range g {
				if len(a.lit) > 0 {
					list = append(list, string(a.lit))
				}
			}
		}
	}
	return list
}
