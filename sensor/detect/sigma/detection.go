package sigma

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxSelections bounds the selections of one rule.
const maxSelections = 500

// detection reads the selections and joins them by the condition. Keys in skip are not
// selections.
func (c *compiler) detection(p part, skip []string) *node {
	selections := map[string]*node{}
	var names []string
	var condition *part
	used := map[string]bool{}
	places := map[string]part{}
	for _, k := range p.pairs() {
		switch {
		case k.key == "condition":
			condition = &k.value
		case slices.Contains(skip, k.key):
		case k.key == "timeframe":
			k.at.wrong("write a correlation: type, rules, group-by, timespan, condition", "a timeframe is no longer part of a detection")
		case !isName(k.key):
			k.at.wrong("use letters, digits, dots, dashes and underscores", "%q cannot be the name of a selection", k.key)
		case len(names) == maxSelections:
			k.at.wrong("", "more than %d selections", maxSelections)
		default:
			selections[k.key] = c.selection(k.key, k.value)
			places[k.key] = k.at
			names = append(names, k.key)
		}
	}
	if condition == nil {
		p.wrong("", "the condition is missing")
		return nil
	}
	if len(names) == 0 && !p.r.broken {
		p.wrong("", "there is nothing to look for here")
	}
	var any []*node
	for _, i := range condition.items() {
		if text, ok := i.scalar(); ok {
			if n := parseCondition(text, names, selections, used, i); n != nil {
				any = append(any, n)
			}
		}
	}
	for _, n := range names {
		if !used[n] && !p.r.broken {
			places[n].warn("", "the condition never asks for %s", n)
		}
	}
	if len(any) == 1 {
		return any[0]
	}
	return &node{op: opOr, kids: any, name: "any of the conditions"}
}

