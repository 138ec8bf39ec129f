package sigma

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

// Bounds of what is read. The parser calls itself for every level of nesting, and a Go
// stack that runs out ends the program, so nesting is bounded before parsing begins; its
// time grows with the square of the keys of one mapping (docs/adr/0012-yaml.md).
const (
	maxFile     = 32 << 20  // bytes
	maxDocument = 256 << 10 // bytes; one rule
	maxBrackets = 32        // open [ and { anywhere before a place
	maxDashes   = 16        // "- - - " in front of one item
	maxMarks    = 20_000    // lines, colons and commas of one document
	maxItems    = 5_000     // of one list or mapping
)

// document is one YAML document of a file: a rule, a correlation or a filter.
type document struct {
	file string
	line int // of the file that the text begins at, from 1
	text []byte
}

// documents splits a file where a line says ---, which YAML allows nowhere else. So what
// is wrong with one rule of a file leaves the others whole.
func documents(file string, text []byte) []document {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin a file so
	var docs []document
	begin, line, n := 0, 1, 0
	at := 0
	for l := range bytes.Lines(text) {
		n++
		if isMarker(l) {
			docs = append(docs, document{file, line, text[begin:at]})
			begin, line = at+len(l), n+1
		}
		at += len(l)
	}
	docs = append(docs, document{file, line, text[begin:]})
	kept := docs[:0]
	for _, d := range docs {
		if !blank(d.text) {
			kept = append(kept, d)
		}
	}
	return kept
}

func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	if !ok {
		if rest, ok = bytes.CutPrefix(line, []byte("...")); !ok {
			return false
		}
	}
	rest = bytes.TrimSpace(rest)
	return len(rest) == 0 || rest[0] == '#'
}

func blank(text []byte) bool {
	for l := range bytes.Lines(text) {
		if l = bytes.TrimSpace(l); len(l) > 0 && l[0] != '#' {
			return false
		}
	}
	return true
}

// reading collects what is wrong with one document.
type reading struct {
	document
	problems []Problem
	broken   bool // something is wrong that is more than a warning
}

// part is one value of a document. Reading it reports what is wrong with it and goes on
// with the zero value, so that one run finds everything.
type part struct {
	r            *reading
	node         ast.Node
	line, column int // of the file
}

func (p part) wrong(hint, why string, args ...any) {
	p.r.broken = true
	p.r.problems = append(p.r.problems, Problem{File: p.r.file, Line: p.line, Column: p.column, Why: fmt.Sprintf(why, args...), Hint: hint})
}

func (p part) warn(hint, why string, args ...any) {
	p.r.problems = append(p.r.problems, Problem{File: p.r.file, Line: p.line, Column: p.column, Why: fmt.Sprintf(why, args...), Hint: hint, Warning: true})
}

// top is the whole document.
func (r *reading) top() (part, bool) {
	p := part{r: r, line: r.line, column: 1}
	if !p.tame(r.text) {
		return p, false
	}
	file, err := parseYAML(r.text)
	if err != nil {
		p.syntax(err)
		return p, false
	}
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			return p.inside(d.Body), true
		}
	}
	p.wrong("", "there is no rule here")
	return p, false
}

// parseYAML turns a panic of the parser into an error: a rule is somebody's text and must
// not end a running sensor.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be parsed (%v)", r)
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // found again, with all else, by pairs
}

func (p part) syntax(err error) {
	var e yaml.Error
	why := err.Error()
	if errors.As(err, &e) {
		why = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			p.line, p.column = p.r.line+t.Position.Line-1, t.Position.Column
		}
	}
	why, _, _ = strings.Cut(why, "\n")
	p.wrong("", "not YAML: %s", why)
}

func (p part) tame(text []byte) bool {
	if len(text) > maxDocument {
		p.wrong("", "a rule of more than %d bytes", maxDocument)
		return false
	}
	if !utf8.Valid(text) {
		p.wrong("save it as UTF-8", "not UTF-8 text")
		return false
	}
	open, marks, n := 0, 0, 0
	for line := range bytes.Lines(text) {
		p.line = p.r.line + n
		n++
		lead := line[:len(line)-len(bytes.TrimLeft(line, "-?: \t"))]
		if bytes.Count(lead, []byte("-"))+bytes.Count(lead, []byte("?")) > maxDashes {
			p.wrong("", "lists in lists more than %d deep", maxDashes)
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
			if open > maxBrackets {
				p.wrong("close them, or put the text into a block of its own", "more than %d brackets are open", maxBrackets)
				return false
			}
		}
		if marks > maxMarks {
			p.wrong("", "more than %d lines, colons and commas", maxMarks)
			return false
		}
	}
	return true
}

// inside is a value below p. A node without a token of its own stands where p stands.
func (p part) inside(n ast.Node) part {
	in := part{p.r, n, p.line, p.column}
	if line, column := place(n); line > 0 {
		in.line, in.column = p.r.line+line-1, column
	}
	return in
}

func place(n ast.Node) (line, column int) {
	switch t := n.(type) {
	case *ast.MappingNode:
		if len(t.Values) > 0 && !t.IsFlowStyle {
			return place(t.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return place(t.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0, 0
	}
	return n.GetToken().Position.Line, n.GetToken().Position.Column
}

// pair is one key of a mapping with its value; at is where the key stands.
type pair struct {
	key   string
	at    part
	value part
}

func (p part) isMap() bool  { _, ok := p.node.(ast.MapNode); return ok }
func (p part) isList() bool { _, ok := p.node.(*ast.SequenceNode); return ok }

func (p part) isNull() bool {
	_, null := p.node.(*ast.NullNode)
	return null || p.node == nil
}

// pairs are the keys of a mapping in the order of the file, each once.
func (p part) pairs() []pair {
	m, ok := p.node.(ast.MapNode)
	if !ok {
		if !p.fancy() {
			p.wrong("", "keys with values are wanted here")
		}
		return nil
	}
	var list []pair
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		k := p.inside(it.Key())
		key, ok := k.scalar()
		switch {
		case !ok:
			continue
		case seen[key]:
			k.wrong("", "the key %q is here twice", key)
			continue
		case len(list) == maxItems:
			k.wrong("", "more than %d keys", maxItems)
			return list
		}
		seen[key] = true
		list = append(list, pair{key, k, part{p.r, nil, k.line, k.column}.inside(it.Value())})
	}
	return list
}

// items are the entries of a list, or the one value that stands in its place.
func (p part) items() []part {
	s, ok := p.node.(*ast.SequenceNode)
	if !ok {
		return []part{p}
	}
	if len(s.Values) > maxItems {
		p.wrong("", "more than %d entries", maxItems)
		return nil
	}
	list := make([]part, 0, len(s.Values))
	for _, v := range s.Values {
		list = append(list, p.inside(v))
	}
	return list
}

// scalar is the text of a plain value, however it is written.
func (p part) scalar() (string, bool) {
	switch t := p.node.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return t.GetToken().Value, true
	case *ast.NullNode, nil:
		p.wrong("", "a value is missing")
	default:
		if !p.fancy() {
			p.wrong("", "a single value is wanted here")
		}
	}
	return "", false
}

// fancy reports YAML that stands for something written elsewhere: a rule should be
// readable where it stands, and an alias of aliases is a way to fill the memory.
func (p part) fancy() bool {
	switch p.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		p.wrong("write it out", "anchors, aliases and tags are not used in rules")
		return true
	}
	return false
}
