package intel

import "strings"

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokBroken
	tokMark    // [ ] ( ) ,
	tokOp      // = != < <= > >=
	tokWord    // AND, IN, …
	tokPath    // file:hashes.'SHA-256', without the quotes
	tokLiteral // 'text', without quotes and escapes; a number, true, false
)

type token struct {
	kind tokenKind
	text string
}

// patternLexer cuts a STIX pattern into words.
type patternLexer struct {
	text string
	at   int
}

func (l *patternLexer) next() token {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	if l.at >= len(l.text) {
		return token{kind: tokEnd}
	}
	c := l.text[l.at]
	switch {
	case strings.IndexByte("[](),", c) >= 0:
		l.at++
		return token{tokMark, string(c)}
	case strings.IndexByte("=!<>", c) >= 0:
		from := l.at
		for l.at < len(l.text) && l.at < from+2 && strings.IndexByte("=!<>", l.text[l.at]) >= 0 {
			l.at++
		}
		return token{tokOp, l.text[from:l.at]}
	case c == '\'':
		return l.quoted(tokLiteral)
	case (c == 't' || c == 'h' || c == 'b') && l.at+1 < len(l.text) && l.text[l.at+1] == '\'':
		l.at++ // a time, hexadecimal or base64: its text is enough
		return l.quoted(tokLiteral)
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		from := l.at
		for l.at++; l.at < len(l.text) && (wordByte(l.text[l.at]) || l.text[l.at] == '.'); l.at++ {
		}
		return token{tokLiteral, l.text[from:l.at]}
	case wordByte(c):
		return l.wordOrPath()
	}
	return token{tokBroken, "a character that no pattern has"}
}

func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// quoted reads a text in single quotes, in which a backslash takes the meaning from a
// quote or a backslash.
func (l *patternLexer) quoted(kind tokenKind) token {
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; c {
		case '\'':
			l.at++
			return token{kind, b.String()}
		case '\\':
			if l.at++; l.at < len(l.text) {
				b.WriteByte(l.text[l.at])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{tokBroken, "a quotation mark is missing"}
}

func (l *patternLexer) wordOrPath() token {
	from := l.at
	for l.at < len(l.text) && wordByte(l.text[l.at]) {
		l.at++
	}
	if l.at >= len(l.text) || l.text[l.at] != ':' {
		word := l.text[from:l.at]
		if word == "true" || word == "false" {
			return token{tokLiteral, word}
		}
		return token{tokWord, word}
	}
	var path strings.Builder
	path.WriteString(l.text[from:l.at])
	for l.at < len(l.text) {
		c := l.text[l.at]
		switch {
		case c == '\'':
			q := l.quoted(tokPath)
			if q.kind == tokBroken {
				return q
			}
			path.WriteString(q.text)
			continue
		case c == '[': // an index: extensions[0], values[*]
			end := strings.IndexByte(l.text[l.at:], ']')
			if end < 0 {
				return token{tokBroken, "a bracket is missing in a path"}
			}
			path.WriteString(l.text[l.at : l.at+end+1])
			l.at += end + 1
			continue
		case !wordByte(c) && c != ':' && c != '.':
			return token{tokPath, path.String()}
		}
		path.WriteByte(c)
		l.at++
	}
	return token{tokPath, path.String()}
}
