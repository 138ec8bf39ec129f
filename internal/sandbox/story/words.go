package story

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// word is one word of a step. A quoted word is never taken for a keyword.
type word struct {
	text   string
	quoted bool
}

// maxRepeat bounds ${x*n}: no vendor takes more text than this.
const maxRepeat = 200_000

var repeated = regexp.MustCompile(`\$\{([^*{}]+)\*(\d{1,6})\}`)

// splitLine splits a step as a shell would: '…' is literal, "…" knows \" \\ \n and \u202e.
func splitLine(line string) ([]word, error) {
	var out []word
	var b strings.Builder
	open, quoted := false, false
	end := func() error {
		if !open {
			return nil
		}
		w := word{b.String(), quoted}
		if quoted {
			var err error
			if w.text, err = expand(w.text); err != nil {
				return err
			}
		}
		out = append(out, w)
		b.Reset()
		open, quoted = false, false
		return nil
	}
	r := []rune(line)
	for i := 0; i < len(r); i++ {
		switch c := r[i]; c {
		case ' ', '\t':
			if err := end(); err != nil {
				return nil, err
			}
		case '\'', '"':
			open, quoted = true, true
			n, err := quote(r[i+1:], c, &b)
			if err != nil {
				return nil, err
			}
			i += n
		default:
			open = true
			b.WriteRune(c)
		}
	}
	return out, end()
}

// quote copies up to the closing mark and returns how many runes that took.
func quote(r []rune, mark rune, b *strings.Builder) (int, error) {
	for i := 0; i < len(r); i++ {
		switch {
		case r[i] == mark:
			return i + 1, nil
		case r[i] == '\\' && mark == '"' && i+1 < len(r):
			i++
			if r[i] == 'n' {
				b.WriteRune('\n')
				continue
			}
			if r[i] == 'u' && i+4 < len(r) {
				if code, err := strconv.ParseUint(string(r[i+1:i+5]), 16, 32); err == nil {
					b.WriteRune(rune(code))
					i += 4
					continue
				}
			}
			if r[i] != '"' && r[i] != '\\' {
				b.WriteRune('\\')
			}
			b.WriteRune(r[i])
		default:
			b.WriteRune(r[i])
		}
	}
	return 0, fmt.Errorf("a quotation that begins with %c does not end", mark)
}

func expand(text string) (string, error) {
	var bad error
	out := repeated.ReplaceAllStringFunc(text, func(m string) string {
		g := repeated.FindStringSubmatch(m)
		n, err := strconv.Atoi(g[2])
		if err != nil || n*len(g[1]) > maxRepeat {
			bad = errors.New(m + " is too much text")
			return m
		}
		return strings.Repeat(g[1], n)
	})
	return out, bad
}
