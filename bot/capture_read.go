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
		Count int      `json:"count"`
	} `json:"reactions"`
	ReplyCount  int    `json:"reply_count"`
	LatestReply string `json:"latest_reply"`
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

// deed is something that was done and that only its event tells with a time: what it
// leads to can be seen in Slack, without one.
func (e *roomEvent) deed(kind incident.CaptureKind, ts, subject string) incident.Captured {
	when := e.EventTS
	if when == "" {
		when = e.id
	}
	return incident.Captured{
		TS: ts, Kind: kind, Author: e.User, Subject: subject, Occurred: e.occurred(),
		Told: incident.ToldByEvent, Name: string(incident.ToldByEvent) + "/" + string(kind) + ":" + subject + ":" + when,
	}
}

func (e *roomEvent) occurred() time.Time {
	if at := timeOf(e.EventTS); !at.IsZero() {
		return at
	}
	return e.at
}

// lines is what the event tells of the room.
func (e *roomEvent) lines() []incident.Captured {
	switch e.Type {
	case "message":
		switch e.Subtype {
		case "message_changed":
			return e.changed()
		case "message_deleted":
			return e.deleted(e.DeletedTS)
		}
		return e.said()
	case "reaction_added":
		return []incident.Captured{e.deed(incident.ReactionAdded, e.Item.TS, reactionOn(e.Item.TS, e.User, e.Reaction))}
	case "reaction_removed":
		return []incident.Captured{e.deed(incident.ReactionRemoved, e.Item.TS, reactionOn(e.Item.TS, e.User, e.Reaction))}
	case "pin_added":
		return []incident.Captured{e.deed(incident.PinAdded, e.Item.Message.TS, "pin:"+e.Item.Message.TS)}
	case "pin_removed":
		return []incident.Captured{e.deed(incident.PinRemoved, e.Item.Message.TS, "pin:"+e.Item.Message.TS)}
	case "member_joined_channel":
		return []incident.Captured{e.deed(incident.MemberJoined, e.EventTS, "member:"+e.User)}
	case "member_left_channel":
		return []incident.Captured{e.deed(incident.MemberLeft, e.EventTS, "member:"+e.User)}
	}
	return nil
}

func reactionOn(ts, user, name string) string { return "reaction:" + ts + ":" + user + ":" + name }

// changed is an edit with both texts, or the head of a thread that was deleted. What
// Slack itself changes (a preview of a link) is no edit. The version before comes
// first: where its own event was lost, this is the last that is heard of it.
func (e *roomEvent) changed() []incident.Captured {
	m, p := e.Message, e.PreviousMessage
	if m == nil || m.TS == "" {
		return nil
	}
	if m.Subtype == "tombstone" {
		return e.deleted(m.TS)
	}
	out := m.files()
	if p != nil && p.Edited.TS == m.Edited.TS && p.text() == m.text() {
		return out
	}
	c := m.version()
	if p != nil {
		c.Was = incident.Seal(p.text())
	}
	if m.Edited.TS == "" || p != nil && p.Edited.TS == m.Edited.TS {
		// An app changed its own message, and nothing in the message says so.
		author := c.Author
		deed := e.deed(incident.SaidEdited, m.TS, "text:"+m.TS)
		deed.Text, deed.Was, deed.Thread, deed.Author, deed.App = c.Text, c.Was, c.Thread, author, c.App
		c = deed
	}
	return append(append(p.before(), c), out...)
}

// deleted keeps what was deleted. Slack does not tell by whom: the author is the
// message's.
func (e *roomEvent) deleted(ts string) []incident.Captured {
	c := deletion(ts, e.occurred())
	p := e.PreviousMessage
	if p != nil {
		c.Author, c.App, c.Thread, c.Was = p.author(), p.app(), p.thread(), incident.Seal(p.text())
	}
	return append(p.before(), c)
}

// deletion is that a message was deleted, whoever tells it.
func deletion(ts string, at time.Time) incident.Captured {
	return incident.Captured{TS: ts, Kind: incident.SaidDeleted, Name: "deleted:" + ts, Occurred: at}
}

