package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Block Kit's limits, in runes. https://docs.slack.dev/reference/block-kit
const (
	maxBlocks     = 50    // per message
	maxHomeBlocks = 100   // per home tab or modal
	maxSection    = 3000  // section text
	maxFields     = 10    // per section
	maxField      = 2000  // text of a field
	maxHeaderText = 150   // header
	maxContext    = 10    // elements of a context block
	maxActions    = 25    // elements of an actions block
	maxButtonText = 75    // label of a button
	maxValue      = 2000  // value of a button
	maxConfirm    = 300   // text of a confirmation; its title 100, its answers 30
	maxMessage    = 12000 // runes of all blocks; about 13,200 gave msg_blocks_too_long
	maxFallback   = 3000  // plain text of a message
)

// pressed is what the value of a button says: the words it stands for, the incident
// they are about, or the form it opens.
type pressed struct {
	Words  string      `json:"w,omitempty"`
	Stream incident.ID `json:"s,omitempty"`
	Opens  string      `json:"o,omitempty"`
}

// drawing is one Card becoming blocks.
type drawing struct {
	blocks  []slack.Block
	limit   int
	runes   int
	button  int // number of the next button: action ids are unique in a message
	left    int // blocks that did not fit
	omitted []string
}

// draw turns a card into blocks, at most limit of them. What does not fit is cut where
// a reader sees that it was.
func draw(c templates.Card, limit int) []slack.Block {
	d := &drawing{limit: limit - 1} // one is kept for saying what was left out
	if t := toneMark(c); t != "" && !startsWithMark(c) {
		c.Blocks = marked(c.Blocks, t)
	}
	for _, b := range c.Blocks {
		d.block(b)
	}
	if len(d.blocks) == 0 && c.Lead != "" {
		d.section(c.Lead)
	}
	if d.left > 0 {
		d.blocks = append(d.blocks, slack.NewContextBlock("", mrkdwn(fmt.Sprintf("%s more did not fit here.", count(d.left, "part")))))
	} else if len(d.omitted) > 0 {
		d.blocks = append(d.blocks, slack.NewContextBlock("", mrkdwn(cutRunes(strings.Join(d.omitted, " "), maxField))))
	}
	return d.blocks
}

func (d *drawing) add(b slack.Block, runes int) {
	if len(d.blocks) >= d.limit || d.runes+runes > maxMessage {
		d.left++
		return
	}
	d.runes += runes
	d.blocks = append(d.blocks, b)
}

func (d *drawing) block(b templates.Block) {
	switch {
	case b.Header != "":
		text := templates.Label(b.Header, maxHeaderText)
		d.add(slack.NewHeaderBlock(plain(text)), runeLen(text))
	case b.Text != "":
		d.section(b.Text)
	case len(b.Fields) > 0:
		d.fields(b.Fields)
	case len(b.Context) > 0:
		for part := range chunks(b.Context, maxContext) {
			var els []slack.MixedElement
			n := 0
			for _, t := range part {
				t = cutRunes(t, maxField)
				n += runeLen(t)
				els = append(els, mrkdwn(t))
			}
			d.add(slack.NewContextBlock("", els...), n)
		}
	case len(b.Buttons) > 0:
		d.buttons(b.Buttons)
	case b.Divider:
		d.add(slack.NewDividerBlock(), 0)
	}
}

// section writes text as one section or, when it is long, as several, cut between lines.
func (d *drawing) section(text string) {
	for _, part := range splitText(text, maxSection) {
		d.add(slack.NewSectionBlock(mrkdwn(part), nil, nil), runeLen(part))
	}
}

func (d *drawing) fields(fields []templates.Field) {
	for part := range chunks(fields, maxFields) {
		var out []*slack.TextBlockObject
		n := 0
		for _, f := range part {
			text := cutRunes("*"+f.Label+":* "+f.Value, maxField) // one line each: a phone has one column
			n += runeLen(text)
			out = append(out, mrkdwn(text))
		}
		d.add(slack.NewSectionBlock(nil, out, nil), n)
	}
}

