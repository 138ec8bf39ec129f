package audit

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
)

// walk calls f for each commitment inside v, objects in the order of their keys.
func walk(v any, f func(ref string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, f)
		}
	case map[string]any:
		if ref, ok := v["ref"].(string); ok && len(v) == 1 && isHex(ref, sha256.Size) {
			f(ref)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			walk(v[k], f)
		}
	}
}

// erases is what a line of kind "redacted" or "evidence_erased" says, the kinds of line
// that this package knows by their names.
func erases(l Line) (refs []string, why string) {
	if l.Kind != "redacted" && l.Kind != "evidence_erased" {
		return nil, ""
	}
	var said struct {
		Refs []string `json:"refs"`
		Why  string   `json:"why"`
	}
	if json.Unmarshal([]byte(l.Data), &said) != nil {
		return nil, ""
	}
	return said.Refs, said.Why
}
