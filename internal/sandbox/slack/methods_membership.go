package slack

import (
	"slices"
)

const maxInvites = 100 // users in one conversations.invite; its "users" argument

func membershipMethods() []Method {
	manage := []string{"channels:manage", "groups:write", "im:write"}
	invite := append(slices.Clone(manage), "channels:write.invites", "groups:write.invites")
	return []Method{
		{Name: "conversations.invite", Tier: 3, Scopes: invite, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "no_user", "user_not_found", "cant_invite_self", "cant_invite", "already_in_channel", "too_many_users", "method_not_supported_for_channel_type"}, do: inviteUsers},
		{Name: "conversations.kick", Tier: 3, Scopes: manage, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "user_not_found", "cant_kick_self", "cant_kick_from_general", "method_not_supported_for_channel_type"}, do: kickUser},
		{Name: "conversations.join", Tier: 3, Scopes: []string{"channels:join"}, Errors: []string{"channel_not_found", "is_archived", "method_not_supported_for_channel_type"}, do: joinConversation},
		{Name: "conversations.leave", Tier: 3, Scopes: manage, Errors: []string{"channel_not_found", "is_archived", "method_not_supported_for_channel_type"}, do: leaveConversation},
		{Name: "conversations.members", Tier: 4, Scopes: []string{"channels:read", "groups:read", "im:read", "mpim:read"}, Errors: []string{"channel_not_found", "invalid_cursor", "invalid_limit"}, do: listMembers},
		{Name: "conversations.open", Tier: 3, Scopes: []string{"im:write", "mpim:write"}, Errors: []string{"channel_not_found", "user_not_found", "user_disabled", "users_list_not_supplied", "method_not_supported_for_channel_type"}, do: openConversation},
	}
}

func inviteUsers(s *Server, c *call) (obj, error) {
	ch, err := s.room(c, "write.invites")
	if err != nil {
		return nil, err
	}
	ids := c.list("users")
	switch {
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case len(ids) == 0:
		return nil, no("no_user")
	case len(ids) > maxInvites:
		return nil, no("too_many_users")
	}
	// All or nothing, unless force=true: one bad id spoils the list.
	var good []string
	var bad []obj
	for _, id := range ids {
		if code := s.invitable(ch, id); code != "" {
			bad = append(bad, obj{"user": id, "ok": false, "error": code})
			continue
		}
		if !slices.Contains(good, id) {
			good = append(good, id)
		}
	}
	if len(bad) > 0 && (!c.flag("force") || len(good) == 0) {
		code, _ := bad[0]["error"].(string)
		return nil, &refused{code, obj{"errors": bad}}
	}
	for _, id := range good {
		s.joinAs(ch, id, s.botUser)
	}
	out := obj{"channel": s.channelObject(ch)}
	if len(bad) > 0 {
		out["errors"] = bad
	}
	return out, nil
}

func (s *Server) invitable(ch *channel, id string) (code string) {
	u := s.users[id]
	switch {
	case id == s.botUser:
		return "cant_invite_self"
	case u == nil:
		return "user_not_found"
	case u.Deleted || id == "USLACKBOT" || len(ch.members) >= maxMembers:
		return "cant_invite"
	case ch.has(id):
		return "already_in_channel"
	}
	return ""
}

// joinAs makes user a member; by invited them, or is empty. The app hears of it.
func (s *Server) joinAs(ch *channel, user, by string) {
	ch.members = append(slices.Clone(ch.members), user)
	ch.read[user] = "0000000000.000000"
	if len(ch.messages) > 0 {
		ch.read[user] = ch.messages[len(ch.messages)-1].ts
	}
	sub := map[bool]string{false: "channel_join", true: "group_join"}[ch.private]
	event := obj{
		"type": "member_joined_channel", "user": user, "channel": ch.id,
		"channel_type": map[bool]string{false: "C", true: "G"}[ch.private], "team": s.team.ID,
	}
	var more obj
	if by != "" {
		event["inviter"] = by
		more = obj{"inviter": by}
	}
	s.said(ch, user, sub, "<@"+user+"> has joined the channel", more)
	s.emit("member_joined_channel", ch.id, event)
	s.changed()
}

