package templates

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/incident"
)

// Bounds of what one piece of a person's text may take up in a card, in runes of
// the escaped text. Slack: section text 3000, header 150, button 75
// (https://docs.slack.dev/reference/block-kit/blocks).
const (
	maxPlain  = 2400
	maxLine   = 240
	maxHeader = 150
	maxBlocks = 4 // Text blocks one long text may fill

	maxInput = 4 * incident.MaxText // bytes looked at; commands refuse longer text before it gets here
)

// Plain makes a person's text safe to stand inside mrkdwn: it reads as it was
// typed, but it cannot mention, link, broadcast, format or hide anything. At most
// 2400 runes; what is cut ends in "…".
func Plain(text string) string { return escape(clean(text), maxPlain) }

// Line is Plain on one line of at most n runes.
func Line(text string, n int) string { return escape(oneLine(text), n) }

// Label is text for places that Slack does not parse at all (headers, labels of
// buttons): one line, no invisible characters, no web address that a client might
// make a link of, at most n runes, not escaped.
func Label(text string, n int) string { return cut(defuseLinks(oneLine(text)), n) }

// Defang makes an indicator harmless to click: evil[.]com, hxxp://. It is
// idempotent and does not escape.
func Defang(text string) string {
	r := []rune(defuseLinks(text))
	var b strings.Builder
	for i, c := range r {
		if c == '.' && i > 0 && i+1 < len(r) && wordy(r[i-1]) && wordy(r[i+1]) {
			b.WriteString("[.]")
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// clean removes what a reader cannot see: control characters, zero-width and
// direction overrides ("Trojan Source", CVE-2021-42574), fillers, piles of accents.
func clean(text string) string {
	if len(text) > maxInput {
		text = strings.ToValidUTF8(text[:maxInput], "") + "…"
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	var b strings.Builder
	var before rune
	marks, breaks := 0, 0
	for _, c := range text {
		if invisible(c, before) {
			continue
		}
		if unicode.Is(unicode.Mn, c) || unicode.Is(unicode.Me, c) {
			if marks++; marks > 3 {
				continue
			}
		} else {
			marks = 0
		}
		if c == '\n' {
			if breaks++; breaks > 2 {
				continue
			}
		} else {
			breaks = 0
		}
		b.WriteRune(c)
		before = c
	}
	return strings.TrimSpace(b.String())
}

func invisible(c, before rune) bool {
	switch c {
	case '\n':
		return false
	case '\u200c', '\u200d': // joiners: needed inside Persian, Hindi and emoji, a trick elsewhere
		return before < 0x300
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5': // letters without ink
		return true
	}
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Co, c)
}

func oneLine(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// cut shortens to at most n runes, the last of them "…".
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return strings.TrimRightFunc(string([]rune(text)[:n-1]), unicode.IsSpace) + "…"
}

var cutEntity = regexp.MustCompile(`&[a-z]{0,3}…$`)

// cutEscaped is cut for escaped text: it leaves no half of an "&amp;" behind.
func cutEscaped(text string, n int) string { return cutEntity.ReplaceAllString(cut(text, n), "…") }

// escape turns cleaned text into mrkdwn that shows exactly it, in at most n runes.
// Slack formats by pairs of marks at the edges of words and reads "&gt;" at the
// start of a line as a quotation; look-alikes take their place there.
func escape(text string, n int) string {
	r := []rune(defuseLinks(text))
	var b strings.Builder
	used := 0
	for i, c := range r {
		var prev, next rune
		if i > 0 {
			prev = r[i-1]
		}
		if i+1 < len(r) {
			next = r[i+1]
		}
		out := mark(c, prev, next)
		size := utf8.RuneCountInString(out)
		if used+size > n-1 && (i+1 < len(r) || used+size > n) {
			return strings.TrimRightFunc(b.String(), unicode.IsSpace) + "…"
		}
		b.WriteString(out)
		used += size
	}
	return b.String()
}

// mark is how one rune is written in mrkdwn.
func mark(c, prev, next rune) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		if prev == 0 || prev == '\n' {
			return "›"
		}
		return "&gt;"
	case '*':
		return "∗"
	case '~':
		return "∼"
	case '`':
		return "ˋ"
	case '_':
		if !wordy(prev) || !wordy(next) {
			return "＿"
		}
	case '@', '#': // "@here" and "#general" become live unless the surface asks for verbatim
		if !wordy(prev) && wordy(next) {
			return string(c) + "\u200b"
		}
	}
	return string(c)
}

var webAddress = regexp.MustCompile(`(?i)http(s?)://`)

// defuseLinks keeps http and https from becoming a link.
func defuseLinks(text string) string { return webAddress.ReplaceAllString(text, "hxxp${1}://") }

func wordy(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// pieces splits a long text into mrkdwn of at most maxPlain runes each, at line
// ends where it can, and at most maxBlocks of them.
func pieces(text string) []string {
	rest := clean(text)
	var out []string
	for rest != "" && len(out) < maxBlocks {
		last := len(out) == maxBlocks-1
		part := rest
		if r := []rune(rest); len(r) > maxPlain/2 && !last {
			part = string(r[:maxPlain/2])
			if nl := strings.LastIndexAny(part, "\n "); nl > len(part)/2 {
				part = part[:nl]
			}
		}
		rest = strings.TrimSpace(rest[len(part):])
		out = append(out, escape(part, maxPlain))
		if last {
			break
		}
	}
	return out
}
