package declared

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Value is one value of a file. Reading it reports what is wrong with it and goes on with
// the zero value, so that one run finds everything.
type Value struct {
	found        *problems
	node         ast.Node
	line, column int
}

// Wrong reports what is wrong here.
func (v Value) Wrong(why string, args ...any) { v.found.add(v.line, v.column, why, args...) }

// inside is a value below v. A node without a token of its own stands where v stands.
func (v Value) inside(n ast.Node) Value {
	in := Value{v.found, n, v.line, v.column}
	if line, column := position(n); line > 0 {
		in.line, in.column = line, column
	}
	return in
}

func position(n ast.Node) (line, column int) {
	switch t := n.(type) {
	case nil:
		return 0, 0
	case *ast.MappingNode:
		if len(t.Values) > 0 && !t.IsFlowStyle {
			return position(t.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(t.Key)
	}
	if n.GetToken() == nil || n.GetToken().Position == nil {
		return 0, 0
	}
	return n.GetToken().Position.Line, n.GetToken().Position.Column
}

func (v Value) empty() bool {
	_, null := v.node.(*ast.NullNode)
	return v.node == nil || null
}

// Scalar is the text of a plain value, as it was written.
func (v Value) Scalar() (string, bool) {
	switch t := v.node.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return t.GetToken().Value, true
	case *ast.NullNode, nil:
		v.Wrong("a value is missing")
	default:
		if !v.fancy() {
			v.Wrong("a single value is wanted here")
		}
	}
	return "", false
}

// fancy reports YAML that stands for something written elsewhere: what may contain a
// company's systems should be readable where it stands, and an alias of aliases is a way
// to fill the memory.
func (v Value) fancy() bool {
	switch v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		v.Wrong("anchors, aliases and tags are not used here; write it out")
		return true
	}
	return false
}

// Line is a text of at most limit runes on one line.
func (v Value) Line(limit int) string {
	t, ok := v.Scalar()
	t = strings.TrimSpace(t)
	switch {
	case !ok:
		return ""
	case t == "":
		v.Wrong("this says nothing")
		return ""
	case utf8.RuneCountInString(t) > limit:
		v.Wrong("longer than %d characters", limit)
		return ""
	case unprintable(t):
		v.Wrong("characters that cannot be typed")
		return ""
	}
	return t
}

// Text is a template on one line.
func (v Value) Text(limit int, s Scope) Text {
	line := v.Line(limit)
	t, err := ParseText(line, s)
	if err != nil {
		v.Wrong("%s", err)
	}
	return t
}

// OneOf is one of the known words.
func (v Value) OneOf(known ...string) string {
	t, ok := v.Scalar()
	if slices.Contains(known, t) {
		return t
	}
	if ok {
		v.Wrong("%.40q is none of %s", t, strings.Join(known, ", "))
	}
	return ""
}

// Yes is yes or no.
func (v Value) Yes() bool {
	word := v.OneOf("yes", "no", "true", "false")
	return word == "yes" || word == "true"
}

// Number is a whole number.
func (v Value) Number(low, high int) int {
	t, ok := v.Scalar()
	n, err := strconv.Atoi(t)
	if ok && (err != nil || n < low || n > high) {
		v.Wrong("a number from %d to %d is wanted, not %.40q", low, high, t)
		return low
	}
	return n
}

// Pattern is a regular expression (RE2) that a whole value has to fit.
func (v Value) Pattern() *regexp.Regexp {
	line := v.Line(200)
	re, err := regexp.Compile(`^(?:` + line + `)$`)
	if err != nil || line == "" {
		v.Wrong("not a regular expression")
		return nil
	}
	return re
}

// Items are the values of a list.
func (v Value) Items() []Value {
	s, ok := v.node.(*ast.SequenceNode)
	switch {
	case v.empty():
		return nil
	case !ok && v.fancy():
		return nil
	case !ok:
		v.Wrong("a list is wanted here: each on its own line after a dash")
		return nil
	case len(s.Values) > maxItems:
		v.Wrong("more than %d items", maxItems)
		return nil
	}
	var out []Value
	for _, n := range s.Values {
		out = append(out, v.inside(n))
	}
	return out
}

// IsMapping reports whether it has keys and values.
func (v Value) IsMapping() bool { _, ok := v.mapping(); return ok }

func (v Value) mapping() (ast.MapNode, bool) {
	m, ok := v.node.(ast.MapNode)
	return m, ok
}

// IsList reports whether it is a list.
func (v Value) IsList() bool { _, ok := v.node.(*ast.SequenceNode); return ok }

// Literal is a number, a truth or nothing, as JSON has them; ok is false for a text.
func (v Value) Literal() (value any, ok bool) {
	switch t := v.node.(type) {
	case *ast.IntegerNode:
		return t.Value, true
	case *ast.FloatNode:
		return t.Value, true
	case *ast.BoolNode:
		return t.Value, true
	case *ast.NullNode:
		return nil, true
	}
	return nil, false
}

// Pairs are the keys of a mapping in the order of the file, each once, with their values.
func (v Value) Pairs() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		m, ok := v.node.(ast.MapNode)
		switch {
		case v.empty():
			return
		case !ok && v.fancy():
			return
		case !ok:
			v.Wrong("keys with values are wanted here")
			return
		}
		seen := map[string]bool{}
		for it := m.MapRange(); it.Next(); {
			k := v.inside(it.Key())
			key, ok := k.Scalar()
			switch {
			case !ok:
				continue
			case seen[key]:
				k.Wrong("the key %.40q is here twice", key)
				continue
			case len(seen) == maxItems:
				k.Wrong("more than %d keys", maxItems)
				return
			}
			seen[key] = true
			at := Value{v.found, nil, k.line, k.column}
			if !yield(key, at.inside(it.Value())) {
				return
			}
		}
	}
}

// peek is the value of a key, without judging the others.
func (v Value) peek(key string) (Value, bool) {
	quiet := v
	quiet.found = &problems{}
	for k, in := range quiet.Pairs() {
		if k == key {
			in.found = v.found
			return in, true
		}
	}
	return Value{}, false
}

// Mentions reports whether a text somewhere below holds the words.
func (v Value) Mentions(words string) bool {
	v.found = &problems{}
	if v.IsMapping() {
		for _, in := range v.Pairs() {
			if in.Mentions(words) {
				return true
			}
		}
		return false
	}
	if v.IsList() {
		return slices.ContainsFunc(v.Items(), func(in Value) bool { return in.Mentions(words) })
	}
	s, ok := v.Scalar()
	return ok && strings.Contains(s, words)
}
