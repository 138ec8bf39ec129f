package templates

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	maxMermaid     = 30 // events of the chart
	maxMermaidText = 70 // runes of one event
)

// mermaid draws entries as a Mermaid timeline, one section per phase
// (https://mermaid.js.org/syntax/timeline.html). A colon parts time from text there,
// so times are written 03h04.
func mermaid(heading string, entries []Entry) string {
	if len(entries) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("```mermaid\ntimeline\n    title " + mermaidText(heading) + "\n")
	left := 0
	if len(entries) > maxMermaid {
		left = len(entries) - maxMermaid
		entries = append(entries[:maxMermaid-1:maxMermaid-1], entries[len(entries)-1])
		left++
	}
	phase, day := "", entries[0].Occurred.UTC().Format("2006-01-02")
	days := day != entries[len(entries)-1].Occurred.UTC().Format("2006-01-02")
	for _, n := range entries {
		if s := string(n.Phase); s != phase {
			phase = s
			b.WriteString("    section " + title(mermaidText(s)) + "\n")
		}
		at := n.Occurred.UTC().Format("15h04")
		if days {
			at = n.Occurred.UTC().Format("01-02 15h04")
		}
		b.WriteString("        " + at + " : " + mermaidText(n.Text) + "\n")
	}
	b.WriteString("```\n\n")
	if left > 0 {
		fmt.Fprintf(&b, "%d more in the appendix.\n\n", left-1)
	}
	return b.String()
}

// mermaidText keeps only what cannot end an event, open a directive, or style a
// chart: letters, digits, spaces and a few marks.
func mermaidText(text string) string {
	var b strings.Builder
	r := []rune(oneLine(text))
	for i, c := range r {
		switch {
		case c == ':' && i > 0 && i+1 < len(r) && unicode.IsDigit(r[i-1]) && unicode.IsDigit(r[i+1]):
			b.WriteRune('h')
		case c == ':':
			b.WriteString(" –")
		case c == '–', c == '…':
			b.WriteRune(c)
		case unicode.IsLetter(c), unicode.IsDigit(c), unicode.Is(unicode.Mn, c), c == ' ', c == ',', c == '.', c == '/', c == '\'', c == '+', c == '-', c == '→':
			b.WriteRune(c)
		case c == '_':
			b.WriteRune('-')
		default:
			b.WriteRune(' ')
		}
	}
	t := strings.Join(strings.Fields(b.String()), " ")
	for strings.Contains(t, "--") {
		t = strings.ReplaceAll(t, "--", "-")
	}
	if t = cut(t, maxMermaidText); t == "" {
		return "…"
	}
	return t
}
