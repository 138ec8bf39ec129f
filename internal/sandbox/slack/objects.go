package slack

import (
	"slices"
	"strings"
)

// The JSON shapes of things, as the Web API and events give them.

func (s *Server) channelObject(c *channel) obj {
	if c.im {
		other := c.members[0]
		if other == s.botUser && len(c.members) > 1 {
			other = c.members[1]
		}
		return obj{
			"id": c.id, "created": c.created, "is_im": true, "is_archived": false, "user": other,
			"is_org_shared": false, "is_user_deleted": s.users[other] != nil && s.users[other].Deleted,
			"priority": 0, "context_team_id": s.team.ID, "is_open": true,
		}
	}
	prev := c.previous
	if prev == nil {
		prev = []string{}
	}
	return obj{
		"id": c.id, "name": c.name, "name_normalized": c.name, "previous_names": prev,
		"is_channel": !c.private, "is_group": c.private, "is_im": false, "is_mpim": false,
		"is_private": c.private, "is_archived": c.archived, "is_general": c.general, "is_member": c.has(s.botUser),
		"is_shared": c.extShared, "is_ext_shared": c.extShared, "is_org_shared": false,
		"is_pending_ext_shared": false, "pending_shared": []string{}, "unlinked": 0,
		"created": c.created, "creator": c.creator, "context_team_id": s.team.ID,
		"shared_team_ids": []string{s.team.ID}, "topic": c.topic.object(), "purpose": c.purpose.object(),
	}
}

func (n note) object() obj {
	return obj{"value": n.value, "creator": n.creator, "last_set": n.set}
}

// kind is the channel_type of message events.
func (c *channel) kind() string {
	switch {
	case c.im:
		return "im"
	case c.private:
		return "group"
	}
	return "channel"
}

// teamless are the subtypes of messages that do not name the team.
var teamless = []string{"channel_topic", "channel_purpose", "group_topic", "group_purpose", "bot_message", "file_share"}

// messageObject is m as its readers get it; metadata only for those who may.
func (s *Server) messageObject(c *channel, m *message, withMetadata bool) obj {
	o := obj{"type": "message", "ts": m.ts, "text": m.text}
	if !slices.Contains(teamless, m.subtype) {
		o["team"] = s.team.ID
	}
	for k, v := range m.extra {
		o[k] = v
	}
	if m.user != "" {
		o["user"] = m.user
	}
	if u := s.users[m.user]; u != nil && u.TeamID != "" && m.subtype == "" {
		o["team"], o["user_team"], o["source_team"] = u.TeamID, u.TeamID, u.TeamID
	}
	if m.subtype != "" {
		o["subtype"] = m.subtype
	}
	if m.thread != "" {
		o["thread_ts"] = m.thread
	}
	if m.bot {
		o["bot_id"], o["app_id"] = s.botID, s.app.AppID
		if m.subtype != "bot_message" {
			o["bot_profile"] = s.botProfile()
		}
		if m.name != "" {
			o["username"] = m.name
		}
	} else if m.subtype == "" && m.text != "" {
		o["blocks"] = richText(m.ts, m.text)
		o["client_msg_id"] = "00000000-0000-4000-8000-" + strings.ReplaceAll(m.ts, ".", "")[:12]
	}
	if m.blocks != nil {
		o["blocks"] = m.blocks
	}
	if m.attachments != nil {
		o["attachments"] = m.attachments
	}
	if m.edited != nil {
		o["edited"] = m.edited
	}
	if withMetadata && m.metadata != nil {
		o["metadata"] = m.metadata
	}
	if len(m.reactions) > 0 {
		o["reactions"] = reactionObjects(m)
	}
	if len(m.files) > 0 {
		o["files"] = s.fileObjects(m.files)
	}
	if slices.ContainsFunc(c.pins, func(p pin) bool { return p.ts == m.ts }) {
		o["pinned_to"] = []string{c.id}
	}
	if m.thread == m.ts {
		n, users, latest := c.replies(m.ts)
		o["reply_count"], o["reply_users"], o["reply_users_count"], o["latest_reply"] = n, users, len(users), latest
		o["is_locked"], o["subscribed"] = false, true
	} else if p := c.byTS[m.thread]; m.thread != "" && p != nil {
		o["parent_user_id"] = p.user
		if m.subtype == "thread_broadcast" {
			o["root"] = some(s.messageObject(c, p, false), "type", "subtype", "user", "bot_id", "username", "text", "ts", "thread_ts",
				"reply_count", "reply_users", "reply_users_count", "latest_reply")
			delete(o, "parent_user_id")
		}
	}
	return o
}

// some is an object with these names only.
func some(all obj, names ...string) obj {
	o := obj{}
	for _, name := range names {
		if v, has := all[name]; has {
			o[name] = v
		}
	}
	return o
}

func (s *Server) botProfile() obj {
	return obj{
		"id": s.botID, "app_id": s.app.AppID, "name": s.app.Name, "team_id": s.team.ID,
		"deleted": false, "updated": 1700000000, "icons": obj{},
	}
}

func reactionObjects(m *message) []obj {
	out := make([]obj, 0, len(m.reactions))
	for _, r := range m.reactions {
		out = append(out, obj{"name": r.Name, "users": slices.Clone(r.Users), "count": len(r.Users)})
	}
	return out
}

// richText is what Slack's client makes of the text a person typed.
func richText(ts, text string) []any {
	var parts []any
	plain := func(t string) {
		if t != "" {
			parts = append(parts, obj{"type": "text", "text": unescape(t)})
		}
	}
	for text != "" {
		start := strings.IndexByte(text, '<')
		end := strings.IndexByte(text, '>')
		if start < 0 || end < start {
			break
		}
		plain(text[:start])
		parts = append(parts, richLink(text[start+1:end]))
		text = text[end+1:]
	}
	plain(text)
	return []any{obj{
		"type": "rich_text", "block_id": "b" + ts,
		"elements": []any{obj{"type": "rich_text_section", "elements": parts}},
	}}
}

func richLink(inner string) obj {
	target, label, labelled := strings.Cut(inner, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		return obj{"type": "user", "user_id": target[1:]}
	case strings.HasPrefix(target, "#"):
		return obj{"type": "channel", "channel_id": target[1:]}
	case strings.HasPrefix(target, "!subteam^"):
		return obj{"type": "usergroup", "usergroup_id": target[len("!subteam^"):]}
	case strings.HasPrefix(target, "!"):
		return obj{"type": "broadcast", "range": target[1:]}
	case labelled:
		return obj{"type": "link", "url": target, "text": label}
	}
	return obj{"type": "link", "url": target}
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
var unescapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

func escape(t string) string   { return escapes.Replace(t) }
func unescape(t string) string { return unescapes.Replace(t) }
