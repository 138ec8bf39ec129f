package slack

import (
	"encoding/json"
	"strings"
)

// The types a person's client uses: who they are, what they press, and the errors
// a client would show them. The verbs are in people_*.go.

// User is a person or a bot of the workspace.
type User struct {
	ID       string `json:"id"` // U…; made up when empty
	Name     string `json:"name"`
	RealName string `json:"real_name"`
	Email    string `json:"email"`
	TZ       string `json:"tz"` // IANA
	Title    string `json:"title"`
	Bot      bool   `json:"bot"`
	Guest    bool   `json:"guest"`   // sees only the channels they are in
	Deleted  bool   `json:"deleted"` // deactivated
	Admin    bool   `json:"admin"`

	Display string `json:"display,omitempty"` // display name; Name when empty
	TeamID  string `json:"team_id,omitempty"` // of another workspace, who came through a shared channel
	Single  bool   `json:"single,omitempty"`  // a guest of one channel only
}

// Command is a slash command of the app.
type Command struct {
	Command     string `json:"command"` // with its slash
	Description string `json:"description"`
	UsageHint   string `json:"usage_hint"`
	URL         string `json:"url,omitempty"` // for HTTP delivery; empty: App.RequestURL
	// Escape has people, channels and links in the text come as in a message:
	// "<@U0BOB0001|bob>" instead of "@bob". The manifest calls it should_escape.
	Escape bool `json:"should_escape,omitempty"`
}

// Shortcut is an entry in the lightning or message menu.
type Shortcut struct {
	Name        string `json:"name"`
	Type        string `json:"type"` // "global" or "message"
	CallbackID  string `json:"callback_id"`
	Description string `json:"description"`
}

// Click is one press, pick or entry on an interactive element.
type Click struct {
	Channel   string   // with MessageTS: an element of a message
	MessageTS string   //
	ViewID    string   // an element of a modal or of the home tab
	BlockID   string   // may be empty where ActionID is enough to find the element
	ActionID  string   //
	Value     string   // what was typed or picked: an option's value, a user or channel id, a date …
	Values    []string // for multi-selects and checkboxes
	Confirmed bool     // the person said yes to the element's confirm dialog
}

// Input is what a person entered in one element of a modal. Only the field that
// fits the element counts.
type Input struct {
	Value    string   `json:"value,omitempty"`
	Option   string   `json:"option,omitempty"` // an option's value
	Options  []string `json:"options,omitempty"`
	User     string   `json:"user,omitempty"`
	Users    []string `json:"users,omitempty"`
	Channel  string   `json:"channel,omitempty"`
	Channels []string `json:"channels,omitempty"`
	Date     string   `json:"date,omitempty"`      // 2026-03-01
	Time     string   `json:"time,omitempty"`      // 15:04
	DateTime int64    `json:"date_time,omitempty"` // unix seconds
}

// MessageRef names one message.
type MessageRef struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// Error is what Slack's client would tell the person: Slack's code and a sentence.
type Error struct {
	Code string // not_in_channel, is_archived, operation_timeout …
	Text string
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code
	}
	return e.Text
}

// ErrConfirm is the confirm dialog of an element. Click again with Confirmed set
// to say yes.
type ErrConfirm struct{ Title, Text, Confirm, Deny string }

func (e *ErrConfirm) Error() string {
	return "wants confirmation: " + e.Title + ": " + e.Text + " [" + e.Confirm + "] [" + e.Deny + "]"
}

// FieldErrors are complaints about a modal's inputs by block id, from the client's
// own checks or from the app's response_action "errors".
type FieldErrors struct{ Fields map[string]string }

func (e *FieldErrors) Error() string {
	parts := make([]string, 0, len(e.Fields))
	for _, block := range sortedKeys(e.Fields) {
		parts = append(parts, block+": "+e.Fields[block])
	}
	return strings.Join(parts, "; ")
}

// MarshalJSON writes the complaints as an object by block id.
func (e *FieldErrors) MarshalJSON() ([]byte, error) { return json.Marshal(e.Fields) }
