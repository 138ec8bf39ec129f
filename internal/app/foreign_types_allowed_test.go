package app

import (
	"regexp"
	"strings"
)

// allowance is a difference from the official types in which these are wrong about
// Slack, or behind it.
type allowance struct {
	what *regexp.Regexp // which specimens
	path string         // names with dots; "[]" is each entry of a list
	kind differs
	why  string
}

// differs is how a payload differs from its type.
type differs int

const (
	extra  differs = iota // the type does not know the name
	null                  // the type does not know that there may be nothing
	object                // the type wants text where there is an object
	lacks                 // the type wants a name that Slack does not send
)

// allowed lists paths that differ for one reason.
func allowed(kind differs, what, why string, paths ...string) (out []allowance) {
	for _, p := range paths {
		out = append(out, allowance{regexp.MustCompile(`^(` + what + `)$`), p, kind, why})
	}
	return out
}

// spare returns the specimen without the difference, and whether it had it.
func (a allowance) spare(s specimen) (specimen, bool) {
	if !a.what.MatchString(s.What) {
		return s, false
	}
	had := false
	s.Said = a.in(s.Said, strings.Split(a.path, "."), &had)
	return s, had
}

// in copies as much of v as it changes.
func (a allowance) in(v any, path []string, had *bool) any {
	if list, is := v.([]any); is {
		out := make([]any, len(list))
		for i := range list {
			out[i] = a.in(list[i], path, had)
		}
		return out
	}
	o, is := v.(map[string]any)
	if !is {
		return v
	}
	name, each := strings.CutSuffix(path[0], "[]")
	inner, has := o[name]
	if _, isList := inner.([]any); isList != each && len(path) > 1 {
		return v
	}
	out := make(map[string]any, len(o))
	for k, e := range o {
		out[k] = e
	}
	switch {
	case len(path) > 1 && has:
		out[name] = a.in(inner, path[1:], had)
	case len(path) > 1 || has == (a.kind == lacks) || a.kind == null && inner != nil || a.kind == object && !isObject(inner):
		return v
	case a.kind == extra:
		delete(out, name)
		*had = true
	default:
		out[name] = raw("undefined as any")
		*had = true
	}
	return out
}

func isObject(v any) bool {
	_, is := v.(map[string]any)
	return is
}

// spared are the specimens without what is allowed. For each allowance there is one
// that has it and nothing else that is allowed, where any has it at all: the compiler
// has to object to that one, or the allowance is not needed any more.
func spared(all []specimen) (out []specimen, only map[int]specimen) {
	only = map[int]specimen{}
	for _, s := range all {
		clean := s
		var had []int
		for i, a := range allowances {
			var has bool
			if clean, has = a.spare(clean); has {
				had = append(had, i)
			}
		}
		out = append(out, clean)
		for _, i := range had {
			if _, known := only[i]; known {
				continue
			}
			one := s
			for j, a := range allowances {
				if j != i {
					one, _ = a.spare(one)
				}
			}
			only[i] = one
		}
	}
	return out, only
}
