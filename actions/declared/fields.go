package declared

import (
	"iter"
	"slices"
	"strings"
)

// Fields are the values of a mapping with known keys.
type Fields struct {
	of    Value
	known map[string]Value
}

// Fields reads a mapping; a key that is not among the known ones is a problem.
func (v Value) Fields(known ...string) Fields {
	f := Fields{of: v, known: map[string]Value{}}
	if v.empty() {
		v.Wrong("keys with values are wanted here")
	}
	for key, in := range v.Pairs() {
		if !slices.Contains(known, key) {
			at := v
			at.line, at.column = keyAt(v, key)
			slices.Sort(known)
			at.Wrong("unknown key %.40q; there are %s", key, strings.Join(known, ", "))
			continue
		}
		f.known[key] = in
	}
	return f
}

// keyAt is where a key stands.
func keyAt(v Value, key string) (line, column int) {
	quiet := v
	quiet.found = &problems{}
	if m, ok := quiet.mapping(); ok {
		for it := m.MapRange(); it.Next(); {
			k := quiet.inside(it.Key())
			if s, ok := k.Scalar(); ok && s == key {
				return k.line, k.column
			}
		}
	}
	return v.line, v.column
}

// OK reports whether it is a mapping at all.
func (f Fields) OK() bool { return f.of.IsMapping() }

// Get is the value of a key, if it is there.
func (f Fields) Get(key string) (Value, bool) {
	v, ok := f.known[key]
	return v, ok
}

// Must is the value of a key that has to be there. A missing one is reported once.
func (f Fields) Must(key string) (Value, bool) {
	v, ok := f.known[key]
	if !ok && f.OK() {
		f.of.Wrong("the key %q is missing", key)
	}
	return v, ok
}

// Items are the values of a list under a key; no key is an empty list.
func (f Fields) Items(key string) []Value {
	if v, ok := f.Get(key); ok {
		return v.Items()
	}
	return nil
}

// Pairs are the keys and values under a key; no key is no pairs.
func (f Fields) Pairs(key string) iter.Seq2[string, Value] {
	if v, ok := f.Get(key); ok {
		return v.Pairs()
	}
	return func(func(string, Value) bool) {}
}

// Texts are one template or a list of them.
func (f Fields) Texts(key string, s Scope, must bool) []Text {
	v, ok := f.Get(key)
	if must {
		v, ok = f.Must(key)
	}
	if !ok {
		return nil
	}
	list := []Value{v}
	if v.IsList() {
		list = v.Items()
	}
	if len(list) == 0 {
		v.Wrong("this says nothing")
	}
	var out []Text
	for _, in := range list {
		out = append(out, in.Text(400, s))
	}
	return out
}

// line is an optional text on one line.
func (f Fields) line(key string, limit int) string {
	if v, ok := f.Get(key); ok {
		return v.Line(limit)
	}
	return ""
}

// need is a text on one line that has to be there.
func (f Fields) need(key string, limit int) string {
	if v, ok := f.Must(key); ok {
		return v.Line(limit)
	}
	return ""
}
