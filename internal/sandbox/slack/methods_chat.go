package slack

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Text limits in runes. chat.postMessage cuts longer text; chat.update refuses it.
// https://docs.slack.dev/changelog/2018-truncating-really-long-messages; the limit
// of chat.update is what its callers report.
const (
	maxText       = 40_000
	maxUpdateText = 4_000
	maxMetadata   = 8_000 // bytes of event_payload
)

func chatMethods() []Method {
	write := []string{"chat:write"}
	blocks := []string{"no_text", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_metadata_format", "metadata_too_large"}
	return []Method{
		{Name: "chat.postMessage", Tier: 0, Scopes: write, Errors: append([]string{"channel_not_found", "not_in_channel", "is_archived", "thread_not_found"}, blocks...), do: postMessage},
		{Name: "chat.update", Tier: 3, Scopes: write, Errors: append([]string{"channel_not_found", "message_not_found", "cant_update_message", "is_inactive", "msg_too_long"}, blocks...), do: updateMessage},
		{Name: "chat.delete", Tier: 3, Scopes: write, Errors: []string{"channel_not_found", "message_not_found", "cant_delete_message"}, do: deleteMessage},
		{Name: "chat.postEphemeral", Tier: 4, Scopes: write, Errors: append([]string{"channel_not_found", "not_in_channel", "is_archived", "user_not_in_channel"}, blocks...), do: postEphemeral},
		{Name: "chat.getPermalink", Tier: 4, Errors: []string{"channel_not_found", "message_not_found"}, do: permalink},
	}
}

// target finds where a message goes: a channel id, a #name of a public channel, or
// a user id for a direct message.
func (s *Server) target(c *call) (*channel, error) {
	where := c.str("channel")
	if u := s.users[where]; u != nil && where != s.botUser {
		if u.Deleted || u.Bot || where == "USLACKBOT" {
			return nil, no("channel_not_found")
		}
		ch, _ := s.direct(s.botUser, where)
		return ch, nil
	}
	ch := s.place(where)
	switch {
	case ch == nil, (ch.private || ch.im) && !ch.has(s.botUser):
		return nil, no("channel_not_found")
	case ch.archived:
		return nil, no("is_archived")
	case !ch.has(s.botUser) && c.need("chat:write.public") != nil:
		return nil, no("not_in_channel")
	}
	return ch, nil
}

// content reads text, blocks, attachments and metadata into m, as far as given.
func (c *call) content(m *message) error {
	if c.has("text") {
		m.text = escapeLoose(c.str("text"))
	}
	for _, key := range []string{"blocks", "attachments"} {
		if !c.has(key) {
			continue
		}
		v, ok := c.json(key)
		list, isList := v.([]any)
		if !ok || v != nil && !isList {
			return no("invalid_" + key + "_format")
		}
		if key == "attachments" {
			m.attachments = list
			continue
		}
		list, err := judgeBlocks(list, onMessage)
		if err != nil {
			return err
		}
		if blocksText(list) > maxBlocksText {
			return no("msg_blocks_too_long")
		}
		m.blocks = list
	}
	if v, ok := c.json("metadata"); c.has("metadata") && v != nil {
		o, isObject := v.(obj)
		kind, _ := o["event_type"].(string)
		payload, hasPayload := o["event_payload"].(obj)
		if !ok || !isObject || kind == "" || !hasPayload {
			return no("invalid_metadata_format")
		}
		if len(raw(payload)) > maxMetadata {
			return no("metadata_too_large")
		}
		m.metadata = obj{"event_type": kind, "event_payload": payload}
	}
	if strings.TrimSpace(m.text) == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return no("no_text")
	}
	return nil
}

