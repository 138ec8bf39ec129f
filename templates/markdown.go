package templates

import (
	"regexp"
	"strings"
	"unicode"
)

// Markdown makes a person's text safe in GitHub Markdown: it reads as it was typed,
// and can neither carry HTML, nor a comment that looks like our marker, nor mention
// or notify anybody, nor refer to or close an issue. Lines are kept.
func Markdown(text string) string {
	lines := strings.Split(defuseLinks(clean(text)), "\n")
	for i, l := range lines {
		lines[i] = escapeMarkdown(strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}

// MarkdownLine is Markdown on one line of at most n runes before escaping, for
// tables, lists and headings.
func MarkdownLine(text string, n int) string {
	return escapeMarkdown(cut(defuseLinks(oneLine(text)), n))
}

// ghRef is a reference as GitHub also reads it, beside #12.
var ghRef = regexp.MustCompile(`(?i)\b(gh)-(\d)`)

// apart keeps two characters from being read as one token by GitHub's mention and
// reference filters, which run after entities are decoded.
const apart = "\u200b"

func escapeMarkdown(line string) string {
	line = ghRef.ReplaceAllString(line, "${1}"+apart+"-${2}")
	var b strings.Builder
	r := []rune(line)
	for i, c := range r {
		var prev rune
		if i > 0 {
			prev = r[i-1]
		}
		switch c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '@', '#':
			b.WriteString("\\" + string(c) + apart)
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '!', '|', '~', '$', '"':
			b.WriteByte('\\')
			b.WriteRune(c)
		case '-', '+', '=':
			if i == 0 {
				b.WriteByte('\\')
			}
			b.WriteRune(c)
		case ':': // :tada: is a picture
			if i+1 < len(r) && (r[i+1] == '+' || r[i+1] == '-' || wordy(r[i+1])) && !unicode.IsDigit(prev) {
				b.WriteByte('\\')
			}
			b.WriteRune(c)
		case '.':
			if strings.EqualFold(string(r[max(0, i-3):i]), "www") {
				b.WriteString(apart)
			}
			if i < 10 && prev >= '0' && prev <= '9' {
				b.WriteByte('\\')
			}
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// mdTable writes a table. Cells must be escaped.
func mdTable(b *strings.Builder, head []string, rows [][]string) {
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row(head)
	row(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, r := range rows {
		row(r)
	}
	b.WriteString("\n")
}

// marker is the hidden line by which an issue of ours is known again.
func marker(effect string) string {
	if effect == "" {
		return ""
	}
	id := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '/', c == '-', c == '.', c == '_':
			return c
		}
		return -1
	}, effect)
	return "<!-- tocsin:" + strings.ReplaceAll(id, "--", "-") + " -->"
}
