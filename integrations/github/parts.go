package github

import (
	"strings"
	"unicode/utf8"
)

// maxBody is how many runes of text one issue body or comment holds. GitHub takes
// 65,536 characters; the rest is for marker, head and links.
const maxBody = 62_000

// split cuts a document into parts of at most n runes, between lines where it can. A
// code block that is cut, such as a chart, is closed in one part and opened again in
// the next.
func split(text string, n int) []string {
	var parts []string
	var b strings.Builder
	size, fence := 0, ""
	end := func() {
		if fence != "" {
			b.WriteString("```\n")
		}
		parts = append(parts, b.String())
		b.Reset()
		size = 0
		if fence != "" {
			b.WriteString(fence)
			size = utf8.RuneCountInString(fence)
		}
	}
	room := n - 10 // for closing a code block
	for line := range strings.Lines(text) {
		for _, piece := range pieces(line, room/2) {
			long := utf8.RuneCountInString(piece)
			if size > 0 && size+long > room {
				end()
			}
			size += long
			b.WriteString(piece)
		}
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			if fence == "" {
				fence = cut(strings.TrimRight(line, "\r\n"), 100) + "\n"
			} else {
				fence = ""
			}
		}
	}
	if b.Len() > 0 || len(parts) == 0 {
		parts = append(parts, b.String())
	}
	return parts
}

// pieces cuts a line that is longer than n runes.
func pieces(line string, n int) (out []string) {
	for utf8.RuneCountInString(line) > n {
		r := []rune(line)
		out, line = append(out, string(r[:n])), string(r[n:])
	}
	return append(out, line)
}

// mark is the comment that makes an issue ours. Two dashes would end it early.
func mark(marker string) string {
	return "<!-- tocsin:" + strings.ReplaceAll(strings.ReplaceAll(oneLine(marker), "--", "-"), ">", "") + " -->"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
