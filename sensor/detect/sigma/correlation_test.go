package sigma

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// base are two rules to be counted: a login that failed, and one that did not.
const base = `
---
title: failed
id: 11111111-1111-4111-8111-111111111111
name: failed
logsource: {product: test}
detection:
    s: {result: failed}
    condition: s
---
title: good
id: 22222222-2222-4222-8222-222222222222
name: good
logsource: {product: test}
detection:
    s: {result: good}
    condition: s
---
title: odd
name: odd
logsource: {product: test}
detection:
    s: {result: odd}
    condition: s
`

func counting(body string) string { return "title: counts\nname: counts\ncorrelation:\n" + body + base }

// said is "10s failed user=u1 n=5": seconds, what, and further fields.
func said(t testing.TB, e *Engine, line string) string {
	t.Helper()
	words := strings.Fields(line)
	after, err := time.ParseDuration(words[0])
	if err != nil {
		t.Fatal(err)
	}
	at := noon.Add(after)
	var found []Match
	if words[1] == "now" {
		found = e.Advance(at, nil)
	} else {
		fields := map[string]any{"result": words[1]}
		for _, w := range words[2:] {
			name, value, _ := strings.Cut(w, "=")
			fields[name] = value
		}
		found = e.JudgeRecord(NewRecord(LogSource{Product: "test"}, fields), at, nil)
	}
	var names []string
	for _, m := range found {
		name := m.Rule.Title
		if m.Rule.Correlation != nil {
			name = fmt.Sprintf("%s(%g", name, m.Value)
			for _, g := range m.Group {
				name += " " + g.Value
			}
			name += ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// A line of events, and behind => what fires.
func TestCorrelations(t *testing.T) {
	for _, c := range []struct{ name, rule, events string }{
		{"event_count", "    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 1m\n    condition: {gte: 3}\n", `
			0s failed user=a
			10s failed user=b
			20s failed user=a
			30s failed
			40s good user=a => good
			59s failed user=a => counts(3 a)
			60s failed user=a
			61s failed user=a
			62s failed user=a => counts(3 a)`},
		{"event_count, too slow", "    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 1m\n    condition: {gte: 3}\n", `
			0s failed user=a
			40s failed user=a
			61s failed user=a
			95s failed user=a => counts(3 a)`},
		{"events told late are counted where they belong", "    type: event_count\n    rules: [failed]\n    timespan: 1m\n    condition: {gte: 3}\n", `
			50s failed
			0s failed
			20s failed => counts(3)`},
		{"event_count with an upper bound is judged when the window ends", "    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 1m\n    condition: {gte: 2, lt: 4}\n", `
			0s failed user=a
			1s failed user=a
			2s failed user=b
			30s failed user=b
			40s failed user=b
			50s failed user=b
			59s now
			60s now => counts(2 a)
			200s now`},
		{"eq", "    type: event_count\n    rules: [failed]\n    timespan: 1m\n    condition: {eq: 1}\n", `
			0s failed
			90s failed => counts(1)
			91s failed
			200s now`},
		{"value_count", "    type: value_count\n    rules: [failed]\n    group-by: [host]\n    timespan: 1m\n    condition: {field: user, gt: 2}\n", `
			0s failed host=h user=a
			1s failed host=h user=a
			2s failed host=h user=b
			3s failed host=h
			62s failed host=h user=c
			62s failed host=h user=d => counts(3 h)`},
		{"temporal", "    type: temporal\n    rules: [failed, good]\n    group-by: [user]\n    timespan: 1m\n    generate: true\n", `
			0s good user=a => good
			1s failed user=b => failed
			61s failed user=a => failed
			90s good user=a => good counts(2 a)`},
		{"temporal, two of three", "    type: temporal\n    rules: [failed, good, odd]\n    timespan: 1m\n    condition: {gte: 2}\n", `
			0s odd
			1s odd
			2s failed => counts(2)`},
		{"temporal_ordered", "    type: temporal_ordered\n    rules: [failed, good, odd]\n    group-by: [user]\n    timespan: 1m\n", `
			0s good user=a
			1s failed user=a
			2s odd user=a
			3s good user=a
			30s failed user=a
			59s odd user=a => counts(3 a)
			60s odd user=a`},
		{"temporal_ordered takes the chain that began last", "    type: temporal_ordered\n    rules: [failed, good]\n    timespan: 1m\n", `
			0s failed
			50s failed
			70s good => counts(2)`},
		{"value_sum", "    type: value_sum\n    rules: [failed]\n    group-by: [user]\n    timespan: 1m\n    condition: {field: n, gte: 10}\n", `
			0s failed user=a n=4
			30s failed user=a n=five
			61s failed user=a n=7
			62s failed user=a n=2.5
			63s failed user=a n=0.5 => counts(10 a)`},
		{"value_avg fires when it comes to hold", "    type: value_avg\n    rules: [failed]\n    timespan: 1m\n    condition: {field: n, gt: 5}\n", `
			0s failed n=2
			1s failed n=10 => counts(6)
			2s failed n=9
			3s failed n=1
			4s failed n=1
			5s failed n=30 => counts(8.833333333333334)`},
		{"value_percentile with a percentile", "    type: value_percentile\n    rules: [failed]\n    timespan: 1m\n    condition: {field: n, percentile: 50, gte: 5}\n", `
			0s failed n=1
			1s failed n=9
			2s failed n=8 => counts(8)
			3s failed n=7
			61s failed n=1`},
		{"value_percentile without one: the share of the event's value", "    type: value_percentile\n    rules: [failed]\n    timespan: 1m\n    condition: {field: image, lte: 25}\n", `
			0s failed image=a
			1s failed image=a
			2s failed image=a
			3s failed image=b => counts(25)
			4s failed image=b
			120s failed image=b`},
		{"aliases", "    type: temporal\n    rules: [failed, good]\n    group-by: [who]\n    timespan: 1m\n    aliases:\n        who: {failed: src, good: dst}\n", `
			0s failed src=x dst=y
			1s good src=x dst=y
			2s good src=z dst=x => counts(2 x)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := NewEngine(compiles(t, counting(c.rule), Options{}), Limits{})
			for l := range strings.Lines(strings.TrimSpace(c.events)) {
				event, want, _ := strings.Cut(strings.TrimSpace(l), " =>")
				got := said(t, e, event)
				got = strings.TrimSpace(strings.Join(strings.Fields(got), " "))
				want = strings.TrimSpace(want)
				if want == "" && (got == "good" || got == "odd") {
					continue // a rule that nothing counts here fires by itself
				}
				if got != want {
					t.Errorf("%s: fired %q, not %q", event, got, want)
				}
			}
		})
	}
}

// The example of the specification: many failed logins, then a good one.
func TestCorrelationOfCorrelations(t *testing.T) {
	text := `title: guessed
correlation:
    type: temporal_ordered
    rules: [many_failed, good]
    group-by: [user]
    timespan: 10m
level: high
---
title: many
name: many_failed
correlation:
    type: event_count
    rules: [failed]
    group-by: [user]
    timespan: 10m
    condition: {gte: 3}
` + base
	e := NewEngine(compiles(t, text, Options{}), Limits{})
	for _, l := range []string{"0s good user=a", "1s failed user=a", "2s failed user=a", "3s failed user=b", "4s failed user=a"} {
		if got := said(t, e, l); got != "" {
			t.Errorf("%s: %s", l, got)
		}
	}
	if got := said(t, e, "5s good user=b"); got != "" {
		t.Error(got)
	}
	if got := said(t, e, "6s good user=a"); got != "guessed(2 a)" {
		t.Error(got)
	}
}

func TestReloadKeepsWhatIsCounted(t *testing.T) {
	text := counting("    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 1m\n    condition: {gte: 3}\n")
	e := NewEngine(compiles(t, text, Options{}), Limits{})
	said(t, e, "0s failed user=a")
	said(t, e, "1s failed user=a")
	more := "title: another\nlogsource: {product: test}\ndetection: {s: {zzz: 1, yyy: 2}, condition: s}\n---\n"
	e.Reload(compiles(t, more+text, Options{}))
	if got := said(t, e, "2s failed user=a"); got != "counts(3 a)" {
		t.Errorf("after a reload that changed something else: %q", got)
	}
	said(t, e, "3s failed user=a")
	said(t, e, "4s failed user=a")
	e.Reload(compiles(t, strings.Replace(text, "{result: failed}", "{result: [failed, lost]}", 1), Options{}))
	if got := said(t, e, "5s failed user=a"); got != "" {
		t.Errorf("a rule that it counts is another now: %q", got)
	}
}

// Every event is judged by the old Set or the new one, whatever the moment.
func TestReloadLeavesNoGap(t *testing.T) {
	sets := []*Set{compiles(t, rule("    s: {a: 1}\n    condition: s\n"), Options{}), compiles(t, rule("    s: {b: 2, a: 1}\n    condition: s\n"), Options{})}
	e := NewEngine(sets[0], Limits{})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				e.Reload(sets[i%2])
			}
		}
	})
	record := NewRecord(LogSource{Product: "test"}, map[string]any{"a": "1", "b": "2"})
	for range 3 {
		wg.Go(func() {
			for range 2_000 {
				if n := len(e.JudgeRecord(record, noon, nil)); n != 1 {
					t.Errorf("fired %d times", n)
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(stop)
	wg.Wait()
}

// A flood of groups, values and numbers stays within its bounds, and is owned up to.
func TestCorrelationMemoryIsBounded(t *testing.T) {
	var text strings.Builder
	for i, body := range []string{
		"    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 1d\n    condition: {gte: 50}\n",
		"    type: value_count\n    rules: [failed]\n    group-by: [host]\n    timespan: 1d\n    condition: {field: user, gte: 90000}\n",
		"    type: value_sum\n    rules: [failed]\n    group-by: [host]\n    timespan: 1d\n    condition: {field: n, gte: 1000000000}\n",
		"    type: value_percentile\n    rules: [failed]\n    group-by: [host]\n    timespan: 1d\n    condition: {field: user, lte: 0.00001}\n",
		"    type: temporal_ordered\n    rules: [good, failed]\n    group-by: [user]\n    timespan: 1d\n",
	} {
		fmt.Fprintf(&text, "title: c%d\nname: c%d\ncorrelation:\n%s---\n", i, i, body)
	}
	limits := Limits{Groups: 100, Cells: 20_000}
	e := NewEngine(compiles(t, text.String()+base, Options{}), limits)
	for i := range 30_000 {
		r := NewRecord(LogSource{Product: "test"}, map[string]any{"result": "failed", "user": fmt.Sprint("u", i), "host": "h", "n": 1})
		e.JudgeRecord(r, noon.Add(time.Duration(i)*time.Millisecond), nil)
	}
	m := e.Memory()
	if m.Evicted == 0 || m.Groups > 5*limits.Groups {
		t.Errorf("%+v", m)
	}
	// Each correlation has its part, and at least what one group needs to fire.
	if most := limits.Cells + 5*64 + 4*90_001 + 60_000; m.Cells > most {
		t.Errorf("%d cells, more than %d", m.Cells, most)
	}
	e.Advance(noon.Add(48*time.Hour), nil)
	if m := e.Memory(); m.Groups != 0 || m.Cells != 0 {
		t.Errorf("after two days of silence: %+v", m)
	}
}

// Sliding counts against a plain count over all events told.
func TestEventCountAgreesWithPlainCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		need := rapid.IntRange(1, 5).Draw(t, "need")
		c := &counted{Correlation: &Correlation{Type: "event_count", Timespan: 10 * time.Millisecond, Bounds: []Bound{{"gte", float64(need)}}}}
		tally := c.newTally()
		var all []int64
		at := int64(1_000)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			at += rapid.Int64Range(0, 8).Draw(t, "later")
			tally.add(told{at: at})
			all = append(all, at)
			n := 0
			for _, x := range all {
				if x >= at-10 {
					n++
				}
			}
			if got := tally.value(at); (got >= float64(need)) != (n >= need) {
				t.Fatalf("%v of %v: %v, plainly %d", need, all, got, n)
			}
		}
	})
}

// Chains in order against trying every choice of events.
func TestInOrderAgreesWithTryingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.IntRange(2, 4).Draw(t, "rules")
		o := newInOrder(10, rules)
		var all []told
		at := int64(1_000)
		for range rapid.IntRange(1, 14).Draw(t, "events") {
			at += rapid.Int64Range(0, 4).Draw(t, "later")
			e := told{at: at, event: uint64(at), rule: rapid.IntRange(0, rules-1).Draw(t, "rule")} // of one moment, one event
			o.add(e)
			all = append(all, e)
			if got, want := o.value(at), longest(all, 10); got != float64(want) {
				t.Fatalf("%v: %v, by trying %d", all, got, want)
			}
		}
	})
}

// longest is the longest chain of rising rules that ends with the last event.
func longest(all []told, span int64) int {
	last := all[len(all)-1]
	var chain func(i, above int) int
	chain = func(i, below int) int {
		best := 0
		for j := i - 1; j >= 0; j-- {
			if all[j].rule < below && all[j].event != all[i].event && all[j].at >= last.at-span {
				best = max(best, 1+chain(j, all[j].rule))
			}
		}
		return best
	}
	return 1 + chain(len(all)-1, last.rule)
}
