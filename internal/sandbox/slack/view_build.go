package slack

import (
	"slices"
	"strings"
)

const viewLimit = 200 // messages, unless ViewOptions.Limit says otherwise

// View is what user's client shows now. An unknown user sees nothing.
func (s *Server) View(user string, o ViewOptions) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.person(user)
	if u == nil {
		return View{}
	}
	v := View{
		Me: *u, Team: s.team.Name, Users: s.userList(),
		Channels: []ChannelView{}, Messages: []MessageView{},
		Commands: slices.Clone(s.app.Commands), Shortcuts: slices.Clone(s.app.Shortcuts),
		Notices: slices.Clone(s.notices[u.ID]),
	}
	for _, id := range s.chanOrder {
		if c := s.channels[id]; c.sees(u) {
			v.Channels = append(v.Channels, s.channelView(c, u))
		}
	}
	if c := s.place(o.Channel); o.Channel != "" && c != nil && c.sees(u) {
		v.Messages = s.messageViews(c, u, o)
	}
	if stack := s.stacks[u.ID]; len(stack) > 0 {
		if m := s.views[stack[len(stack)-1]]; m != nil {
			id, _ := m.def["callback_id"].(string)
			v.Modal = &ModalView{ID: m.id, CallbackID: id, View: raw(s.viewObject(m)), Errors: m.errors}
		}
	}
	if h := s.homes[u.ID]; h != nil {
		v.Home = raw(s.viewObject(h))
	}
	return v
}

func (s *Server) channelView(c *channel, u *User) ChannelView {
	v := ChannelView{
		ID: c.id, Name: c.name, Private: c.private, Archived: c.archived, IM: c.im, Member: c.has(u.ID),
		ExtShared: c.extShared, Topic: c.topic.value, Purpose: c.purpose.value, Members: slices.Clone(c.members),
		Bookmarks: []Bookmark{}, Pins: []string{},
	}
	if c.im {
		other := c.members[0]
		if other == u.ID && len(c.members) > 1 {
			other = c.members[1]
		}
		v.Name = s.users[other].Name
	}
	for _, b := range c.bookmarks {
		v.Bookmarks = append(v.Bookmarks, *b)
	}
	for _, p := range c.pins {
		v.Pins = append(v.Pins, p.ts)
	}
	s.countUnread(&v, c, u)
	return v
}

// countUnread counts what came after the person's mark; replies in threads and
// lines Slack writes count only when they mention the person.
func (s *Server) countUnread(v *ChannelView, c *channel, u *User) {
	read, _ := micros(or(c.read[u.ID], "0"))
	for _, m := range slices.Backward(c.messages) {
		if m.only != "" && m.only != u.ID {
			continue
		}
		v.LastTS = or(v.LastTS, m.ts)
		if at, _ := micros(m.ts); at <= read || !v.Member {
			return
		}
		if m.user == u.ID {
			continue
		}
		mentioned := c.im || strings.Contains(m.text, "<@"+u.ID+">") || strings.Contains(m.text, "<!here>") ||
			strings.Contains(m.text, "<!channel>")
		quiet := m.thread != "" && m.thread != m.ts || m.subtype != "" && m.subtype != "bot_message"
		if !quiet {
			v.Unread++
		}
		if mentioned && m.subtype == "" {
			v.Mentions++
		}
	}
}

func (s *Server) messageViews(c *channel, u *User, o ViewOptions) []MessageView {
	limit := o.Limit
	if limit <= 0 {
		limit = viewLimit
	}
	before, _ := micros(or(o.Before, "99999999999"))
	replies := map[string]int{}
	var picked []*message
	for _, m := range slices.Backward(c.messages) {
		if m.only != "" && m.only != u.ID {
			continue
		}
		if m.thread != "" && m.thread != m.ts && m.only == "" {
			replies[m.thread]++
		}
		if at, _ := micros(m.ts); at < before && len(picked) < limit {
			picked = append(picked, m)
		}
	}
	slices.Reverse(picked)
	out := make([]MessageView, 0, len(picked))
	for _, m := range picked {
		v := s.messageView(m)
		v.ReplyCount = replies[m.ts]
		out = append(out, v)
	}
	return out
}

func (s *Server) messageView(m *message) MessageView {
	v := MessageView{
		TS: m.ts, ThreadTS: m.thread, User: m.user, Subtype: m.subtype, Text: m.text,
		Edited: m.edited != nil, Ephemeral: m.only != "", Reactions: []Reaction{}, Files: []File{},
	}
	if m.blocks != nil {
		v.Blocks = raw(m.blocks)
	}
	if m.metadata != nil {
		v.Metadata = raw(m.metadata)
	}
	if m.bot {
		v.BotName = or(m.name, s.app.Name)
	}
	for _, r := range m.reactions {
		v.Reactions = append(v.Reactions, Reaction{Name: r.Name, Users: slices.Clone(r.Users), Count: len(r.Users)})
	}
	for _, id := range m.files {
		f := s.files[id]
		if f == nil {
			continue
		}
		o := s.fileObject(f)
		kind, _ := o["mimetype"].(string)
		link, _ := o["url_private"].(string)
		v.Files = append(v.Files, File{ID: f.id, Name: f.name, Title: or(f.title, f.name), Mimetype: kind, Size: f.want, URL: link})
	}
	return v
}
