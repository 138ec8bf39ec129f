package bot

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// chatMessage is a message as events and history tell it, read leniently.
// https://docs.slack.dev/reference/events/message
type chatMessage struct {
	Subtype  string `json:"subtype"`
	User     string `json:"user"`
	BotID    string `json:"bot_id"`
	AppID    string `json:"app_id"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
	Topic    string `json:"topic"`
	Purpose  string `json:"purpose"`
	Name     string `json:"name"`
	Edited   struct {
		User string `json:"user"`
		TS   string `json:"ts"`
	} `json:"edited"`
	Files       []chatFile      `json:"files"`
	Blocks      json.RawMessage `json:"blocks"`
	Attachments json.RawMessage `json:"attachments"`
	Reactions   []struct {
		Name  string   `json:"name"`
		Users []string `json:"users"`
	} `json:"reactions"`
	PinnedTo    []string `json:"pinned_to"`
	ReplyCount  int      `json:"reply_count"`
	LatestReply string   `json:"latest_reply"`
}

// chatFile is what is kept of a file: what it is, not what is in it.
type chatFile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"mimetype"`
	Size int64  `json:"size"` // bytes
}

// roomEvent is an event of the Events API with all that is captured of it.
type roomEvent struct {
	chatMessage
	Type            string       `json:"type"`
	Channel         channel      `json:"channel"`
	ChannelID       string       `json:"channel_id"`
	EventTS         string       `json:"event_ts"`
	DeletedTS       string       `json:"deleted_ts"`
	Message         *chatMessage `json:"message"`
	PreviousMessage *chatMessage `json:"previous_message"`
	Reaction        string       `json:"reaction"`
	Item            struct {
		Type    string       `json:"type"`
		Channel string       `json:"channel"`
		TS      string       `json:"ts"`
		Message *chatMessage `json:"message"`
	} `json:"item"`

	id string    // of the event
	at time.Time // when it was sent
}

// where is the channel it happened in; "" for what is not captured.
func (e *roomEvent) where() string {
	switch e.Type {
	case "message", "member_joined_channel", "member_left_channel":
		return string(e.Channel)
	case "reaction_added", "reaction_removed":
		return e.Item.Channel
	case "pin_added", "pin_removed":
		if e.Item.Message != nil {
			return e.ChannelID
		}
	}
	return ""
}

// key tells deeds of one kind apart.
func (e *roomEvent) key() string {
	if e.EventTS != "" {
		return e.EventTS
	}
	return e.id
}

func (e *roomEvent) occurred() time.Time {
	if at := timeOf(e.EventTS); !at.IsZero() {
		return at
	}
	return e.at
}

// lines is what the event tells of the room.
func (e *roomEvent) lines() []incident.Captured {
	deed := incident.Captured{TS: e.Item.TS, Author: e.User, Key: e.key(), Occurred: e.occurred()}
	switch e.Type {
	case "message":
		switch e.Subtype {
		case "message_changed":
			return e.changed()
		case "message_deleted":
			return e.deleted(e.DeletedTS)
		}
		return e.said(false)
	case "reaction_added", "reaction_removed":
		deed.Kind, deed.Subject = incident.ReactionAdded, reactionOn(e.Item.TS, e.User, e.Reaction)
		if e.Type == "reaction_removed" {
			deed.Kind = incident.ReactionRemoved
		}
		return []incident.Captured{deed}
	case "pin_added", "pin_removed":
		deed.TS, deed.Kind = e.Item.Message.TS, incident.PinAdded
		if e.Type == "pin_removed" {
			deed.Kind = incident.PinRemoved
		}
		deed.Subject = "pin:" + deed.TS
		return []incident.Captured{deed}
	case "member_joined_channel", "member_left_channel":
		deed.TS, deed.Kind, deed.Subject = e.EventTS, incident.MemberJoined, "member:"+e.User
		if e.Type == "member_left_channel" {
			deed.Kind = incident.MemberLeft
		}
		return []incident.Captured{deed}
	}
	return nil
}

func reactionOn(ts, user, name string) string { return "reaction:" + ts + ":" + user + ":" + name }

// changed is an edit with both texts, or the head of a thread that was deleted. What
// Slack itself changes (a preview of a link) is no edit.
func (e *roomEvent) changed() []incident.Captured {
	m := e.Message
	if m == nil || m.TS == "" {
		return nil
	}
	if m.Subtype == "tombstone" {
		return e.deleted(m.TS)
	}
	out := m.files()
	var was string
	if p := e.PreviousMessage; p != nil {
		was = p.text()
		if p.Edited.TS == m.Edited.TS && was == m.text() {
			return out
		}
	}
	c := m.line(incident.SaidEdited)
	c.Was, c.Key, c.Occurred = incident.Seal(was), m.Edited.TS, e.occurred()
	if c.Key == "" {
		c.Key = e.key()
	}
	if m.Edited.User != "" {
		c.Author = m.Edited.User
	}
	return append([]incident.Captured{c}, out...)
}

