package slack

import (
	"slices"
	"strings"
	"time"
)

// UserGroup is an @group of people.
type UserGroup struct {
	ID      string   `json:"id"`
	Handle  string   `json:"handle"`
	Name    string   `json:"name"`
	Members []string `json:"users"`
}

func userMethods() []Method {
	read := []string{"users:read"}
	return []Method{
		{Name: "users.list", Tier: 2, Scopes: read, Errors: []string{"invalid_cursor", "invalid_limit"}, do: listUsers},
		{Name: "users.info", Tier: 4, Scopes: read, Errors: []string{"user_not_found"}, do: userInfo},
		{Name: "users.lookupByEmail", Tier: 3, Scopes: []string{"users:read.email"}, Errors: []string{"users_not_found"}, do: lookupByEmail},
		{Name: "users.conversations", Tier: 3, Scopes: []string{"channels:read", "groups:read", "im:read", "mpim:read"}, Errors: []string{"invalid_cursor", "invalid_types", "user_not_found"}, do: userConversations},
		{Name: "users.profile.get", Tier: 4, Scopes: []string{"users.profile:read"}, Errors: []string{"user_not_found"}, do: userProfile},
		{Name: "usergroups.list", Tier: 2, Scopes: []string{"usergroups:read"}, do: listGroups},
		{Name: "usergroups.users.list", Tier: 2, Scopes: []string{"usergroups:read"}, Errors: []string{"no_such_subteam"}, do: groupUsers},
	}
}

// AddUserGroup adds an @group; members are named by id or name.
func (s *Server) AddUserGroup(handle, name string, members ...string) UserGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &UserGroup{ID: s.id("S"), Handle: handle, Name: name, Members: []string{}}
	for _, m := range members {
		if u := s.person(m); u != nil {
			g.Members = append(g.Members, u.ID)
		}
	}
	s.groups = append(s.groups, g)
	return *g
}

// userObject is a user with everything a client may know; see seen.
func (s *Server) userObject(u *User) obj {
	zone, err := time.LoadLocation(u.TZ)
	if err != nil {
		zone = time.UTC
	}
	label, offset := s.clock.Now().In(zone).Zone()
	o := obj{
		"id": u.ID, "team_id": or(u.TeamID, s.team.ID), "name": u.Name, "deleted": u.Deleted, "color": "9f69e7",
		"profile": s.profileObject(u), "is_bot": u.Bot, "is_app_user": false, "updated": 1700000000,
	}
	if u.Deleted {
		return o
	}
	if u.TeamID != "" {
		o["is_stranger"] = false // they share a channel with the app
	}
	for k, v := range (obj{
		"real_name": u.RealName, "tz": u.TZ, "tz_label": label, "tz_offset": offset,
		"is_admin": u.Admin, "is_owner": false, "is_primary_owner": false,
		"is_restricted": u.Guest, "is_ultra_restricted": u.Single, "is_email_confirmed": !u.Bot,
		"who_can_share_contact_card": "EVERYONE",
	}) {
		o[k] = v
	}
	return o
}

// emitUser tells of a person with what only events tell of them.
func (s *Server) emitUser(kind string, u *User) {
	o := s.userObject(u)
	if !u.Deleted {
		o["locale"] = "en-US"
	}
	if p, is := o["profile"].(obj); is {
		p["fields"] = obj{}
	}
	s.emit(kind, "", obj{"type": kind, "user": o, "cache_ts": s.now()})
}

func (s *Server) profileObject(u *User) obj {
	first, last, _ := strings.Cut(u.RealName, " ")
	o := obj{
		"title": u.Title, "phone": "", "skype": "", "real_name": u.RealName, "real_name_normalized": u.RealName,
		"first_name": first, "last_name": last, "status_text_canonical": "", "status_emoji_display_info": []any{},
		"display_name": or(u.Display, u.Name), "display_name_normalized": or(u.Display, u.Name), "status_text": "",
		"status_emoji": "", "status_expiration": 0, "team": or(u.TeamID, s.team.ID), "avatar_hash": "g" + u.ID,
	}
	if u.Email != "" {
		o["email"] = u.Email
	}
	for _, size := range []string{"24", "32", "48", "72", "192", "512"} {
		o["image_"+size] = s.base + "/avatars/" + u.ID + "-" + size + ".png"
	}
	if u.ID == s.botUser {
		o["api_app_id"], o["bot_id"] = s.app.AppID, s.botID
	}
	return o
}