// leaveAs ends a membership, and tells the app while it is still there.
func (s *Server) leaveAs(ch *channel, user string) {
	sub := map[bool]string{false: "channel_leave", true: "group_leave"}[ch.private]
	s.said(ch, user, sub, "<@"+user+"> has left the channel", nil)
	s.emit("member_left_channel", ch.id, obj{
		"type": "member_left_channel", "user": user, "channel": ch.id,
		"channel_type": map[bool]string{false: "C", true: "G"}[ch.private], "team": s.team.ID,
	})
	if user == s.botUser {
		kind := map[bool]string{false: "channel_left", true: "group_left"}[ch.private]
		s.emit(kind, ch.id, obj{"type": kind, "channel": ch.id, "actor_id": user})
	}
	ch.members = slices.DeleteFunc(slices.Clone(ch.members), func(m string) bool { return m == user })
	s.changed()
}

func kickUser(s *Server, c *call) (obj, error) {
	ch, err := s.room(c, "write")
	if err != nil {
		return nil, err
	}
	id := c.str("user")
	switch {
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case s.users[id] == nil:
		return nil, no("user_not_found")
	case id == s.botUser:
		return nil, no("cant_kick_self")
	case ch.general:
		return nil, no("cant_kick_from_general")
	case !ch.has(id):
		return nil, no("not_in_channel")
	}
	s.leaveAs(ch, id)
	return nil, nil
}

func joinConversation(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "join")
	switch {
	case ch != nil && (ch.private || ch.im):
		return nil, no("method_not_supported_for_channel_type")
	case err != nil:
		return nil, err
	case ch.archived:
		return nil, no("is_archived")
	case ch.has(s.botUser):
		return obj{
			"channel": s.channelObject(ch), "warning": "already_in_channel",
			"response_metadata": obj{"warnings": []string{"already_in_channel"}},
		}, nil
	}
	s.joinAs(ch, s.botUser, "")
	return obj{"channel": s.channelObject(ch)}, nil
}

func leaveConversation(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "write")
	switch {
	case err != nil:
		return nil, err
	case ch.im:
		return nil, no("method_not_supported_for_channel_type")
	case ch.archived:
		return nil, no("is_archived")
	case !ch.has(s.botUser):
		return obj{"not_in_channel": true}, nil
	}
	s.leaveAs(ch, s.botUser)
	return nil, nil
}

func listMembers(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "read")
	if err != nil {
		return nil, err
	}
	from, to, next, err := c.span(len(ch.members), 100, 1000)
	if err != nil {
		return nil, err
	}
	return obj{"members": slices.Clone(ch.members[from:to]), "response_metadata": meta(next)}, nil
}

func openConversation(s *Server, c *call) (obj, error) {
	if id := c.str("channel"); id != "" {
		ch := s.channels[id]
		if ch == nil || !ch.im || !ch.has(s.botUser) {
			return nil, no("channel_not_found")
		}
		return obj{"channel": obj{"id": ch.id}, "already_open": true}, nil
	}
	ids := c.list("users")
	switch {
	case len(ids) == 0:
		return nil, no("users_list_not_supplied")
	case len(ids) > 1: // group direct messages are not part of the sandbox
		return nil, no("method_not_supported_for_channel_type")
	}
	u := s.users[ids[0]]
	switch {
	case u == nil:
		return nil, no("user_not_found")
	case u.Deleted:
		return nil, no("user_disabled")
	}
	ch, fresh := s.direct(s.botUser, u.ID)
	out := obj{"channel": obj{"id": ch.id}}
	if c.flag("return_im") {
		out["channel"] = s.channelObject(ch)
	}
	if !fresh {
		out["no_op"], out["already_open"] = true, true
	}
	return out, nil
}

// direct finds or makes the direct messages of two.
func (s *Server) direct(a, b string) (ch *channel, fresh bool) {
	for _, id := range s.chanOrder {
		if c := s.channels[id]; c.im && c.has(a) && c.has(b) && (a != b || len(c.members) == 1) {
			return c, false
		}
	}
	ch = s.makeChannel("", false, a)
	delete(s.channels, ch.id)
	ch.id = "D" + ch.id[1:]
	s.chanOrder[len(s.chanOrder)-1] = ch.id
	s.channels[ch.id] = ch
	ch.im, ch.members = true, []string{a}
	if b != a {
		ch.members = append(ch.members, b)
	}
	s.changed()
	return ch, true
}
