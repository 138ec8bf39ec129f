package drill

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a scenario file. The parser calls itself for every level of nesting, and a
// Go stack that runs out ends the program, so nesting is bounded before it begins.
const (
	maxFile  = 64 << 10 // bytes
	maxFiles = 100
	maxOpen  = 8 // [ and { that are open, and dashes in front of one item
)

// All reads every scenario of a folder, in the order of their names. The error joins
// what is wrong with each.
func All(fsys fs.FS) ([]Scenario, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("more than %d scenarios", maxFiles)
	}
	slices.Sort(names)
	var all []Scenario
	var wrong []error
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("read %s: %w", name, err))
			continue
		}
		s, err := Load(name, text)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, s)
	}
	return all, errors.Join(wrong...)
}

// Load reads one scenario. The error has a line for everything that is wrong, each
// with file, line and column.
func Load(file string, text []byte) (Scenario, error) {
	if err := tame(file, text); err != nil {
		return Scenario{}, err
	}
	doc, err := parse(text)
	if err != nil {
		return Scenario{}, located(file, err)
	}
	if err := plain(file, doc); err != nil {
		return Scenario{}, err
	}
	var raw rawScenario
	if err := decode(text, &raw); err != nil {
		return Scenario{}, located(file, err)
	}
	c := &check{file: file, doc: doc}
	s := c.scenario(raw)
	s.Name = strings.TrimSuffix(path.Base(file), ".yaml")
	sum := sha256.Sum256(text)
	s.Digest = "sha256:" + hex.EncodeToString(sum[:])
	if !isName(s.Name) {
		c.wrong("$", "%q cannot be the name of a scenario: lower-case letters, digits and dashes, 40 at most", s.Name)
	}
	return s, errors.Join(c.problems...)
}

// decode turns a panic of the library into an error: the file is somebody's, and must
// not end a running war room.
func decode(text []byte, to *rawScenario) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read (%v)", r)
		}
	}()
	return yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(to)
}

func parse(text []byte) (doc *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be parsed (%v)", r)
		}
	}()
	return parser.ParseBytes(text, 0)
}

func tame(file string, text []byte) error {
	switch {
	case len(text) > maxFile:
		return fmt.Errorf("%s: a scenario has at most %d bytes", file, maxFile)
	case !utf8.Valid(text):
		return fmt.Errorf("%s: not UTF-8 text", file)
	case len(bytes.TrimSpace(text)) == 0:
		return fmt.Errorf("%s: the file is empty", file)
	}
	open, n := 0, 0
	for l := range bytes.Lines(text) {
		n++
		lead := l[:len(l)-len(bytes.TrimLeft(l, "-?: \t"))]
		deep := bytes.Count(lead, []byte("-")) + bytes.Count(lead, []byte("?"))
		open = max(0, open+bytes.Count(l, []byte("["))+bytes.Count(l, []byte("{"))-bytes.Count(l, []byte("]"))-bytes.Count(l, []byte("}")))
		if bytes.Count(l, []byte("["))+bytes.Count(l, []byte("{")) > maxOpen || open > maxOpen || deep > maxOpen {
			return fmt.Errorf("%s:%d:1: nested more than %d deep", file, n, maxOpen)
		}
	}
	return nil
}

// plain refuses what stands for something written elsewhere: a scenario should be
// readable where it stands, and an alias of aliases is a way to fill the memory.
func plain(file string, doc *ast.File) (found error) {
	defer func() {
		if r := recover(); r != nil {
			found = fmt.Errorf("%s: cannot be read (%v)", file, r)
		}
	}()
	if len(doc.Docs) != 1 {
		return fmt.Errorf("%s: one scenario a file", file)
	}
	walk := visit(func(n ast.Node) {
		if n == nil {
			return // a tag without a value
		}
		switch n.Type() {
		case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType:
			if found == nil {
				line, column := place(n)
				found = fmt.Errorf("%s:%d:%d: anchors, aliases and tags are not used in a scenario; write it out", file, line, column)
			}
		}
	})
	ast.Walk(walk, doc.Docs[0])
	return found
}

type visit func(ast.Node)

// Visit goes on into everything.
func (v visit) Visit(n ast.Node) ast.Visitor { v(n); return v }

func place(n ast.Node) (line, column int) {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1, 1
	}
	return n.GetToken().Position.Line, n.GetToken().Position.Column
}

// located says where the library found something wrong.
func located(file string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("%s: not a scenario: %s", file, line)
	}
	why, _, _ := strings.Cut(e.GetMessage(), "\n")
	if t := e.GetToken(); t != nil && t.Position != nil {
		return fmt.Errorf("%s:%d:%d: %s", file, t.Position.Line, t.Position.Column, why)
	}
	return fmt.Errorf("%s: %s", file, why)
}

func isName(t string) bool {
	if t == "" || len(t) > 40 || t[0] == '-' {
		return false
	}
	return strings.Trim(t, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