func postMessage(s *Server, c *call) (obj, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	m := &message{user: s.botUser, bot: true}
	if err := c.content(m); err != nil {
		return nil, err
	}
	m.text = cut(m.text, maxText)
	if c.str("username") != "" || c.str("icon_emoji") != "" || c.str("icon_url") != "" {
		if err := c.need("chat:write.customize"); err != nil {
			return nil, err
		}
		m.name, m.subtype = c.str("username"), "bot_message"
	}
	if thread := c.str("thread_ts"); thread != "" {
		head := ch.message(thread)
		if head == nil {
			return nil, no("thread_not_found")
		}
		if head.thread != "" {
			thread = head.thread // a reply to a reply lands in the thread
		}
		m.thread = thread
		if c.flag("reply_broadcast") {
			m.subtype = "thread_broadcast"
		}
	}
	s.deliverMessage(ch, m)
	return obj{"channel": ch.id, "ts": m.ts, "message": s.messageObject(ch, m, true)}, nil
}

// deliverMessage stamps m, puts it into the channel and tells.
func (s *Server) deliverMessage(ch *channel, m *message) {
	m.ts = s.stamp(ch)
	if head := ch.byTS[m.thread]; m.thread != "" && head != nil {
		head.thread = head.ts
	}
	ch.keep(m)
	ch.read[m.user] = m.ts
	o := s.messageObject(ch, m, false)
	o["channel"], o["channel_type"], o["event_ts"] = ch.id, ch.kind(), m.ts
	s.emit("message."+ch.plural(), ch.id, o)
	if !m.bot && !ch.im && m.subtype == "" && strings.Contains(m.text, "<@"+s.botUser+">") {
		mention := s.messageObject(ch, m, false)
		mention["type"], mention["channel"], mention["event_ts"] = "app_mention", ch.id, m.ts
		s.emit("app_mention", ch.id, mention)
	}
	s.changed()
}

// plural is the kind of channel in the names of message events.
func (c *channel) plural() string {
	return map[string]string{"channel": "channels", "group": "groups", "im": "im"}[c.kind()]
}

// said adds a line that Slack itself writes: joins, topics, archives.
func (s *Server) said(ch *channel, by, subtype, text string, more obj) {
	if ch.im {
		return
	}
	s.deliverMessage(ch, &message{user: by, subtype: subtype, text: text, extra: more})
}

func updateMessage(s *Server, c *call) (obj, error) {
	ch, m, err := s.own(c, "cant_update_message")
	if err != nil {
		return nil, err
	}
	if ch.archived {
		return nil, no("is_inactive")
	}
	// What is not sent stays, but new text alone takes the blocks away.
	next := &message{text: m.text, blocks: m.blocks, attachments: m.attachments, metadata: m.metadata}
	if c.has("text") && !c.has("blocks") {
		next.blocks = nil
	}
	if err := c.content(next); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(c.str("text")) > maxUpdateText {
		return nil, no("msg_too_long")
	}
	s.rewrite(ch, m, s.botUser, next)
	return obj{"channel": ch.id, "ts": m.ts, "text": m.text, "message": s.updated(ch, m)}, nil
}

// updated is the message in the answer of chat.update: what it now says, and not where
// it stands or what others did with it.
func (s *Server) updated(ch *channel, m *message) obj {
	return some(s.messageObject(ch, m, true), "type", "subtype", "user", "team", "app_id", "bot_id", "bot_profile", "username",
		"text", "blocks", "attachments", "metadata", "edited")
}

// own finds a message of the bot's for chat.update and chat.delete.
func (s *Server) own(c *call, refusal string) (*channel, *message, error) {
	ch := s.channels[c.str("channel")]
	if ch == nil || (ch.private || ch.im) && !ch.has(s.botUser) {
		return nil, nil, no("channel_not_found")
	}
	m := ch.message(c.str("ts"))
	if m == nil {
		return nil, nil, no("message_not_found")
	}
	if !m.bot || m.subtype == "tombstone" {
		return nil, nil, no(refusal)
	}
	return ch, m, nil
}

// rewrite puts the content of next into m and tells of the change.
func (s *Server) rewrite(ch *channel, m *message, by string, next *message) {
	before := s.messageObject(ch, m, false)
	same := m.text == next.text && string(raw(m.blocks)) == string(raw(next.blocks))
	m.text, m.blocks, m.attachments, m.metadata = next.text, next.blocks, next.attachments, next.metadata
	at := s.stamp(ch)
	if !same {
		m.edited = obj{"user": by, "ts": at}
	}
	s.emit("message."+ch.plural(), ch.id, obj{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.id,
		"channel_type": ch.kind(), "ts": at, "event_ts": at,
		"message": s.messageObject(ch, m, false), "previous_message": before,
	})
	s.changed()
}

