package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/tocsin-ir/tocsin/incident"
)

// at is a place in a file.
type at struct {
	file         string
	line, column int
}

// String is "file:line", the way a verdict names its source.
func (a at) String() string { return fmt.Sprintf("%s:%d", a.file, a.line) }

// value is one value of a file. Reading it reports what is wrong with it and goes
// on with the zero value, so that one run finds everything.
type value struct {
	found *found
	at    at
	node  ast.Node
}

func (v value) wrong(hint, why string, args ...any) {
	v.found.add(Problem{v.at.file, v.at.line, v.at.column, fmt.Sprintf(why, args...), hint})
}

// inside is a value below v. A node without a token of its own stands where v stands.
func (v value) inside(n ast.Node) value {
	in := value{v.found, v.at, n}
	if line, column := place(n); line > 0 {
		in.at.line, in.at.column = line, column
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
	p := n.GetToken().Position
	return p.Line, p.Column
}

func (v value) empty() bool {
	if v.node == nil {
		return true
	}
	_, null := v.node.(*ast.NullNode)
	return null
}

// scalar is the text of a plain value; the kind of thing it was written as does
// not matter, so that "yes", 5 and P1 may stand without quotes.
func (v value) scalar() (string, bool) {
	switch t := v.node.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return t.GetToken().Value, true
	case *ast.NullNode, nil:
		v.wrong(`put it in quotes if it begins with # or another sign`, "a value is missing")
	default:
		if !v.fancy() {
			v.wrong("", "a single value is wanted here")
		}
	}
	return "", false
}

// fancy reports YAML that stands for something written elsewhere: a rule should be
// readable where it stands.
func (v value) fancy() bool {
	switch v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		v.wrong("write it out", "anchors, aliases and tags are not used in a plan")
		return true
	}
	return false
}

// text is a line of at most limit runes, without blanks around it.
func (v value) text(limit int) string {
	t, _ := v.scalar()
	t = strings.TrimSpace(t)
	if utf8.RuneCountInString(t) > limit {
		v.wrong("", "longer than %d characters", limit)
		return ""
	}
	return t
}

func (v value) name() string { return v.text(incident.MaxName) }

// word is a name that can be typed in a command: lower case, digits and dashes.
func (v value) word() string {
	t := v.name()
	if t != "" && !isWord(t) {
		v.wrong("use lower-case letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first", "%q cannot be a name here", t)
		return ""
	}
	return t
}

func isWord(t string) bool {
	if t == "" || len(t) > 64 || strings.ContainsRune("._-", rune(t[0])) {
		return false
	}
	for _, r := range t {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r) {
			return false
		}
	}
	return true
}

func (v value) truth() bool {
	t, ok := v.scalar()
	switch strings.ToLower(t) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	}
	if ok {
		v.wrong("write yes or no", "%q is neither yes nor no", t)
	}
	return false
}

func (v value) number(low, high int) int {
	t, ok := v.scalar()
	n, err := strconv.Atoi(t)
	if ok && (err != nil || n < low || n > high) {
		v.wrong("", "a number from %d to %d is wanted, not %q", low, high, t)
		return low
	}
	return n
}

func (v value) severity() incident.Severity {
	t, ok := v.scalar()
	s, known := incident.ParseSeverity(t)
	if ok && !known {
		v.wrong("write P1, P2, P3 or P4", "%q is no severity", t)
	}
	return s
}

// zone is the name of a place in the IANA data base, never the machine's own zone:
// the plan means the same wherever it is read.
func (v value) zone() string {
	t := v.name()
	if t == "" {
		return ""
	}
	if _, err := time.LoadLocation(t); err != nil || t == "Local" {
		v.wrong("write an IANA name such as Europe/Berlin or UTC", "%q is no time zone", t)
		return ""
	}
	return t
}

// oneOf is one of the known words.
func (v value) oneOf(what string, known ...string) string {
	t, ok := v.scalar()
	for _, k := range known {
		if t == k {
			return t
		}
	}
	if ok {
		v.wrong(didYouMean(t, known), "%q is no %s", t, what)
	}
	return ""
}