// deleted keeps what was deleted. Slack does not tell by whom: the author is the
// message's.
func (e *roomEvent) deleted(ts string) []incident.Captured {
	c := incident.Captured{TS: ts, Kind: incident.SaidDeleted, Occurred: e.occurred()}
	if p := e.PreviousMessage; p != nil {
		c = p.line(incident.SaidDeleted)
		c.TS, c.Was, c.Text, c.Occurred = ts, c.Text, incident.Sealed{}, e.occurred()
	}
	return []incident.Captured{c}
}

// line is the message as a line of a kind.
func (m *chatMessage) line(kind incident.CaptureKind) incident.Captured {
	c := incident.Captured{TS: m.TS, Kind: kind, Author: m.User, App: m.AppID, Occurred: timeOf(m.TS), Text: incident.Seal(m.text())}
	if c.Author == "" {
		c.Author = m.BotID
	}
	if c.App == "" {
		c.App = m.BotID
	}
	if m.isReply() {
		c.Thread = m.ThreadTS
	}
	return c
}

func (m *chatMessage) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// text is what it says. Apps may say everything in attachments or blocks: then those
// are kept as they came.
func (m *chatMessage) text() string {
	for _, t := range []string{m.Text, string(m.Attachments), string(m.Blocks)} {
		if t != "" && t != "null" && t != "[]" {
			return t
		}
	}
	return ""
}

func (m *chatMessage) files() []incident.Captured {
	var out []incident.Captured
	for _, f := range m.Files {
		about, err := json.Marshal(f)
		if f.ID == "" || err != nil {
			continue
		}
		c := m.line(incident.FileShared)
		c.Text, c.File, c.Key = incident.Sealed{}, incident.Seal(string(about)), f.ID
		out = append(out, c)
	}
	return out
}

// said is what a message tells. From history it tells, besides, what became of it.
func (m *chatMessage) said(history bool) []incident.Captured {
	if m.TS == "" {
		return nil
	}
	kind, _ := strings.CutPrefix(m.Subtype, "channel_")
	kind, _ = strings.CutPrefix(kind, "group_")
	var c incident.Captured
	switch kind {
	case "join", "leave":
		c = m.line(incident.MemberJoined)
		if kind == "leave" {
			c.Kind = incident.MemberLeft
		}
		c.Text, c.Subject = incident.Sealed{}, "member:"+m.User
	case "topic", "purpose", "name":
		c = m.line(incident.TopicChanged)
		c.Subject = kind
		c.Text = incident.Seal(map[string]string{"topic": m.Topic, "purpose": m.Purpose, "name": m.Name}[kind])
	case "tombstone":
		return []incident.Captured{{TS: m.TS, Kind: incident.SaidDeleted, Occurred: timeOf(m.TS)}}
	case "pinned_item":
		return nil // an event of its own tells it
	default:
		c = m.line(incident.SaidMessage)
		if m.isReply() {
			c.Kind = incident.SaidReply
		}
	}
	out := append([]incident.Captured{c}, m.files()...)
	if history {
		out = append(out, m.since()...)
	}
	return out
}

// since is what history shows to have become of a message, without saying when.
func (m *chatMessage) since() []incident.Captured {
	var out []incident.Captured
	if m.Edited.TS != "" {
		c := m.line(incident.SaidEdited)
		c.Key, c.Author, c.Occurred = m.Edited.TS, m.Edited.User, timeOf(m.Edited.TS)
		out = append(out, c)
	}
	for _, r := range m.Reactions {
		for _, user := range r.Users {
			out = append(out, incident.Captured{
				TS: m.TS, Kind: incident.ReactionAdded, Author: user, Subject: reactionOn(m.TS, user, r.Name), Key: "history:" + user + ":" + r.Name,
			})
		}
	}
	if len(m.PinnedTo) > 0 {
		out = append(out, incident.Captured{TS: m.TS, Kind: incident.PinAdded, Subject: "pin:" + m.TS, Key: "history"})
	}
	return out
}

// lenient passes over fields of another type than we know: the rest was read.
func lenient(err error) error {
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return nil
	}
	return err
}

// timeOf is the moment in Slack's name of a message; the zero time for none.
func timeOf(ts string) time.Time {
	seconds, fraction, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	micros, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil || len(fraction) != 6 {
		micros = 0
	}
	return time.Unix(s, micros*1000).UTC()
}
