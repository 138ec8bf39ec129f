package plan

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// maxItems bounds every list and mapping of a plan.
const maxItems = 5_000

// field is one key with its value.
type field struct {
	key   string
	keyAt at
	value value
}

// pairs are the keys of a mapping in the order of the file, each once.
func (v value) pairs() []field {
	if v.empty() {
		return nil
	}
	m, ok := v.node.(ast.MapNode)
	if !ok && v.fancy() {
		return nil
	}
	if !ok {
		v.wrong("", "keys with values are wanted here")
		return nil
	}
	var list []field
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		k := v.inside(it.Key())
		key, ok := k.scalar()
		if !ok {
			continue
		}
		if seen[key] {
			k.wrong("", "the key %q is here twice", key)
			continue
		}
		if len(list) == maxItems {
			k.wrong("", "more than %d keys", maxItems)
			break
		}
		seen[key] = true
		val := value{v.found, k.at, it.Value()}
		list = append(list, field{key, k.at, val.inside(it.Value())})
	}
	return list
}

// fields are the values of a mapping with known keys.
type fields struct {
	of    value
	known map[string]value
}

// fields reads a mapping; a key that is not among the known ones is a problem.
func (v value) fields(known ...string) fields {
	f := fields{of: v, known: map[string]value{}}
	if v.empty() {
		v.wrong("", "keys with values are wanted here")
	}
	for _, p := range v.pairs() {
		if !slices.Contains(known, p.key) {
			value{v.found, p.keyAt, nil}.wrong(didYouMean(p.key, known), "unknown key %q", p.key)
			continue
		}
		f.known[p.key] = p.value
	}
	return f
}

// get is the value of a key, if it is there.
func (f fields) get(key string) (value, bool) {
	v, ok := f.known[key]
	return v, ok
}

// must is the value of a key that has to be there. A missing one is reported once
// and ok is false.
func (f fields) must(key string) (value, bool) {
	v, ok := f.known[key]
	if !ok && f.isMap() {
		f.of.wrong("", "the key %q is missing", key)
	}
	return v, ok
}

func (f fields) isMap() bool {
	_, ok := f.of.node.(ast.MapNode)
	return ok
}

// text is an optional line of at most limit runes.
func (f fields) text(key string, limit int) string {
	if v, ok := f.get(key); ok {
		return v.text(limit)
	}
	return ""
}

// needText is a line that has to be there and say something.
func (f fields) needText(key string, limit int) string {
	v, ok := f.must(key)
	if !ok {
		return ""
	}
	t, readable := v.scalar()
	if readable && t == "" {
		v.wrong("", "%q says nothing", key)
	}
	if !readable {
		return ""
	}
	return v.text(limit)
}

// items are the values of a list; no key and an empty value are an empty list.
func (f fields) items(key string) []value {
	v, ok := f.get(key)
	if !ok {
		return nil
	}
	return v.items()
}

func (v value) items() []value {
	if v.empty() {
		return nil
	}
	s, ok := v.node.(*ast.SequenceNode)
	if !ok && v.fancy() {
		return nil
	}
	if !ok {
		v.wrong("put each on its own line after a dash", "a list is wanted here")
		return nil
	}
	if len(s.Values) > maxItems {
		v.wrong("", "more than %d items", maxItems)
		return nil
	}
	list := make([]value, 0, len(s.Values))
	for _, n := range s.Values {
		list = append(list, v.inside(n))
	}
	return list
}
