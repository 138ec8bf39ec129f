package slack

import (
	"slices"
	"unicode/utf8"
)

const maxTopic = 250 // runes, of a topic or a purpose

func conversationMethods() []Method {
	manage := []string{"channels:manage", "groups:write", "im:write"}
	read := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	topic := append(slices.Clone(manage), "channels:write.topic", "groups:write.topic")
	return []Method{
		{Name: "conversations.create", Tier: 2, Scopes: []string{"channels:manage", "groups:write"}, Errors: []string{"name_taken", "invalid_name_required", "invalid_name_maxlength", "invalid_name_punctuation", "invalid_name_specials"}, do: createConversation},
		{Name: "conversations.list", Tier: 2, Scopes: read, Errors: []string{"invalid_cursor", "invalid_limit", "invalid_types"}, do: listConversations},
		{Name: "conversations.info", Tier: 3, Scopes: read, Errors: []string{"channel_not_found"}, do: conversationInfo},
		{Name: "conversations.archive", Tier: 2, Scopes: manage, Errors: []string{"channel_not_found", "already_archived", "not_in_channel", "method_not_supported_for_channel_type"}, do: archiveConversation},
		{Name: "conversations.unarchive", Tier: 2, Scopes: manage, Errors: []string{"channel_not_found", "not_archived"}, do: unarchiveConversation},
		{Name: "conversations.rename", Tier: 2, Scopes: manage, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "name_taken", "not_authorized", "invalid_name_required", "invalid_name_maxlength", "invalid_name_punctuation", "invalid_name_specials"}, do: renameConversation},
		{Name: "conversations.setTopic", Tier: 2, Scopes: topic, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "too_long"}, do: setTopic},
		{Name: "conversations.setPurpose", Tier: 2, Scopes: topic, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "too_long"}, do: setPurpose},
	}
}

// reach finds a channel the bot may know of and has the scope for. Private channels
// the bot is not in do not exist for it.
func (s *Server) reach(c *call, deed string) (*channel, error) {
	ch := s.channels[c.str("channel")]
	if ch == nil || (ch.private || ch.im) && !ch.has(s.botUser) {
		return nil, no("channel_not_found")
	}
	return ch, c.need(ch.scope(deed)...)
}

// room is reach, and the bot must be a member of a channel that is not archived.
func (s *Server) room(c *call, deed string) (*channel, error) {
	ch, err := s.reach(c, deed)
	if err != nil {
		return nil, err
	}
	if ch.archived {
		return nil, no("is_archived")
	}
	if !ch.has(s.botUser) {
		return nil, no("not_in_channel")
	}
	return ch, nil
}

func createConversation(s *Server, c *call) (obj, error) {
	private := c.flag("is_private")
	deed := (&channel{private: private}).scope("write")
	if err := c.need(deed...); err != nil {
		return nil, err
	}
	name := c.str("name")
	if err := checkName(name); err != nil {
		return nil, err
	}
	if s.nameTaken(name, nil) {
		return nil, no("name_taken")
	}
	ch := s.makeChannel(name, private, s.botUser)
	if !private {
		s.emit("channel_created", "", obj{"type": "channel_created", "channel": obj{
			"id": ch.id, "name": name, "name_normalized": name, "created": ch.created, "creator": s.botUser,
			"is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_private": false, "is_general": false,
			"is_archived": false, "is_frozen": false, "is_shared": false, "is_org_shared": false, "is_ext_shared": false,
			"is_pending_ext_shared": false, "context_team_id": s.team.ID,
		}})
	}
	s.said(ch, s.botUser, "channel_join", "<@"+s.botUser+"> has joined the channel", nil)
	s.changed()
	return obj{"channel": s.channelObject(ch)}, nil
}