// before is a message as it read before something became of it; it was not heard then,
// or is in the record.
func (m *chatMessage) before() []incident.Captured {
	if m == nil || m.TS == "" || m.quiet() != "" {
		return nil
	}
	out := append([]incident.Captured{m.version()}, m.files()...)
	for i := range out {
		out[i].BackFilled = true
	}
	return out
}

// line is the message as a line of a kind.
func (m *chatMessage) line(kind incident.CaptureKind) incident.Captured {
	return incident.Captured{
		TS: m.TS, Thread: m.thread(), Kind: kind, Author: m.author(), App: m.app(), Occurred: timeOf(m.TS), Text: incident.Seal(m.text()),
	}
}

// version is the message as it reads now. The first text and each that Slack marks as
// an edit has a name that event and history both tell.
func (m *chatMessage) version() incident.Captured {
	if m.Edited.TS != "" {
		c := m.line(incident.SaidEdited)
		c.Name, c.Occurred = "edited:"+m.TS+":"+m.Edited.TS, timeOf(m.Edited.TS)
		if m.Edited.User != "" {
			c.Author = m.Edited.User
		}
		return c
	}
	c := m.line(incident.SaidMessage)
	if m.isReply() {
		c.Kind = incident.SaidReply
	}
	c.Name = "said:" + m.TS
	return c
}

func (m *chatMessage) author() string {
	if m.User != "" {
		return m.User
	}
	return m.BotID
}

func (m *chatMessage) app() string {
	if m.AppID != "" {
		return m.AppID
	}
	return m.BotID
}

func (m *chatMessage) thread() string {
	if m.isReply() {
		return m.ThreadTS
	}
	return ""
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
		about, err := json.Marshal(f.fileAbout)
		if f.ID == "" || f.Mode == "tombstone" || err != nil {
			continue
		}
		c := m.line(incident.FileShared)
		c.Text, c.File, c.Name = incident.Sealed{}, incident.Seal(string(about)), "file:"+m.TS+":"+f.ID
		out = append(out, c)
	}
	return out
}

// quiet is what a message that Slack itself writes is about, "" for one that somebody
// wrote.
func (m *chatMessage) quiet() string {
	kind, _ := strings.CutPrefix(m.Subtype, "channel_")
	kind, _ = strings.CutPrefix(kind, "group_")
	switch kind {
	case "join", "leave", "topic", "purpose", "name", "tombstone", "pinned_item":
		return kind
	}
	return ""
}

// said is what a message tells as it reads now.
func (m *chatMessage) said() []incident.Captured {
	if m.TS == "" {
		return nil
	}
	var c incident.Captured
	switch kind := m.quiet(); kind {
	case "join", "leave":
		c = m.line(incident.MemberJoined)
		if kind == "leave" {
			c.Kind = incident.MemberLeft
		}
		c.Text, c.Subject, c.Told = incident.Sealed{}, "member:"+m.User, incident.ToldByMessage
		c.Name = string(c.Told) + "/" + string(c.Kind) + ":" + c.Subject + ":" + m.TS
	case "topic", "purpose", "name":
		c = m.line(incident.TopicChanged)
		c.Subject, c.Name = kind, "topic:"+m.TS
		c.Text = incident.Seal(map[string]string{"topic": m.Topic, "purpose": m.Purpose, "name": m.Name}[kind])
	case "tombstone":
		return []incident.Captured{deletion(m.TS, time.Time{})}
	case "pinned_item":
		return nil // an event of its own tells it
	default:
		c = m.version()
	}
	return append([]incident.Captured{c}, m.files()...)
}

// stands is what can be seen of a message beside its words, without since when: who
// reacted, and what an app made of its text. whole is false when Slack leaves out some
// of those who reacted. https://docs.slack.dev/reference/methods/reactions.get
func (m *chatMessage) stands() (there []incident.Captured, whole bool) {
	whole = true
	for _, r := range m.Reactions {
		whole = whole && r.Count <= len(r.Users)
		for _, user := range r.Users {
			there = append(there, incident.Captured{TS: m.TS, Kind: incident.ReactionAdded, Author: user, Subject: reactionOn(m.TS, user, r.Name)})
		}
	}
	if m.BotID != "" && m.quiet() == "" {
		c := m.line(incident.SaidEdited)
		c.Subject = "text:" + m.TS
		there = append(there, c)
	}
	return there, whole
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
