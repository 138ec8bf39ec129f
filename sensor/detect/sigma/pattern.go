package sigma

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is a Sigma string: pieces of plain text with wildcards between them.
type pattern []piece

type piece struct {
	kind pieceKind
	text string // of plain
	lit  []byte // the same, once it is ready to be searched for
}

type pieceKind uint8

const (
	plain pieceKind = iota
	star            // any text, or none
	mark            // one character
)

// parsePattern reads a Sigma string. A backslash takes the meaning from a wildcard or
// another backslash behind it; before anything else it is itself.
// https://github.com/SigmaHQ/sigma-specification, "Escape Character"
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, piece{kind: plain, text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			i++
			lit.WriteByte(s[i])
		case c == '*':
			flush()
			if len(p) == 0 || p[len(p)-1].kind != star {
				p = append(p, piece{kind: star})
			}
		case c == '?':
			flush()
			p = append(p, piece{kind: mark})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

// plainText is the text of a pattern without wildcards.
func (p pattern) plainText() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].kind == plain:
		return p[0].text, true
	}
	return "", false
}

// pieces maps the plain pieces, and leaves the wildcards.
func (p pattern) pieces(change func(string) string) pattern {
	out := make(pattern, len(p))
	for i, x := range p {
		if out[i] = x; x.kind == plain {
			out[i].text = change(x.text)
		}
	}
	return out
}

// before and after put "anything" at the ends, once.
func (p pattern) before() pattern {
	if len(p) > 0 && p[0].kind == star {
		return p
	}
	return append(pattern{{kind: star}}, p...)
}

func (p pattern) after() pattern {
	if len(p) > 0 && p[len(p)-1].kind == star {
		return p
	}
	return append(p[:len(p):len(p)], piece{kind: star})
}

// ready is the pattern in the form that matches wants.
func (p pattern) ready() pattern {
	out := slices.Clone(p)
	for i := range out {
		out[i].lit = []byte(out[i].text)
	}
	return out
}

// longest is the longest plain piece; "" if there is none.
func (p pattern) longest() string {
	best := ""
	for _, x := range p {
		if x.kind == plain && len(x.text) > len(best) {
			best = x.text
		}
	}
	return best
}

// matches holds the whole text against a pattern that is ready, in time of at most text times
// pattern: a star remembers one place to go back to, and the last star is enough.
func (p pattern) matches(text []byte) bool {
	at, i := 0, 0
	backPiece, backAt := -1, 0
	for at < len(text) || i < len(p) {
		if i < len(p) {
			switch x := p[i]; x.kind {
			case star:
				if i+1 == len(p) {
					return true
				}
				backPiece, backAt = i, at
				i++
				continue
			case mark:
				if at < len(text) {
					_, n := utf8.DecodeRune(text[at:])
					at += n
					i++
					continue
				}
			case plain:
				if hasPrefix(text[at:], x.text) {
					at += len(x.text)
					i++
					continue
				}
			}
		}
		if backPiece < 0 || backAt >= len(text) {
			return false
		}
		if next := p[backPiece+1]; next.kind == plain { // go straight to where it can go on
			skip := bytes.Index(text[backAt+1:], next.lit)
			if skip < 0 {
				return false
			}
			backAt += 1 + skip
		} else {
			_, n := utf8.DecodeRune(text[backAt:])
			backAt += n
		}
		at, i = backAt, backPiece+1
	}
	return true
}

func hasPrefix(text []byte, p string) bool {
	return len(text) >= len(p) && string(text[:len(p)]) == p
}

// appendLower folds a text that is ASCII. It says no, and appends nothing, to any other.
func appendLower[T string | []byte](dst []byte, t T) ([]byte, bool) {
	begin := len(dst)
	dst = slices.Grow(dst, len(t))[:begin+len(t)]
	out := dst[begin:]
	for i := range len(t) {
		c := t[i]
		if c >= utf8.RuneSelf {
			return dst[:begin], false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return dst, true
}

// appendFolded appends text in the form in which letter case makes no difference: the
// same for k, K and the Kelvin sign, as regular expressions with (?i) see it. What is no
// UTF-8 stays as it is: arguments of programs may be any bytes.
func appendFolded(dst []byte, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
			i++
			continue
		}
		dst = utf8.AppendRune(dst, foldRune(r))
		i += n
	}
	return dst
}

func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

func fold(s string) string { return string(appendFolded(nil, []byte(s))) }