func (d *drawing) buttons(buttons []templates.Button) {
	for part := range chunks(buttons, maxActions) {
		var els []slack.BlockElement
		n := 0
		for _, b := range part {
			el, ok := d.one(b)
			if !ok {
				d.omitted = append(d.omitted, "Too long for a button: type it.")
				continue
			}
			n += runeLen(b.Label)
			els = append(els, el)
		}
		if len(els) > 0 {
			d.add(slack.NewActionBlock(fmt.Sprintf("act-%d", d.button), els...), n)
		}
	}
}

func (d *drawing) one(b templates.Button) (slack.BlockElement, bool) {
	label := plain(templates.Label(b.Label, maxButtonText))
	d.button++
	id := fmt.Sprintf("do-%d", d.button)
	if b.URL != "" {
		el := slack.NewButtonBlockElement("link-"+id, "", label)
		el.URL = b.URL
		el.Style = slack.Style(b.Style)
		return el, runeLen(b.URL) <= 3000
	}
	value, ok := buttonValue(b)
	if !ok {
		return nil, false
	}
	el := slack.NewButtonBlockElement(id, value, label)
	el.Style = slack.Style(b.Style)
	if b.Confirm != nil {
		el.Confirm = confirmation(*b.Confirm, b.Style)
	}
	return el, true
}

func buttonValue(b templates.Button) (string, bool) {
	v, err := json.Marshal(pressed{b.Words, b.Stream, b.Opens})
	return string(v), err == nil && runeLen(string(v)) <= maxValue
}

// fits reports whether all buttons can carry their words.
func fits(buttons []templates.Button) bool {
	for _, b := range buttons {
		if _, ok := buttonValue(b); !ok {
			return false
		}
	}
	return true
}

func confirmation(c templates.Confirm, style string) *slack.ConfirmationBlockObject {
	or := func(text, other string, n int) *slack.TextBlockObject {
		if text == "" {
			text = other
		}
		return plain(templates.Label(text, n))
	}
	o := slack.NewConfirmationBlockObject(or(c.Title, "Are you sure?", 100), or(c.Text, "Are you sure?", maxConfirm), or(c.Yes, "Yes", 30), or(c.No, "No", 30))
	if style == "danger" {
		o.Style = slack.StyleDanger
	}
	return o
}

// toneMark begins an alarm where colour cannot be relied on.
func toneMark(c templates.Card) string {
	if c.Tone == templates.Alarm {
		return "🚨 "
	}
	return ""
}

func startsWithMark(c templates.Card) bool {
	for _, b := range c.Blocks {
		for _, t := range []string{b.Header, b.Text} {
			if t != "" {
				r, _ := utf8.DecodeRuneInString(t)
				return r > 0x2000 || strings.HasPrefix(t, ":")
			}
		}
	}
	return true
}

func marked(blocks []templates.Block, mark string) []templates.Block {
	out := append([]templates.Block(nil), blocks...)
	for i, b := range out {
		if b.Header != "" {
			out[i].Header = mark + b.Header
			return out
		}
		if b.Text != "" {
			out[i].Text = mark + b.Text
			return out
		}
	}
	return out
}

// message is a card as the options of a post: blocks, a plain fallback, no unfurling.
func message(c templates.Card) []slack.MsgOption {
	return append(content(c), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
}

// content is a card as the options of an update or of what one person sees: these know
// nothing of unfurling.
func content(c templates.Card) []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionText(fallback(c), false), slack.MsgOptionBlocks(draw(c, maxBlocks)...)}
}

// fallback is what notifications and screen readers get.
func fallback(c templates.Card) string {
	text := c.Lead
	if text == "" {
		for _, b := range c.Blocks {
			if text = b.Header + b.Text; text != "" {
				break
			}
		}
	}
	if text == "" {
		text = "Tocsin"
	}
	return cutRunes(text, maxFallback)
}

func plain(text string) *slack.TextBlockObject {
	if text == "" {
		text = "…"
	}
	return slack.NewTextBlockObject(slack.PlainTextType, text, true, false)
}

func mrkdwn(text string) *slack.TextBlockObject {
	if text == "" {
		text = "…"
	}
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}
