package bot

import (
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

func runeLen(s string) int { return utf8.RuneCountInString(s) }

// cutRunes cuts to n runes, ends what was cut in "…", and never leaves half a mention,
// link or entity behind.
func cutRunes(s string, n int) string {
	if runeLen(s) <= n {
		return s
	}
	r := []rune(s)[:n-1]
	t := string(r)
	if i := strings.LastIndexByte(t, '<'); i >= 0 && !strings.Contains(t[i:], ">") {
		t = t[:i]
	}
	if i := strings.LastIndexByte(t, '&'); i >= 0 && len(t)-i < 6 && !strings.Contains(t[i:], ";") {
		t = t[:i]
	}
	return strings.TrimRight(t, " \n") + "…"
}

// splitText cuts text into parts of at most n runes, between lines where it can.
func splitText(text string, n int) []string {
	var out []string
	for runeLen(text) > n {
		head := []rune(text)[:n]
		cut := strings.LastIndexByte(string(head), '\n')
		if cut < len(string(head))/2 {
			cut = strings.LastIndexByte(string(head), ' ')
		}
		part := string(head)
		if cut > 0 {
			part = part[:cut]
		}
		if i := strings.LastIndexByte(part, '<'); i > 0 && !strings.Contains(part[i:], ">") {
			part = part[:i]
		}
		if i := strings.LastIndexByte(part, '&'); i > 0 && len(part)-i < 6 && !strings.Contains(part[i:], ";") {
			part = part[:i]
		}
		out = append(out, strings.TrimRight(part, "\n "))
		text = strings.TrimLeft(text[len(part):], "\n ")
	}
	if text != "" {
		out = append(out, text)
	}
	return out
}

func chunks[T any](list []T, n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			k := min(n, len(list))
			if !yield(list[:k]) {
				return
			}
			list = list[k:]
		}
	}
}

var mention = regexp.MustCompile(`<@([UW][A-Z0-9]+)(?:\|[^>]*)?>`)

// quiet takes out of a card the mentions of people it is not meant to notify: they are
// named instead. Broadcasts stay only where the card itself was allowed them.
func quiet(c templates.Card, s incident.State) templates.Card {
	loud := map[string]bool{}
	for _, id := range c.Mentions {
		if p := s.Person(id); p.Slack != "" {
			loud[p.Slack] = true
		}
		loud[string(id)] = true
	}
	name := func(text string) string {
		return mention.ReplaceAllStringFunc(text, func(m string) string {
			id := mention.FindStringSubmatch(m)[1]
			if loud[id] {
				return m
			}
			for _, part := range s.People {
				if part.Person.Slack == id && part.Person.Name.Text != "" {
					return templates.Line(part.Person.Name.Text, 80)
				}
			}
			return m
		})
	}
	c.Lead = name(c.Lead)
	blocks := make([]templates.Block, len(c.Blocks))
	for i, b := range c.Blocks {
		b.Text = name(b.Text)
		b.Fields = append([]templates.Field(nil), b.Fields...)
		for j := range b.Fields {
			b.Fields[j].Value = name(b.Fields[j].Value)
		}
		b.Context = append([]string(nil), b.Context...)
		for j := range b.Context {
			b.Context[j] = name(b.Context[j])
		}
		blocks[i] = b
	}
	c.Blocks = blocks
	return c
}
