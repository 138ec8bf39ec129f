package intel

import (
	"fmt"
	"strings"
)

// parsePattern takes a STIX pattern (STIX 2.1, 9) apart. What it returns are
// alternatives: each of them alone makes the pattern true. Why says what else there is
// that cannot be matched by looking up one value; a pattern that is no pattern is one of
// those.
func parsePattern(pattern string) (found []term, why []string) {
	p := &patternParser{lex: patternLexer{text: pattern}}
	p.next()
	e := p.observations(0)
	if p.broken == "" && p.tok.kind != tokEnd {
		p.fail("something follows the pattern")
	}
	if p.broken != "" {
		return nil, []string{"its pattern cannot be read: " + p.broken}
	}
	return e.terms, e.why
}

// alternatives are what an expression comes to.
type alternatives struct {
	terms []term
	why   []string
	// file is the object that a single hash belongs to: "file:hashes."; "" when the
	// expression is anything else.
	file string
}

const (
	maxNesting = 32
	maxTerms   = 10_000 // of one pattern
	maxReasons = 16
)

type patternParser struct {
	lex    patternLexer
	tok    token
	broken string
	terms  int
}

func (p *patternParser) next() {
	if p.broken != "" {
		return
	}
	if p.tok = p.lex.next(); p.tok.kind == tokBroken {
		p.fail(p.tok.text)
	}
}

// fail ends the reading: from here on every token is tokEnd.
func (p *patternParser) fail(why string) {
	if p.broken == "" {
		p.broken = why
	}
	p.tok = token{kind: tokEnd}
}

func (p *patternParser) word(w string) bool {
	return p.tok.kind == tokWord && strings.EqualFold(p.tok.text, w)
}

func (p *patternParser) expect(mark string) {
	if p.tok.kind != tokMark || p.tok.text != mark {
		p.fail(fmt.Sprintf("%q is missing", mark))
		return
	}
	p.next()
}

func (p *patternParser) mark(m string) bool { return p.tok.kind == tokMark && p.tok.text == m }

// observations reads observation expressions joined by OR, AND and FOLLOWEDBY. The latter
// two ask for several things, seen together or one after the other.
func (p *patternParser) observations(depth int) alternatives {
	e := p.observation(depth)
	several := ""
	for {
		switch {
		case p.word("OR"):
		case p.word("AND"), p.word("FOLLOWEDBY"):
			several = strings.ToUpper(p.tok.text)
		default:
			if several != "" {
				return alternatives{why: []string{fmt.Sprintf("it asks for several observations together (%s)", several)}}
			}
			return e
		}
		p.next()
		e = either(e, p.observation(depth))
	}
}

func (p *patternParser) observation(depth int) (e alternatives) {
	switch {
	case depth > maxNesting:
		p.fail("it is nested too deeply")
		return e
	case p.mark("("):
		p.next()
		e = p.observations(depth + 1)
		p.expect(")")
	default:
		p.expect("[")
		e = p.or(depth + 1)
		p.expect("]")
	}
	qualified := ""
	for p.word("WITHIN") || p.word("REPEATS") || p.word("START") {
		qualified = strings.ToUpper(p.tok.text)
		for p.next(); p.tok.kind == tokLiteral || p.word("SECONDS") || p.word("TIMES") || p.word("STOP"); p.next() {
		}
	}
	if qualified != "" {
		return alternatives{why: []string{fmt.Sprintf("it is limited by %s", qualified)}}
	}
	return e
}

func (p *patternParser) or(depth int) alternatives {
	e := p.and(depth)
	for p.word("OR") {
		p.next()
		e = either(e, p.and(depth))
	}
	return e
}

// and reads comparisons that must all be true. Several hashes of one file are true of
// the same files: the strongest stands for all. Anything else is more than one value.
func (p *patternParser) and(depth int) alternatives {
	e := p.comparison(depth)
	for p.word("AND") {
		p.next()
		o := p.comparison(depth)
		if e.file == "" || e.file != o.file {
			e = alternatives{why: []string{"it asks for several things at once (AND)"}}
			continue
		}
		if o.terms[0].is > e.terms[0].is {
			e = o
		}
	}
	return e
}

func either(a, b alternatives) alternatives {
	a.terms = append(a.terms, b.terms...)
	for _, w := range b.why {
		if len(a.why) < maxReasons {
			a.why = append(a.why, w)
		}
	}
	a.file = ""
	return a
}

func (p *patternParser) comparison(depth int) (e alternatives) {
	switch {
	case depth > maxNesting:
		p.fail("it is nested too deeply")
		return e
	case p.mark("("):
		p.next()
		e = p.or(depth + 1)
		p.expect(")")
		return e
	case p.word("EXISTS"):
		p.next()
		p.next()
		return alternatives{why: []string{"it asks only whether something is there (EXISTS)"}}
	case p.tok.kind != tokPath:
		p.fail("a comparison begins with an object's path, as ipv4-addr:value")
		return e
	}
	path := p.tok.text
	p.next()
	not := p.word("NOT")
	if not {
		p.next()
	}
	op := strings.ToUpper(p.tok.text)
	if p.tok.kind != tokWord && p.tok.kind != tokOp || op == "" {
		p.fail("a comparison is missing after " + tidy(path, 64))
		return e
	}
	p.next()
	values := p.values()
	if not || op == "!=" || op == "<>" {
		return alternatives{why: []string{"it asks for what something is not (NOT)"}}
	}
	terms, why := termsOf(path, op, values)
	if why != "" {
		return alternatives{why: []string{why}}
	}
	if p.terms += len(terms); p.terms > maxTerms {
		p.fail(fmt.Sprintf("it has more than %d alternatives", maxTerms))
	}
	e.terms = terms
	if len(terms) == 1 && terms[0].is >= MD5 {
		e.file = path[:strings.LastIndexByte(path, '.')]
	}
	return e
}

// values reads one literal, or a list of them in parentheses.
func (p *patternParser) values() []string {
	if !p.mark("(") {
		return []string{p.literal()}
	}
	var values []string
	for p.next(); ; p.next() {
		values = append(values, p.literal())
		if !p.mark(",") {
			break
		}
	}
	p.expect(")")
	return values
}

func (p *patternParser) literal() string {
	if p.tok.kind != tokLiteral {
		p.fail("a value is missing")
		return ""
	}
	v := p.tok.text
	p.next()
	return v
}
