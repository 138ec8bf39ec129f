package sigma

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Explain says why a rule fires for an event or does not, part by part of its condition,
// in plain text of several lines.
func Explain(set *Set, r *Rule, seen *event.Event) string {
	rule := set.find(r.Handle())
	if rule == nil {
		return fmt.Sprintf("%q is not a rule of this set.\n", r.Title)
	}
	x := &explaining{set: set, sight: newSight(set)}
	x.rule(rule, seen, nil)
	return x.String()
}

// ExplainRecord is Explain for a record that is no event of the sensor.
func ExplainRecord(set *Set, r *Rule, of Record) string {
	rule := set.find(r.Handle())
	if rule == nil {
		return fmt.Sprintf("%q is not a rule of this set.\n", r.Title)
	}
	x := &explaining{set: set, sight: newSight(set)}
	x.rule(rule, nil, of)
	return x.String()
}

type explaining struct {
	strings.Builder
	set   *Set
	sight *sight
}

func (x *explaining) say(depth int, format string, args ...any) {
	x.WriteString(strings.Repeat("  ", depth))
	_, _ = fmt.Fprintf(x, format, args...)
	x.WriteByte('\n')
}

func (x *explaining) rule(r *compiled, seen *event.Event, of Record) {
	if r.counts != nil {
		x.correlation(r, seen, of)
		return
	}
	records := x.records(r, seen, of)
	fires := false
	for _, look := range records {
		look()
		fires = fires || r.cond.holds(x.sight)
	}
	verdict := "does not fire"
	if fires {
		verdict = "fires"
	}
	x.say(0, "%s: %s", r.rule.Title, verdict)
	if len(records) == 0 {
		x.say(1, "no   the rule is for %s; this is none of its records", r.rule.Source)
		return
	}
	for _, look := range records {
		if from := look(); len(records) > 1 {
			x.say(1, "seen as %s:", from)
		}
		x.node(r.cond, 1)
	}
}

// records are the ways in which the rule can look at what was seen. Each takes a look and
// says at what.
func (x *explaining) records(r *compiled, seen *event.Event, of Record) []func() string {
	s := x.sight
	if seen == nil {
		if !r.rule.Source.Takes(of.Source()) {
			return nil
		}
		return []func() string{func() string {
			s.look()
			s.event, s.rec = nil, of
			return of.Source().String()
		}}
	}
	var list []func() string
	for i := range views {
		v := &views[i]
		if !v.takes(r.rule.Source) || !v.of(seen) {
			continue
		}
		b := &bound{view: v, gets: make([]getter, x.set.fields.count())}
		for n, name := range x.set.fields.names {
			c, _ := v.column(name)
			b.gets[n] = c.get
		}
		list = append(list, func() string {
			s.look()
			s.event, s.view, s.rec = seen, b, nil
			if kind := v.table[0]; kind.name == "type" {
				return "auditd's " + kind.fixed.text
			}
			return v.source.String()
		})
	}
	return list
}

// of says whether an event is seen as a record of this view.
func (v *view) of(seen *event.Event) bool {
	for _, k := range v.kinds {
		if k == seen.Kind {
			return v.when == nil || v.when(seen)
		}
	}
	return false
}

func (x *explaining) correlation(r *compiled, seen *event.Event, of Record) {
	c := r.counts.Correlation
	x.say(0, "%s: counts what other rules match, and cannot be judged by one event", r.rule.Title)
	what := "events"
	if c.Field != "" {
		what = c.Field
	}
	var bounds []string
	for _, b := range c.Bounds {
		bounds = append(bounds, fmt.Sprintf("%s %g", words[b.Op], b.Value))
	}
	x.say(1, "it fires when %s of %s is %s within %s%s", c.Type, what, strings.Join(bounds, " and "), c.Timespan, by(c.GroupBy))
	for _, counts := range r.counts.rules {
		var inner explaining
		inner.set, inner.sight = x.set, x.sight
		inner.rule(counts, seen, of)
		for l := range strings.Lines(inner.String()) {
			x.WriteString("  " + l)
		}
	}
}

var words = map[string]string{"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "eq": "exactly", "neq": "anything but"}

func by(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return " for one " + strings.Join(fields, " and ")
}

// node says of each part whether it holds; parts of a part are indented.
func (x *explaining) node(n *node, depth int) {
	mark := "no "
	if n.holds(x.sight) {
		mark = "yes"
	}
	if n.op == opLeaf {
		if n.name != "" {
			x.say(depth, "%s  %s", mark, n.name)
			depth++
		}
		x.leaf(n.leaf, mark, depth)
		return
	}
	name := n.name
	if name == "" {
		name = map[nodeOp]string{opAnd: "all of these", opOr: "one of these", opNot: "not this"}[n.op]
	}
	x.say(depth, "%s  %s", mark, name)
	for _, k := range n.kids {
		x.node(k, depth+1)
	}
}

func (x *explaining) leaf(l *leaf, mark string, depth int) {
	what := l.name
	if l.field == message {
		what = "the whole record"
	}
	not := ""
	if l.not {
		not = "anything but: "
	}
	var values []string
	for _, g := range l.groups {
		if len(g) > 0 {
			values = append(values, g[0].String())
		}
	}
	join := " or "
	if l.all {
		join = " and "
	}
	if more := len(values) - 8; more > 0 {
		values = append(values[:8], fmt.Sprintf("%d more", more))
	}
	x.say(depth, "%s  %s: %s%s", mark, what, not, strings.Join(values, join))
	if l.field == message {
		return
	}
	switch f := x.sight.slot(l.field); f.val.kind {
	case kindAbsent:
		x.say(depth, "     there is no %s here", l.name)
	case kindNull:
		x.say(depth, "     it is null")
	default:
		x.say(depth, "     it is %s", clipped(f.val.String()))
	}
}

// clipped is a value that fits on a screen, without signs that a terminal obeys.
func clipped(s string) string {
	const most = 300
	if runes := []rune(s); len(runes) > most {
		return fmt.Sprintf("%q and %d characters more", string(runes[:most]), len(runes)-most)
	}
	return fmt.Sprintf("%q", s)
}

var phrases = map[op]string{is: "is", begins: "begins with", ends: "ends with", has: "contains", like: "is like", expr: "matches",
	inNet: "is within", less: "is less than", atMost: "is at most", equal: "is", atLeast: "is at least", more: "is more than", anything: "is like"}

var partNames = map[timePart]string{minute: "its minute ", hour: "its hour ", day: "its day ", week: "its week ", month: "its month ", year: "its year "}

// String is the comparison in words.
func (a *atom) String() string {
	switch a.op {
	case isNull:
		return "is null or not there"
	case exists:
		return "is there"
	case missing:
		return "is not there"
	case same:
		return phrases[a.how] + " the field " + a.name
	}
	cased := ""
	if a.cased {
		cased = " (letter case counts)"
	}
	return partNames[a.part] + phrases[a.op] + " " + clipped(a.said) + cased
}
