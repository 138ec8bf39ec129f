package declared

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// Scope is what a template may name beside {target}, {key} and {note}.
type Scope struct {
	Params  []actions.Param
	Secrets map[string]actions.Secret // nil: none, as in what people read
	Found   bool                      // {found}, in the way back
}

// Public is the scope without its secrets, for places that are logged: addresses, queries,
// the arguments of a command.
func (s Scope) Public() Scope { s.Secrets = nil; return s }

// Text is a text with places: {target}, {key}, {note}, {found}, {param.name},
// {secret.name}. A brace is written twice.
type Text struct{ pieces []piece }

type piece struct {
	text  string // as it stands
	place string // the name of what stands here
}

var placeShape = regexp.MustCompile(`^(target|key|note|found|(param|secret)\.[a-z][a-z0-9_-]*)$`)

// ParseText reads a template, or says what is wrong with it.
func ParseText(text string, s Scope) (Text, error) {
	var t Text
	plain := func(s string) {
		if n := len(t.pieces); n > 0 && t.pieces[n-1].place == "" {
			t.pieces[n-1].text += s
			return
		}
		t.pieces = append(t.pieces, piece{text: s})
	}
	for rest := text; rest != ""; {
		at := strings.IndexAny(rest, "{}")
		switch {
		case at < 0:
			plain(rest)
			return t, nil
		case at > 0:
			plain(rest[:at])
			rest = rest[at:]
			continue
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			plain(rest[:1])
			rest = rest[2:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 0 {
			return Text{}, fmt.Errorf("a brace is left over; to write one, write it twice")
		}
		name := rest[1:end]
		if err := s.knows(name); err != nil {
			return Text{}, err
		}
		t.pieces = append(t.pieces, piece{place: name})
		rest = rest[end+1:]
	}
	return t, nil
}

func (s Scope) knows(name string) error {
	kind, rest, _ := strings.Cut(name, ".")
	_, secret := s.Secrets[rest]
	switch {
	case !placeShape.MatchString(name):
		return fmt.Errorf("{%.40s} is no place; there are {target}, {key}, {note}, {found}, {param.name} and {secret.name}", name)
	case kind == "found" && !s.Found:
		return fmt.Errorf("{found} is known in the way back only")
	case kind == "param" && !slices.ContainsFunc(s.Params, func(p actions.Param) bool { return p.Name == rest }):
		return fmt.Errorf("there is no parameter %q", rest)
	case kind == "secret" && s.Secrets == nil:
		return fmt.Errorf("a secret may not stand here: it would be seen")
	case kind == "secret" && !secret:
		return fmt.Errorf("there is no secret %q", rest)
	}
	return nil
}

// Plain is the text when it has no places.
func (t Text) Plain() (string, bool) {
	switch {
	case len(t.pieces) == 0:
		return "", true
	case len(t.pieces) == 1 && t.pieces[0].place == "":
		return t.pieces[0].text, true
	}
	return "", false
}

// Lead is what stands before the first place.
func (t Text) Lead() string {
	if len(t.pieces) > 0 {
		return t.pieces[0].text
	}
	return ""
}

// Single reports whether the text is one place, or one place after a text that fits.
func (t Text) Single(before *regexp.Regexp) bool {
	n := len(t.pieces)
	return n == 1 && t.pieces[0].place != "" ||
		n == 2 && t.pieces[0].place == "" && t.pieces[1].place != "" && before.MatchString(t.pieces[0].text)
}

// Fill puts the values in. each, if any, turns a value into what may stand there, or
// refuses it; it is not asked about what the file itself says.
func (t Text) Fill(v Values, each func(string) (string, error)) (string, error) {
	var out strings.Builder
	for _, p := range t.pieces {
		if p.place == "" {
			out.WriteString(p.text)
			continue
		}
		value := v.at(p.place)
		if unprintable(value) {
			return "", incident.GiveUp(fmt.Errorf("the value of {%s} has characters that cannot be typed", p.place))
		}
		if each != nil {
			fit, err := each(value)
			if err != nil {
				return "", incident.GiveUp(fmt.Errorf("the value of {%s} %w", p.place, err))
			}
			value = fit
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

func (v Values) at(place string) string {
	kind, name, _ := strings.Cut(place, ".")
	switch kind {
	case "target":
		return v.Target
	case "key":
		return v.Key
	case "note":
		return v.Note
	case "found":
		return v.Found
	case "param":
		return v.Params[name]
	}
	return string(v.secrets[name])
}

// unprintable reports control and direction characters: a line break in a header, or a
// name that reads backwards.
func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) }) ||
		strings.ToValidUTF8(s, "") != s
}

// said fills the sentences of a card. What was checked at the door cannot fail here; if it
// does, the sentence says so.
func said(texts []Text, v Values) []string {
	var out []string
	for _, t := range texts {
		s, err := t.Fill(v, nil)
		if err != nil {
			s = "A sentence that cannot be shown."
		}
		out = append(out, s)
	}
	return out
}

func stateIn(s actions.State) (string, error) {
	var v is
	if err := json.Unmarshal(s, &v); err != nil || !stateShape.MatchString(v.State) {
		return "", incident.GiveUp(fmt.Errorf("the receipt does not say in which state the target was found"))
	}
	return v.State, nil
}

// fileName keeps what can stand in the name of a file.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, s)
}
