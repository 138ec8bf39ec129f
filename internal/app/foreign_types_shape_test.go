package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// specimen is one payload, and the official type it has to have.
type specimen struct {
	What string // "request chat.postMessage", "event message/channel_join", "block section"
	Type string // in TypeScript, of the names in typePrelude
	Said any    // as encoding/json reads it
	From string // the story it is from
}

// shape is what two payloads share that the compiler judges alike: names, kinds of
// values, and the values that may be words of a closed list.
func (s specimen) shape() string { return s.Type + " " + shapeOf(s.Said) }

var closedWord = regexp.MustCompile(`^[a-z_]{1,40}$`)

// openNames have words that people and programs make up.
var openNames = []string{"name", "user_name", "username", "text", "value", "action_id", "block_id", "callback_id", "reaction", "domain", "filetype",
	"display_name", "real_name", "handle", "name_normalized", "private_metadata", "external_id", "title", "display_name_normalized"}

func shapeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if s, is := v[k].(string); is && slices.Contains(openNames, k) {
				v := "string"
				if s == "" {
					v = `""`
				}
				out = append(out, k+":"+v)
				continue
			}
			out = append(out, k+":"+shapeOf(v[k]))
		}
		return "{" + strings.Join(out, ",") + "}"
	case []any:
		out := map[string]bool{}
		for _, e := range v {
			out[shapeOf(e)] = true
		}
		return "[" + strings.Join(slices.Sorted(maps.Keys(out)), ",") + "]"
	case string:
		if closedWord.MatchString(v) {
			return strconv.Quote(v)
		}
		return "string"
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}

// distinct keeps one specimen of each shape, and of each list one entry of each shape.
func distinct(all []specimen) []specimen {
	seen := map[string]bool{}
	var out []specimen
	for _, s := range all {
		if key := s.shape(); !seen[key] {
			seen[key] = true
			s.Said = thinned(s.Said)
			out = append(out, s)
		}
	}
	return out
}

func thinned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = thinned(e)
		}
		return out
	case []any:
		seen := map[string]bool{}
		out := []any{}
		for _, e := range v {
			if key := shapeOf(e); !seen[key] {
				seen[key] = true
				out = append(out, thinned(e))
			}
		}
		return out
	}
	return v
}

// script is a TypeScript file that declares each specimen as a constant of its type.
type script struct {
	text  strings.Builder
	lines []place // by line, from 1 on
}

// place is what stands on a line of a script.
type place struct {
	specimen int
	path     string
}

// raw is TypeScript that takes the place of a value.
type raw string

func (s *script) line(p place, text string) {
	s.text.WriteString(text + "\n")
	s.lines = append(s.lines, p)
}

func (s *script) declare(i int, of specimen) {
	s.value(place{i, ""}, fmt.Sprintf("export const s%d: %s = ", i, of.Type), of.Said, ";")
}

// value prints one value, each property on a line of its own: the compiler names lines.
func (s *script) value(p place, before string, v any, after string) {
	switch v := v.(type) {
	case map[string]any:
		s.line(p, before+"{")
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s.value(place{p.specimen, strings.TrimPrefix(p.path+"."+k, ".")}, literal(k)+": ", v[k], ",")
		}
		s.line(p, "}"+after)
	case []any:
		s.line(p, before+"[")
		for _, e := range v {
			s.value(place{p.specimen, p.path + "[]"}, "", e, ",")
		}
		s.line(p, "]"+after)
	case raw:
		s.line(p, before+string(v)+after)
	default:
		s.line(p, before+literal(v)+after)
	}
}

func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return string(b)
}