func deleteMessage(s *Server, c *call) (obj, error) {
	ch, m, err := s.own(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.remove(ch, m)
	return obj{"channel": ch.id, "ts": m.ts}, nil
}

// remove takes a message away; the head of a thread leaves a tombstone.
func (s *Server) remove(ch *channel, m *message) {
	before := s.messageObject(ch, m, false)
	at := s.stamp(ch)
	if n, _, _ := ch.replies(m.ts); n > 0 {
		*m = message{ts: m.ts, thread: m.thread, user: "USLACKBOT", subtype: "tombstone", text: "This message was deleted."}
		ch.pins = slices.DeleteFunc(ch.pins, func(p pin) bool { return p.ts == m.ts })
		s.emit("message."+ch.plural(), ch.id, obj{
			"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.id,
			"channel_type": ch.kind(), "ts": at, "event_ts": at,
			"message": s.messageObject(ch, m, false), "previous_message": before,
		})
	} else {
		ch.drop(m)
		s.emit("message."+ch.plural(), ch.id, obj{
			"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.id,
			"channel_type": ch.kind(), "ts": at, "event_ts": at, "deleted_ts": m.ts, "previous_message": before,
		})
	}
	s.changed()
}

func postEphemeral(s *Server, c *call) (obj, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	user := c.str("user")
	if !ch.has(user) {
		return nil, no("user_not_in_channel")
	}
	m := &message{user: s.botUser, bot: true, only: user, thread: c.str("thread_ts")}
	if err := c.content(m); err != nil {
		return nil, err
	}
	m.text = cut(m.text, maxText)
	s.whisper(ch, m)
	return obj{"message_ts": m.ts}, nil
}

// whisper shows m to one person; no event tells of it.
func (s *Server) whisper(ch *channel, m *message) {
	m.ts = s.stamp(ch)
	ch.keep(m)
	s.changed()
}

func permalink(s *Server, c *call) (obj, error) {
	ch := s.channels[c.str("channel")]
	if ch == nil || (ch.private || ch.im) && !ch.has(s.botUser) {
		return nil, no("channel_not_found")
	}
	m := ch.message(c.str("message_ts"))
	if m == nil {
		return nil, no("message_not_found")
	}
	return obj{"channel": ch.id, "permalink": s.permalinkOf(ch, m)}, nil
}

func (s *Server) permalinkOf(ch *channel, m *message) string {
	link := s.base + "/archives/" + ch.id + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.thread != "" && m.thread != m.ts {
		link += "?thread_ts=" + url.QueryEscape(m.thread) + "&cid=" + ch.id
	}
	return link
}

// escapeLoose escapes what is neither an entity nor one of Slack's <…> forms.
func escapeLoose(t string) string {
	var out strings.Builder
	for t != "" {
		i := strings.IndexAny(t, "<>&")
		if i < 0 {
			break
		}
		out.WriteString(t[:i])
		t = t[i:]
		if n := entity(t); n > 0 {
			out.WriteString(t[:n])
			t = t[n:]
			continue
		}
		out.WriteString(escape(t[:1]))
		t = t[1:]
	}
	return out.String() + t
}

// entity is the length of the &…; or <…> that t starts with, or 0.
func entity(t string) int {
	for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
		if strings.HasPrefix(t, e) {
			return len(e)
		}
	}
	if t[0] != '<' {
		return 0
	}
	end := strings.IndexAny(t[1:], "<>")
	if end < 1 || t[1+end] != '>' {
		return 0
	}
	inner := t[1 : 1+end]
	if strings.ContainsAny(inner[:1], "@#!") || strings.Contains(inner, "://") || strings.HasPrefix(inner, "mailto:") {
		return end + 2
	}
	return 0
}

func cut(t string, runes int) string {
	if utf8.RuneCountInString(t) <= runes {
		return t
	}
	return string([]rune(t)[:runes])
}
