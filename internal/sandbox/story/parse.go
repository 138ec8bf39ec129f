package story

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Story is a script and its fixtures.
type Story struct {
	File  string // as given to Parse
	Title string // first line of the prose, without #
	Prose string // all of the comment lines
	Steps []Step
	Files map[string][]byte // fixtures by name
}

// Step is one line of a script.
type Step struct {
	Line int // in the file, from 1
	Text string

	form *form
	args args
}

// maxStory bounds a story file, in bytes.
const maxStory = 1 << 20

// Parse reads a story. The error lists every line it cannot read, each with file and
// line and what was probably meant.
func Parse(file string, data []byte) (*Story, error) {
	if len(data) > maxStory {
		return nil, fmt.Errorf("%s: a story has at most %d bytes", file, maxStory)
	}
	a := txtar.Parse(data)
	s := &Story{File: file, Files: map[string][]byte{}}
	script, first := a.Comment, 1
	for _, f := range a.Files {
		if f.Name == "story" {
			s.prose(string(a.Comment))
			script, first = f.Data, lineAfter(data, "-- story --")
			continue
		}
		s.Files[f.Name] = f.Data
	}
	var wrong []error
	for i, line := range strings.Split(string(script), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "#") {
			s.prose(strings.TrimSpace(strings.TrimLeft(line, "#")))
			continue
		}
		step, err := s.read(line)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", file, first+i, err))
			continue
		}
		step.Line = first + i
		s.Steps = append(s.Steps, step)
	}
	if len(s.Steps) == 0 && len(wrong) == 0 {
		wrong = append(wrong, fmt.Errorf("%s: the story has no steps", file))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return s, nil
}

func (s *Story) prose(text string) {
	text = strings.TrimSpace(text)
	if s.Title == "" {
		s.Title, _, _ = strings.Cut(text, "\n")
	}
	s.Prose = strings.TrimSpace(s.Prose + "\n" + text)
}

func lineAfter(data []byte, marker string) int {
	for i, l := range bytes.Split(data, []byte("\n")) {
		if string(bytes.TrimRight(l, "\r")) == marker {
			return i + 2
		}
	}
	return 1
}

func (s *Story) read(line string) (Step, error) {
	words, err := splitLine(line)
	if err != nil {
		return Step{}, err
	}
	for i, w := range words {
		name, isFile := strings.CutPrefix(w.text, "file:")
		if !isFile || w.quoted {
			continue
		}
		text, ok := s.Files[name]
		if !ok {
			return Step{}, fmt.Errorf("there is no fixture %q in this story", name)
		}
		words[i] = word{strings.TrimRight(string(text), "\n"), true}
	}
	far, at := -1, 0
	for i := range forms {
		f := &forms[i]
		a, n, ok := f.shape.match(words)
		if ok {
			return Step{Text: line, form: f, args: a}, nil
		}
		if n > far {
			far, at = n, i
		}
	}
	hint := nearest(words, far)
	if hint == "" {
		hint = forms[at].Pattern
	}
	return Step{}, fmt.Errorf("unknown step: %s\n\tdid you mean: %s", line, hint)
}

// nearest is the pattern that shares most words with what was written, misspelt ones
// counted too, if any is near enough to be worth saying.
func nearest(words []word, far int) string {
	best, score := "", 0
	for _, f := range forms {
		n := 0
		for _, p := range keywords(f.shape) {
			for _, w := range words {
				if !w.quoted && w.text == p {
					n += 3
				} else if !w.quoted && alike(w.text, p) {
					n += 2
				}
			}
		}
		if _, got, _ := f.shape.match(words); got == far {
			n++
		}
		if n > score {
			best, score = f.Pattern, n
		}
	}
	return best
}

func keywords(p pattern) []string {
	var out []string
	for _, x := range p {
		out = append(out, x.either...)
		out = append(out, keywords(x.maybe)...)
	}
	return out
}

// alike: at most one letter more, less, other or swapped.
func alike(a, b string) bool {
	if len(a) < 3 || len(b) < 3 {
		return false
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