// seen is the user as this token may see it: without users:read.email no address.
func (s *Server) seen(c *call, u *User) obj {
	o := s.userObject(u)
	if p, _ := o["profile"].(obj); c.need("users:read.email") != nil {
		delete(p, "email")
	}
	return o
}

func listUsers(s *Server, c *call) (obj, error) {
	from, to, next, err := c.span(len(s.userOrder), 1000, 1000)
	if err != nil {
		return nil, err
	}
	page := make([]obj, 0, to-from)
	for _, id := range s.userOrder[from:to] {
		page = append(page, s.seen(c, s.users[id]))
	}
	return obj{"members": page, "cache_ts": s.now(), "response_metadata": meta(next)}, nil
}

func userInfo(s *Server, c *call) (obj, error) {
	u := s.users[c.str("user")]
	if u == nil {
		return nil, no("user_not_found")
	}
	return obj{"user": s.seen(c, u)}, nil
}

func lookupByEmail(s *Server, c *call) (obj, error) {
	for _, id := range s.userOrder {
		u := s.users[id]
		if u.Email != "" && strings.EqualFold(u.Email, c.str("email")) && !u.Deleted {
			return obj{"user": s.seen(c, u)}, nil
		}
	}
	return nil, no("users_not_found")
}

func userConversations(s *Server, c *call) (obj, error) {
	who := or(c.str("user"), s.botUser)
	if s.users[who] == nil {
		return nil, no("user_not_found")
	}
	types := c.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	scopes := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}
	for _, t := range types {
		if scopes[t] == "" {
			return nil, no("invalid_types")
		}
		if err := c.need(scopes[t]); err != nil {
			return nil, err
		}
	}
	var all []*channel
	for _, id := range s.chanOrder {
		ch := s.channels[id]
		kind := map[string]string{"im": "im", "group": "private_channel", "channel": "public_channel"}[ch.kind()]
		hidden := kind != "public_channel" && !ch.has(s.botUser) || c.flag("exclude_archived") && ch.archived
		if ch.has(who) && !hidden && slices.Contains(types, kind) {
			all = append(all, ch)
		}
	}
	from, to, next, err := c.span(len(all), 100, 999)
	if err != nil {
		return nil, err
	}
	page := make([]obj, 0, to-from)
	for _, ch := range all[from:to] {
		o := s.channelObject(ch)
		delete(o, "is_member") // it is about somebody else's membership
		page = append(page, o)
	}
	return obj{"channels": page, "response_metadata": meta(next)}, nil
}

func userProfile(s *Server, c *call) (obj, error) {
	u := s.users[or(c.str("user"), s.botUser)]
	if u == nil {
		return nil, no("user_not_found")
	}
	p, _ := s.seen(c, u)["profile"].(obj)
	delete(p, "team") // whoever asks for a profile alone is not told it
	return obj{"profile": p}, nil
}

func listGroups(s *Server, c *call) (obj, error) {
	out := make([]obj, 0, len(s.groups))
	for _, g := range s.groups {
		o := obj{
			"id": g.ID, "team_id": s.team.ID, "is_usergroup": true, "name": g.Name, "handle": g.Handle,
			"description": "", "is_external": false, "date_create": 1700000000, "date_update": 1700000000,
			"date_delete": 0, "auto_type": nil, "user_count": len(g.Members),
			"prefs": obj{"channels": []string{}, "groups": []string{}},
		}
		if c.flag("include_users") {
			o["users"] = slices.Clone(g.Members)
		}
		out = append(out, o)
	}
	return obj{"usergroups": out}, nil
}

func groupUsers(s *Server, c *call) (obj, error) {
	for _, g := range s.groups {
		if g.ID == c.str("usergroup") {
			return obj{"users": slices.Clone(g.Members)}, nil
		}
	}
	return nil, no("no_such_subteam")
}
