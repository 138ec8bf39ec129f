package declared

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a file. The parser calls itself for every level of nesting, and a Go stack
// that runs out ends the program; its time grows with the square of the keys of one
// mapping (docs/adr/0012-yaml.md).
const (
	maxFile  = 256 << 10 // bytes
	maxLine  = 4_000     // bytes
	maxMarks = 20_000    // lines, colons and commas
	maxOpen  = 16        // brackets that are open, and dashes in front of one item
	maxItems = 500       // of one list or mapping
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File         string
	Line, Column int
	Why          string
}

// Error is "file:line:column: why".
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Why)
}

type problems struct {
	file string
	list []error
}

func (p *problems) add(line, column int, why string, args ...any) {
	if len(p.list) < 50 {
		p.list = append(p.list, Problem{p.file, line, column, fmt.Sprintf(why, args...)})
	}
}

func (p *problems) err() error { return errors.Join(p.list...) }

// parse returns the one document of a file.
func parse(text []byte, found *problems) (Value, bool) {
	top := Value{found: found, line: 1, column: 1}
	if !tame(top, text) {
		return top, false
	}
	file, err := parseText(text)
	if err != nil {
		var e yaml.Error
		if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
			at := e.GetToken().Position
			found.add(at.Line, at.Column, "not YAML: %s", firstLine(e.GetMessage()))
			return top, false
		}
		top.Wrong("not YAML: %s", firstLine(err.Error()))
		return top, false
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) != 1 {
		top.Wrong("one document a file is wanted; here are %d", len(bodies))
		return top, false
	}
	return top.inside(bodies[0]), true
}

// parseText turns a panic of the parser into an error: the file is somebody's, and must
// not end a running war room.
func parseText(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be parsed")
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // found again, by Pairs
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func tame(top Value, text []byte) bool {
	switch {
	case len(text) > maxFile:
		top.Wrong("the file is larger than %d bytes", maxFile)
		return false
	case !utf8.Valid(text):
		top.Wrong("the file is not UTF-8")
		return false
	}
	open, marks, n := 0, 0, 0
	for line := range bytes.Lines(text) {
		n++
		top.line = n
		lead := line[:len(line)-len(bytes.TrimLeft(line, "-?: \t"))]
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			case '\n', ':', ',':
				marks++
			}
			if open > maxOpen {
				top.Wrong("more than %d brackets are open", maxOpen)
				return false
			}
		}
		switch {
		case len(line) > maxLine:
			top.Wrong("a line of more than %d bytes", maxLine)
			return false
		case bytes.Count(lead, []byte("-"))+bytes.Count(lead, []byte("?")) > maxOpen:
			top.Wrong("lists in lists more than %d deep", maxOpen)
			return false
		case marks > maxMarks:
			top.Wrong("more than %d lines, colons and commas", maxMarks)
			return false
		}
	}
	return true
}
