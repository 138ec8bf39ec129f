package sigma

import (
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// view is one of the log records that an event is seen as: where the record would have
// come from, and how its fields are had.
type view struct {
	source LogSource
	kinds  []event.Kind
	when   func(*event.Event) bool // nil: always
	// strict views are asked only by rules that name their service. They say again what
	// another view has said; a rule that names no service has been asked there.
	strict bool
	table  []column
	extra  func(name string) getter // further fields, by name; nil: none
}

// column is a field of a view.
type column struct {
	name   string // as rules write it; "" for what only a search through the record sees
	get    getter
	fixed  *Value // the same in every record of the view
	beside bool   // a search through the record does not look at it
}

type getter func(*event.Event) Value

// fixed is a column that is the same in every record.
func fixed(name, value string) column {
	v := Text(value)
	return column{name: name, get: func(*event.Event) Value { return v }, fixed: &v}
}

func col(name string, get getter) column { return column{name: name, get: get} }

// also is a column that says in another way, or beside the point, what others say.
func also(name string, get getter) column { return column{name: name, get: get, beside: true} }

// takes says whether a rule for that log source is to be asked about the view's records.
func (v *view) takes(rule LogSource) bool {
	return rule.Takes(v.source) && (!v.strict || rule.Service == v.source.Service)
}

func (v *view) column(name string) (column, bool) {
	for _, c := range v.table {
		if c.name == name && name != "" {
			return c, true
		}
	}
	if v.extra != nil {
		if g := v.extra(name); g != nil {
			return column{name: name, get: g}, true
		}
	}
	return column{}, false
}

// bound is a view as one Set sees it.
type bound struct {
	*view
	gets  []getter // by number of the field; nil where the view has none
	index *index
}

func (b *bound) field(n int, e *event.Event) Value {
	if g := b.gets[n]; g != nil {
		return g(e)
	}
	return Value{}
}

// bind makes the view ready for the fields and rules of a Set. What the view answers the
// same for every record is worked out now: a rule for auditd's PATH is never asked about
// its EXECVE.
func (v *view) bind(s *Set) *bound {
	b := &bound{view: v, gets: make([]getter, s.fields.count())}
	t := trimmer{set: s, known: make([]*Value, s.fields.count())}
	for n, name := range s.fields.names {
		if n == message {
			continue
		}
		c, ok := v.column(name)
		switch {
		case !ok:
			t.known[n] = &Value{}
		case c.fixed != nil:
			t.known[n] = c.fixed
		}
		b.gets[n] = c.get
	}
	t.look = newSight(s)
	var rules []asked
	for _, r := range s.rules {
		if r.cond == nil || !v.takes(r.rule.Source) {
			continue
		}
		if cond, verdict := t.trim(r.cond); verdict != no {
			if verdict == yes {
				cond = always
			}
			rules = append(rules, asked{int32(r.num), cond})
			r.seen = true
		}
	}
	b.index = newIndex(rules)
	return b
}

// always holds of anything.
var always = &node{op: opAnd}

// trimmer takes from a condition what is known of every record of a view.
type trimmer struct {
	set   *Set
	look  *sight
	known []*Value // by number of the field; nil: it differs from record to record
}

type verdict uint8

const (
	unsure verdict = iota
	yes
	no
)

func sure(v bool) verdict {
	if v {
		return yes
	}
	return no
}

// trim is the condition without what is known already, and the verdict when nothing is left.
func (t *trimmer) trim(n *node) (*node, verdict) {
	switch n.op {
	case opLeaf:
		return n, t.leaf(n.leaf)
	case opNot:
		kid, v := t.trim(n.kids[0])
		switch v {
		case yes:
			return nil, no
		case no:
			return nil, yes
		}
		return &node{op: opNot, kids: []*node{kid}}, unsure
	}
	ends := sure(n.op == opOr) // one of these decides
	out := &node{op: n.op}
	for _, k := range n.kids {
		kid, v := t.trim(k)
		switch v {
		case ends:
			return nil, ends
		case unsure:
			out.kids = append(out.kids, kid)
		}
	}
	switch len(out.kids) {
	case 0:
		return nil, sure(n.op == opAnd)
	case 1:
		return out.kids[0], unsure
	}
	return out, unsure
}

func (t *trimmer) leaf(l *leaf) verdict {
	v := t.known[l.field]
	if v == nil {
		return unsure
	}
	for _, g := range l.groups {
		for _, a := range g {
			if a.op == same && v.kind != kindAbsent && t.known[a.other] == nil {
				return unsure
			}
		}
	}
	t.look.look()
	t.look.rec = onlyKnown{t}
	return sure(l.holds(t.look))
}

// onlyKnown is a Record of what a view answers the same for every record.
type onlyKnown struct{ t *trimmer }

func (o onlyKnown) Source() LogSource             { return LogSource{} }
func (o onlyKnown) Each(func(string, Value) bool) {}
func (o onlyKnown) Field(name string) Value {
	if n, ok := o.t.set.fields.numbers[name]; ok && o.t.known[n] != nil {
		return *o.t.known[n]
	}
	return Value{}
}

// Seen is one kind of log record that the sensor's events are seen as.
type Seen struct {
	Source LogSource
	Type   string       // of auditd's record; else empty
	Kinds  []event.Kind // of events that are seen so
	Fields []string     // in the order of the record; the sensor's own names come on top, but not for auditd
}

// Records are all log records that events are seen as, for documents and for people who
// write rules.
func Records() []Seen {
	var list []Seen
	for i := range views {
		v := &views[i]
		r := Seen{Source: v.source, Kinds: v.kinds}
		for _, c := range v.table {
			if c.name == "type" && c.fixed != nil {
				r.Type = c.fixed.text
			}
			if c.name != "" {
				r.Fields = append(r.Fields, c.name)
			}
		}
		if r.Type == "EXECVE" {
			r.Fields = append(r.Fields, "a0", "a1", "…")
		}
		list = append(list, r)
	}
	return list
}

// fields numbers the names of fields that rules ask for.
type fields struct {
	names   []string
	numbers map[string]int
}

func newFields() *fields {
	return &fields{names: []string{""}, numbers: map[string]int{"": message}}
}

func (f *fields) count() int { return len(f.names) }

func (f *fields) number(name string) int {
	n, ok := f.numbers[name]
	if !ok {
		n = len(f.names)
		f.names = append(f.names, name)
		f.numbers[name] = n
	}
	return n
}

// argument is the number in a0, a1, … a99, auditd's names for arguments.
func argument(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "a")
	if !ok || len(digits) == 0 || len(digits) > 3 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}
