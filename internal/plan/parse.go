package plan

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The parser calls itself for every level of nesting, and a Go stack that runs out
// ends the program, so nesting is bounded before parsing begins.
const (
	maxLine     = 4_000 // bytes
	maxBrackets = 32    // open [ and { anywhere before a place
	maxDashes   = 16    // "- - - " in front of one item

	// Lines, colons and commas together; the parser's time grows with the square of
	// the keys of one mapping.
	maxMarks = 30_000
)

// document is the single YAML document of a file.
func (t texts) document(name string, f *found) (value, bool) {
	top := value{found: f, at: at{file: name}}
	text, there := t[name]
	if !there {
		top.wrong("", "the file is missing")
		return top, false
	}
	if text == nil {
		return top, false // could not be read, which was reported
	}
	if !tame(top, text) {
		return top, false
	}
	file, err := parseText(text)
	if err != nil {
		top.syntax(err)
		return top, false
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			bodies = append(bodies, d.Body)
		}
	}
	top.at.line, top.at.column = 1, 1
	if len(bodies) == 0 {
		top.wrong("", "the file is empty")
		return top, false
	}
	if len(bodies) > 1 {
		top.inside(bodies[1]).wrong("put it into a file of its own", "a second document begins here")
	}
	return top.inside(bodies[0]), true
}

// parseText turns a panic of the parser into an error: the plan is somebody's
// file, and must not end a running war room.
func parseText(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be parsed (%v)", r)
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // found again, with all else, by pairs
}

func (v value) syntax(err error) {
	var e yaml.Error
	if !errors.As(err, &e) {
		v.wrong("", "not YAML: %s", firstLine(err.Error()))
		return
	}
	if t := e.GetToken(); t != nil && t.Position != nil {
		v.at.line, v.at.column = t.Position.Line, t.Position.Column
	}
	v.wrong("", "not YAML: %s", firstLine(e.GetMessage()))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func tame(top value, text []byte) bool {
	open, marks, n := 0, 0, 0
	for line := range bytes.Lines(text) {
		n++
		top.at.line, top.at.column = n, 1
		if len(line) > maxLine {
			top.wrong("break it into several lines", "a line of more than %d bytes", maxLine)
			return false
		}
		if leadingDashes(line) > maxDashes {
			top.wrong("", "lists in lists more than %d deep", maxDashes)
			return false
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			case '\n', ':', ',':
				marks++
			}
		}
		if marks > maxMarks {
			top.wrong("", "more than %d lines, colons and commas", maxMarks)
			return false
		}
		if open > maxBrackets {
			top.wrong("close them", "more than %d brackets are open", maxBrackets)
			return false
		}
	}
	return true
}

func leadingDashes(line []byte) int {
	lead := line[:len(line)-len(bytes.TrimLeft(line, "-?: \t"))]
	return bytes.Count(lead, []byte("-")) + bytes.Count(lead, []byte("?"))
}
