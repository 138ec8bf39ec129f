package screen

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tame takes out of a text whatever could steer a terminal or deceive its reader:
// control characters (an ESC begins every escape sequence, C1 has a one-byte one of
// its own), direction overrides (CVE-2021-42574), invisible characters, and what is
// not UTF-8. Line ends stay.
func Tame(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case c == '\t', c == '\u2028', c == '\u2029':
			return ' '
		case c == utf8.RuneError:
			return '?'
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c) && c != '\u200d', unicode.Is(unicode.Co, c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
}

// tamed is a View of which no text can steer a terminal: all of them go through here,
// those that only we write included, since a View may come from a server that is not
// what it says.
func tamed(v View) View {
	for _, text := range []*string{&v.Incident, &v.Title, &v.Severity, &v.Status, &v.Phase, &v.Commander, &v.Paging, &v.Update} {
		*text = Tame(*text)
	}
	v.Clocks, v.Duties, v.Lines = slices.Clone(v.Clocks), slices.Clone(v.Duties), slices.Clone(v.Lines)
	for i := range v.Clocks {
		v.Clocks[i].Name, v.Clocks[i].End = Tame(v.Clocks[i].Name), Tame(v.Clocks[i].End)
	}
	for i := range v.Duties {
		v.Duties[i].What, v.Duties[i].Who = Tame(v.Duties[i].What), Tame(v.Duties[i].Who)
	}
	for i := range v.Lines {
		v.Lines[i].Text = Tame(v.Lines[i].Text)
	}
	return v
}

// width is how many columns a rune takes on a terminal, well enough for wrapping:
// East Asian wide ones and emoji take two, accents none.
func width(c rune) int {
	switch {
	case unicode.Is(unicode.Mn, c), unicode.Is(unicode.Me, c), c == '\u200d', c == '\ufe0f':
		return 0
	case c >= 0x1100 && c <= 0x115f, c >= 0x2e80 && c <= 0xa4cf, c >= 0xac00 && c <= 0xd7a3, c >= 0xf900 && c <= 0xfaff,
		c >= 0xfe30 && c <= 0xfe6f, c >= 0xff00 && c <= 0xff60, c >= 0xffe0 && c <= 0xffe6, c >= 0x1f300 && c <= 0x1faff, c >= 0x20000 && c <= 0x3fffd:
		return 2
	}
	return 1
}

func columns(text string) (n int) {
	for _, c := range text {
		n += width(c)
	}
	return n
}

// wrap breaks a text between words into lines of at most n columns; a word that is
// longer is broken anywhere.
func wrap(text string, n int) []string {
	n = max(n, 8)
	var out []string
	var line strings.Builder
	used := 0
	flush := func() {
		out = append(out, line.String())
		line.Reset()
		used = 0
	}
	for _, word := range strings.Fields(text) {
		w := columns(word)
		if used > 0 && used+1+w > n {
			flush()
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		for _, c := range word {
			if used+width(c) > n {
				flush()
			}
			line.WriteRune(c)
			used += width(c)
		}
	}
	if used > 0 || len(out) == 0 {
		flush()
	}
	return out
}