func isName(s string) bool {
	return s != "" && len(s) <= 256 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// selection is a map (all of it), a list of maps (any of them), or words to search the
// whole record for (any of them).
func (c *compiler) selection(name string, p part) *node {
	var n *node
	switch {
	case p.isMap():
		n = c.mapping(p)
	case p.isList():
		n = c.list(p)
	case p.isNull():
		p.wrong("", "the selection %s is empty", name)
		n = &node{op: opOr}
	default:
		n = c.keywords(p.items(), p)
	}
	n.name = name
	return n
}

func (c *compiler) list(p part) *node {
	var words []part
	any := &node{op: opOr}
	items := p.items()
	if len(items) == 0 {
		p.wrong("", "the list is empty")
	}
	for _, i := range items {
		switch {
		case i.isMap():
			any.kids = append(any.kids, c.mapping(i))
		case i.isList():
			i.wrong("", "a list in a list means nothing here")
		default:
			words = append(words, i)
		}
	}
	if len(words) > 0 {
		any.kids = append(any.kids, c.keywords(words, p))
	}
	if len(any.kids) == 1 {
		return any.kids[0]
	}
	return any
}

// keywords search the whole record.
func (c *compiler) keywords(words []part, at part) *node {
	return c.leaf("", mods{change: []string{"contains"}}, words, at)
}

func (c *compiler) mapping(p part) *node {
	all := &node{op: opAnd}
	pairs := p.pairs()
	if len(pairs) == 0 {
		p.wrong("", "the selection is empty")
	}
	for _, k := range pairs {
		name, words, _ := strings.Cut(k.key, "|")
		m := mods{}
		if words != "" {
			m = readMods(strings.Split(words, "|"), k.at)
		}
		if name == "" {
			m = searching(m, k.at)
		}
		if strings.TrimSpace(name) != name || len(name) > 256 {
			k.at.wrong("", "%q cannot be the name of a field", name)
		}
		if k.value.isMap() {
			k.value.wrong("write each field on a line of its own", "a field is compared with values, not with fields")
			continue
		}
		items := k.value.items()
		if len(items) == 0 {
			k.value.wrong("", "the list of values is empty")
		}
		if m.all && len(items) == 1 {
			k.at.warn("leave it away", "all has a meaning for several values only")
		}
		all.kids = append(all.kids, c.leaf(name, m, items, k.at))
	}
	if len(all.kids) == 1 {
		return all.kids[0]
	}
	return all
}

// searching is a field without a name: the value may stand anywhere in the record.
func searching(m mods, at part) mods {
	switch m.kind {
	case "":
		m.change = append(m.change, "contains")
	case "re":
	default:
		at.wrong("name a field", "%s cannot search a whole record", m.kind)
	}
	return m
}

// leaf is one field with its values.
func (c *compiler) leaf(name string, m mods, values []part, at part) *node {
	l := &leaf{field: c.fields.number(name), name: name, all: m.all, not: m.not}
	for _, v := range values {
		if v.isNull() && len(values) > 1 {
			v.wrong("put it into a selection of its own", "null cannot stand in a list of values")
			continue
		}
		if group := c.atoms(m, v); len(group) > 0 {
			l.groups = append(l.groups, group)
		}
	}
	l.quick = quickened(l)
	return &node{op: opLeaf, leaf: l}
}

// atoms is what one value of a rule becomes.
func (c *compiler) atoms(m mods, v part) []atom {
	if v.isNull() {
		if m.kind != "" || len(m.change) > 0 {
			v.wrong("", "null goes together with no modifier")
		}
		return []atom{{op: isNull, said: "null"}}
	}
	raw, ok := v.scalar()
	if !ok {
		return nil
	}
	raw = plainNumber(v, raw)
	switch m.kind {
	case "re":
		return c.expressions(m, raw, v)
	case "exists":
		switch strings.ToLower(raw) {
		case "true", "yes":
			return []atom{{op: exists, said: raw}}
		case "false", "no":
			return []atom{{op: missing, said: raw}}
		}
		v.wrong("write true or false", "%q is neither true nor false", raw)
		return nil
	case "cidr":
		return single(cidr(raw, v))
	case "number":
		return single(number(raw, m, v))
	case "fieldref":
		return []atom{{op: same, said: raw, name: raw, other: c.fields.number(raw), how: m.how, cased: m.cased}}
	}
	var list []atom
	for _, p := range c.texts(m, raw, v) {
		a := atomOf(p, m.cased)
		a.said = raw
		list = append(list, a)
	}
	return list
}

func (c *compiler) expressions(m mods, raw string, v part) []atom {
	list := []string{raw}
	if len(m.change) > 0 { // only expand is let through
		list = c.expand(raw, v)
	}
	var atoms []atom
	for _, r := range list {
		atoms = append(atoms, single(regex(r, m.flags, v))...)
	}
	return atoms
}

func single(a atom, ok bool) []atom {
	if !ok {
		return nil
	}
	return []atom{a}
}

// plainNumber is a whole number as records write it, however the rule did: 0x1f is 31.
func plainNumber(p part, raw string) string {
	if _, ok := p.node.(*ast.IntegerNode); !ok {
		return raw
	}
	if n, err := strconv.ParseInt(strings.ReplaceAll(raw, "_", ""), 0, 64); err == nil && !strings.HasPrefix(raw, "0") || strings.HasPrefix(raw, "0x") || strings.HasPrefix(raw, "0o") {
		return strconv.FormatInt(n, 10)
	}
	return raw
}

// atomOf takes the shortest way to hold a text against a pattern.
func atomOf(p pattern, cased bool) atom {
	if !cased {
		p = p.pieces(fold)
	}
	a := atom{cased: cased}
	first, last := len(p) > 0 && p[0].kind == star, len(p) > 0 && p[len(p)-1].kind == star
	middle := p
	if first {
		middle = middle[1:]
	}
	if last && len(middle) > 0 {
		middle = middle[:len(middle)-1]
	}
	t, isPlain := middle.plainText()
	switch {
	case !isPlain:
		a.op, a.glob = like, p.ready()
		return a
	case t == "" && len(p) > 0:
		a.op = anything
	case first && last:
		a.op = has
	case first:
		a.op = ends
	case last:
		a.op = begins
	default:
		a.op = is
	}
	a.lit = []byte(t)
	return a
}
