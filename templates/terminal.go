package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const terminalWidth = 80

// Terminal draws a card as plain text, 80 columns wide. Mentions appear as @ and
// the Slack user id; TerminalAs knows names.
func Terminal(c Card) string { return TerminalAs(c, nil) }

// TerminalAs is Terminal with names for Slack user ids; "" or nil keeps the id.
func TerminalAs(c Card, name func(slack string) string) string {
	d := drawing{name: name}
	if c.IsZero() {
		return ""
	}
	if len(c.Blocks) == 0 {
		d.wrap(c.Lead, "")
	}
	for i, b := range c.Blocks {
		if i > 0 && (b.Header != "" || b.Divider) {
			d.b.WriteByte('\n')
		}
		d.block(b)
	}
	return d.b.String()
}

type drawing struct {
	b    strings.Builder
	name func(string) string
}

func (d *drawing) block(b Block) {
	switch {
	case b.Header != "":
		head := cut(printable(b.Header), terminalWidth)
		d.b.WriteString(head + "\n" + strings.Repeat("=", utf8.RuneCountInString(head)) + "\n")
	case b.Text != "":
		d.wrap(b.Text, "")
	case len(b.Fields) > 0:
		for _, f := range b.Fields {
			d.wrap(f.Label+": "+f.Value, "  ")
		}
	case len(b.Context) > 0:
		d.wrap(strings.Join(b.Context, " · "), "  ")
	case len(b.Buttons) > 0:
		for _, button := range b.Buttons {
			does := button.Words
			if button.URL != "" {
				does = button.URL
			}
			d.b.WriteString("  [" + printable(button.Label) + "] " + printable(does) + "\n")
		}
	case b.Divider:
		d.b.WriteString(strings.Repeat("-", terminalWidth) + "\n")
	}
}

// wrap writes mrkdwn as plain lines, broken between words.
func (d *drawing) wrap(mrkdwn, indent string) {
	for _, line := range strings.Split(d.plain(mrkdwn), "\n") {
		before := indent
		if rest, ok := strings.CutPrefix(line, "> "); ok {
			before, line = indent+"| ", rest
		}
		used := 0
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case used == 0:
				d.b.WriteString(before + word)
				used = utf8.RuneCountInString(before) + n
			case used+1+n > terminalWidth:
				d.b.WriteString("\n" + before + word)
				used = utf8.RuneCountInString(before) + n
			default:
				d.b.WriteString(" " + word)
				used += 1 + n
			}
		}
		d.b.WriteByte('\n')
	}
}

// plain takes Slack's tokens, formatting and escapes off.
func (d *drawing) plain(t string) string {
	t = userToken.ReplaceAllStringFunc(t, func(tok string) string {
		id := userToken.FindStringSubmatch(tok)[1]
		if d.name != nil {
			if n := d.name(id); n != "" {
				return Line(n, 80)
			}
		}
		return "@" + id
	})
	t = dateToken.ReplaceAllString(t, "$1")
	t = linkToken.ReplaceAllString(t, "$2 ($1)")
	t = plainToken.ReplaceAllString(t, "$1")
	t = roomToken.ReplaceAllString(t, "#$1")
	t = codeToken.ReplaceAllString(boldToken.ReplaceAllString(t, "$1"), "$1")
	t = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(t)
	return printable(t)
}

// printable drops what could steer a terminal, and the look-alikes and spacers that
// only Slack needs.
func printable(t string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '\n':
			return c
		case '\u200b':
			return -1
		case '∗':
			return '*'
		case '∼':
			return '~'
		case 'ˋ':
			return '`'
		case '＿':
			return '_'
		}
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) && c != '\u200d' && c != '\u200c' {
			return -1
		}
		return c
	}, t)
}
