// Package templates holds everything a person will look at: what is said in a
// room, the pinned summary, the home tab, the post-mortem, the default plan. It
// renders events and state into neutral cards and documents; surfaces (Slack, the
// terminal) draw them. Text of a card is Slack's mrkdwn with user text escaped by
// Plain, so that nobody can fake a mention, a link or a button.
package templates

import "github.com/tocsin-ir/tocsin/incident"

// Card is one message or view, surface-neutral.
type Card struct {
	// Lead is the one-line version: notification, fallback, terminal. It mentions
	// nobody and formats nothing, but it is escaped like Text, because Slack parses a
	// message's fallback too. A card without a Lead is not to be shown at all.
	Lead   string
	Tone   Tone
	Blocks []Block
	// Mentions are people who are to be notified by this card.
	Mentions []incident.PersonID
}

// IsZero reports that there is nothing to show: the one it was for may not know.
func (c Card) IsZero() bool { return c.Lead == "" && len(c.Blocks) == 0 }

// Tone is how a card feels.
type Tone string

// The tones.
const (
	Calm  Tone = ""
	Warn  Tone = "warn"
	Alarm Tone = "alarm"
	Good  Tone = "good"
)

// Block is one part of a card; exactly one field is set.
type Block struct {
	Header  string   // plain text, not escaped: draw it as plain_text
	Text    string   // mrkdwn
	Fields  []Field  // two columns, one on a phone
	Context []string // small print, mrkdwn
	Buttons []Button
	Divider bool
}

// Field is a labelled value.
type Field struct{ Label, Value string }

// Button does what typing its words would do: pressing {Words: "ack"} on incident
// INC-0042 is "/incident ack" there. Opens names a form to open instead: the verb
// whose form it is.
type Button struct {
	Label   string
	Words   string
	Opens   string
	Stream  incident.ID
	Style   string // "", "primary", "danger"
	Confirm *Confirm
	URL     string // a link button, when set
}

// Confirm is asked before a button does its work.
type Confirm struct{ Title, Text, Yes, No string }