func listConversations(s *Server, c *call) (obj, error) {
	types := c.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	for _, t := range types {
		scope, known := map[string]string{
			"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read",
		}[t]
		if !known {
			return nil, no("invalid_types")
		}
		if err := c.need(scope); err != nil {
			return nil, err
		}
	}
	var all []*channel
	for _, id := range s.chanOrder {
		ch := s.channels[id]
		kind := map[string]string{"im": "im", "group": "private_channel", "channel": "public_channel"}[ch.kind()]
		if !slices.Contains(types, kind) || kind != "public_channel" && !ch.has(s.botUser) {
			continue
		}
		if c.flag("exclude_archived") && ch.archived {
			continue
		}
		all = append(all, ch)
	}
	from, to, next, err := c.span(len(all), 100, 1000)
	if err != nil {
		return nil, err
	}
	page := make([]obj, 0, to-from)
	for _, ch := range all[from:to] {
		o := s.channelObject(ch)
		o["num_members"] = len(ch.members)
		page = append(page, o)
	}
	return obj{"channels": page, "response_metadata": meta(next)}, nil
}

func conversationInfo(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "read")
	if err != nil {
		return nil, err
	}
	o := s.channelObject(ch)
	if ch.has(s.botUser) {
		o["last_read"] = or(ch.read[s.botUser], "0000000000.000000")
	}
	if c.flag("include_num_members") {
		o["num_members"] = len(ch.members)
	}
	return obj{"channel": o}, nil
}

func archiveConversation(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "write")
	switch {
	case err != nil:
		return nil, err
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, no("already_archived")
	case !ch.has(s.botUser):
		return nil, no("not_in_channel")
	}
	s.archive(ch, s.botUser, true)
	return nil, nil
}

func unarchiveConversation(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "write")
	switch {
	case err != nil:
		return nil, err
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case !ch.archived:
		return nil, no("not_archived")
	}
	s.archive(ch, s.botUser, false)
	return nil, nil
}

// archive closes or reopens a channel and tells.
func (s *Server) archive(ch *channel, by string, closed bool) {
	ch.archived = closed
	deed := "unarchive"
	if closed {
		deed = "archive"
	}
	kind := "channel_" + deed
	if ch.private {
		kind = "group_" + deed
	}
	s.said(ch, by, kind, deed+"d the channel", nil)
	event := obj{"type": kind, "channel": ch.id, "user": by}
	switch kind {
	case "group_archive":
		event["is_moved"] = 0
	case "group_unarchive":
		event = obj{"type": kind, "channel": ch.id, "actor_id": by}
	}
	s.emit(kind, ch.id, event)
	s.changed()
}

func renameConversation(s *Server, c *call) (obj, error) {
	ch, err := s.room(c, "write")
	if err != nil {
		return nil, err
	}
	name := c.str("name")
	switch err := checkName(name); {
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case ch.creator != s.botUser: // a bot renames only what it made
		return nil, no("not_authorized")
	case err != nil:
		return nil, err
	case s.nameTaken(name, ch):
		return nil, no("name_taken")
	}
	old := ch.name
	if old != name {
		ch.previous, ch.name = append(slices.Clone(ch.previous), old), name
		kind := map[bool]string{false: "channel_rename", true: "group_rename"}[ch.private]
		sub := map[bool]string{false: "channel_name", true: "group_name"}[ch.private]
		s.said(ch, s.botUser, sub, "has renamed the channel from \""+old+"\" to \""+name+"\"",
			obj{"old_name": old, "name": name})
		s.emit(kind, ch.id, obj{"type": kind, "channel": obj{
			"id": ch.id, "name": name, "name_normalized": name, "created": ch.created,
			"is_channel": !ch.private, "is_mpim": false,
		}})
		s.changed()
	}
	return obj{"channel": s.channelObject(ch)}, nil
}

func setTopic(s *Server, c *call) (obj, error)   { return s.setNote(c, "topic") }
func setPurpose(s *Server, c *call) (obj, error) { return s.setNote(c, "purpose") }

func (s *Server) setNote(c *call, which string) (obj, error) {
	ch, err := s.room(c, "write.topic")
	if err != nil {
		return nil, err
	}
	text := escape(unescape(c.str(which)))
	if utf8.RuneCountInString(unescape(text)) > maxTopic {
		return nil, no("too_long")
	}
	n := &ch.topic
	if which == "purpose" {
		n = &ch.purpose
	}
	if n.value != text {
		*n = note{text, s.botUser, s.now()}
		sub := map[bool]string{false: "channel_", true: "group_"}[ch.private] + which
		s.said(ch, s.botUser, sub, "set the channel "+which+": "+text, obj{which: text})
		s.changed()
	}
	return obj{"channel": s.channelObject(ch)}, nil
}
