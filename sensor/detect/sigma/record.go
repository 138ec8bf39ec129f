package sigma

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Record is anything with fields that rules can judge: an alert from elsewhere, a line of
// a log. The Engine asks for a field when a rule wants it, by the name that rules use.
type Record interface {
	// Source says where the record is from; a rule that names another source is not asked.
	Source() LogSource
	// Field is the field of that name; the zero Value when there is none.
	Field(name string) Value
	// Each tells every field, in one order, until told to stop: for rules that search all of it.
	Each(tell func(name string, v Value) bool)
}

// maxDepth is how deep maps in maps are looked at.
const maxDepth = 8

// mapped is a Record of a decoded JSON object.
type mapped struct {
	source LogSource
	fields map[string]any
}

// NewRecord makes a Record of a decoded JSON object: text, numbers, truths, lists, null,
// and objects, whose fields are named with dots (process.name). It does not copy it.
func NewRecord(source LogSource, fields map[string]any) Record { return mapped{source, fields} }

func (m mapped) Source() LogSource { return m.source }

func (m mapped) Field(name string) Value { return within(m.fields, name, maxDepth) }

func within(fields map[string]any, name string, depth int) Value {
	if v, ok := fields[name]; ok {
		return valueOf(v)
	}
	for i := 0; i < len(name) && depth > 0; i++ {
		if name[i] != '.' {
			continue
		}
		if inner, ok := fields[name[:i]].(map[string]any); ok {
			if v := within(inner, name[i+1:], depth-1); v.kind != kindAbsent {
				return v
			}
		}
	}
	return Value{}
}

func (m mapped) Each(tell func(string, Value) bool) { each(m.fields, "", maxDepth, tell) }

func each(fields map[string]any, before string, depth int, tell func(string, Value) bool) bool {
	names := make([]string, 0, len(fields))
	for n := range fields {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if inner, ok := fields[n].(map[string]any); ok {
			if depth > 0 && !each(inner, before+n+".", depth-1, tell) {
				return false
			}
			continue
		}
		if !tell(before+n, valueOf(fields[n])) {
			return false
		}
	}
	return true
}

// valueOf is a decoded value. An object within a list is searched as its JSON text.
func valueOf(v any) Value {
	switch v := v.(type) {
	case nil:
		return Null()
	case string:
		return Text(v)
	case bool:
		return Bool(v)
	case float64:
		return Float(v)
	case int:
		return Int(int64(v))
	case int64:
		return Int(v)
	case uint64:
		return Uint(v)
	case json.Number:
		return Text(v.String())
	case time.Time:
		return Moment(v)
	case []string:
		list := make([]Value, len(v))
		for i, s := range v {
			list[i] = Text(s)
		}
		return List(list)
	case []any:
		list := make([]Value, len(v))
		for i, x := range v {
			if _, nested := x.([]any); !nested {
				list[i] = valueOf(x)
			}
		}
		return List(list)
	}
	var b strings.Builder
	if json.NewEncoder(&b).Encode(v) != nil {
		return Value{}
	}
	return Text(strings.TrimSpace(b.String()))
}
