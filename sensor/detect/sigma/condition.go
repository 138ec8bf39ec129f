package sigma

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Bounds of a condition. The parser calls itself for every bracket.
const (
	maxCondition = 16_384 // bytes
	maxNesting   = 64
)

// condition is a condition being read, by the grammar of the specification: or binds
// least, then and, then not, then "x of".
type condition struct {
	tokens     []token
	at         int
	depth      int
	names      []string // of selections, in the order of the file
	selections map[string]*node
	used       map[string]bool
	err        *wrongToken
}

type token struct {
	text string
	pos  int // byte in the condition
}

type wrongToken struct {
	pos       int
	why, hint string
}

// parseCondition is nil when the condition cannot be read, which was reported at p.
func parseCondition(text string, names []string, selections map[string]*node, used map[string]bool, p part) *node {
	if len(text) > maxCondition {
		p.wrong("", "a condition of more than %d bytes", maxCondition)
		return nil
	}
	c := &condition{tokens: tokens(text), names: names, selections: selections, used: used}
	n := c.or()
	if c.err == nil && c.at < len(c.tokens) {
		c.unexpected()
	}
	if c.err != nil {
		p.column += c.err.pos // right for a condition on one line, which nearly all are
		p.wrong(c.err.hint, "%s", c.err.why)
		return nil
	}
	return n
}

func tokens(text string) []token {
	var list []token
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case c == '(' || c == ')' || c == '|':
			list = append(list, token{text[i : i+1], i})
			i++
		default:
			end := i
			for end < len(text) && strings.IndexByte(" \t\r\n()|", text[end]) < 0 {
				end++
			}
			list = append(list, token{text[i:end], i})
			i = end
		}
	}
	return list
}

func (c *condition) fail(pos int, hint, why string, args ...any) *node {
	if c.err == nil {
		c.err = &wrongToken{pos, fmt.Sprintf(why, args...), hint}
	}
	return &node{op: opOr}
}

func (c *condition) unexpected() *node {
	if c.at >= len(c.tokens) {
		end := 0
		if len(c.tokens) > 0 {
			last := c.tokens[len(c.tokens)-1]
			end = last.pos + len(last.text)
		}
		return c.fail(end, "", "the condition ends too early")
	}
	t := c.tokens[c.at]
	if t.text == "|" {
		return c.fail(t.pos, "write a correlation: type, rules, group-by, timespan, condition", "counting in a condition is no longer part of Sigma")
	}
	return c.fail(t.pos, "join selections with and, or, not", "%q is not expected here", t.text)
}

// word says whether the next token is that word, in any letter case, and takes it.
func (c *condition) word(w string) bool {
	if c.err != nil || c.at >= len(c.tokens) || !strings.EqualFold(c.tokens[c.at].text, w) {
		return false
	}
	c.at++
	return true
}

func (c *condition) or() *node  { return c.chain("or", opOr, c.and) }
func (c *condition) and() *node { return c.chain("and", opAnd, c.not) }

func (c *condition) chain(word string, op nodeOp, next func() *node) *node {
	n := next()
	if !c.word(word) {
		return n
	}
	all := &node{op: op, kids: []*node{n, next()}}
	for c.word(word) {
		all.kids = append(all.kids, next())
	}
	return all
}

func (c *condition) not() *node {
	negated := false
	for c.word("not") {
		negated = !negated
	}
	n := c.single()
	if negated {
		return &node{op: opNot, kids: []*node{n}}
	}
	return n
}

func (c *condition) single() *node {
	if c.err != nil || c.at >= len(c.tokens) {
		return c.unexpected()
	}
	t := c.tokens[c.at]
	switch {
	case t.text == "(":
		if c.depth++; c.depth > maxNesting {
			return c.fail(t.pos, "", "brackets more than %d deep", maxNesting)
		}
		c.at++
		n := c.or()
		if c.depth--; !c.word(")") && c.err == nil {
			return c.fail(t.pos, "close it", "the bracket is not closed")
		}
		return n
	case t.text == ")" || t.text == "|" || slices.Contains([]string{"and", "or", "of", "them"}, strings.ToLower(t.text)):
		return c.unexpected()
	}
	c.at++
	if c.word("of") {
		return c.of(t)
	}
	n, ok := c.selections[t.text]
	if !ok {
		return c.fail(t.pos, didYouMean(t.text, c.names), "there is no selection %q", t.text)
	}
	c.used[t.text] = true
	return n
}

// of is "1 of selection_*", "all of them" and their kin.
func (c *condition) of(quantity token) *node {
	n := &node{}
	switch strings.ToLower(quantity.text) {
	case "1", "any":
		n.op = opOr
	case "all":
		n.op = opAnd
	default:
		return c.fail(quantity.pos, "write 1 of or all of", "%q is no quantity", quantity.text)
	}
	if c.at >= len(c.tokens) {
		return c.unexpected()
	}
	t := c.tokens[c.at]
	c.at++
	n.name = quantity.text + " of " + t.text
	for _, name := range c.names {
		if fits(t.text, name) {
			c.used[name] = true
			n.kids = append(n.kids, c.selections[name])
		}
	}
	if len(n.kids) == 0 {
		return c.fail(t.pos, didYouMean(t.text, c.names), "no selection is called %s", t.text)
	}
	return n
}

// fits holds the name of a selection against a pattern. What begins with an underscore
// is meant for the rule's own use, unless it is asked for by that.
func fits(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	if strings.EqualFold(pattern, "them") {
		return true
	}
	if strings.ContainsAny(pattern, `?[\/`) {
		return false
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
