package slack

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// What a person's client can do with messages and channels. People and channels are
// named by id or by name. Every error is an *Error.

// actor finds the person who does something. The caller holds mu.
func (s *Server) actor(user string) (*User, error) {
	u := s.person(user)
	switch {
	case u == nil:
		return nil, &Error{"user_not_found", "There is no " + user + " here."}
	case u.Deleted:
		return nil, &Error{"account_inactive", "This account was deactivated."}
	}
	return u, nil
}

// sees says whether u may know of the channel.
func (c *channel) sees(u *User) bool {
	return c.has(u.ID) || !c.private && !c.im && !u.Guest && u.TeamID == ""
}

// inside finds a person in a channel where they may write. The caller holds mu.
func (s *Server) inside(user, where string) (*User, *channel, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, nil, err
	}
	c := s.place(where)
	switch {
	case c == nil || !c.sees(u):
		return nil, nil, &Error{"channel_not_found", "You do not see a channel " + where + "."}
	case c.archived:
		return nil, nil, &Error{"is_archived", "#" + c.name + " is archived."}
	case !c.has(u.ID):
		return nil, nil, &Error{"not_in_channel", "You are not in #" + c.name + "."}
	}
	return u, c, nil
}

// told turns a refusal into what a client shows.
func told(err error) error {
	if r, is := errors.AsType[*refused](err); is {
		return &Error{Code: r.code}
	}
	return err
}

// Post writes an ordinary message and returns its ts; @name, #channel, @here and
// links are understood as the client does. threadTS is empty or a message's.
func (s *Server) Post(ctx context.Context, user, channel, text, threadTS string) (ts string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s.locked(func() {
		u, c, denied := s.inside(user, channel)
		if err = denied; err != nil {
			return
		}
		m := &message{user: u.ID, text: s.typed(text)}
		switch head := c.message(threadTS); {
		case strings.TrimSpace(text) == "":
			err = &Error{"no_text", "There is nothing to send."}
			return
		case len(m.text) > maxText:
			err = &Error{"msg_too_long", "This message is too long."}
			return
		case threadTS != "" && head == nil:
			err = &Error{"thread_not_found", "That thread is gone."}
			return
		case threadTS != "":
			m.thread = or(head.thread, head.ts)
		}
		s.deliverMessage(c, m)
		ts = m.ts
	})
	return ts, err
}

var tokens = regexp.MustCompile(`https?://[^\s<>]+|@[\w.-]*\w|#[\w-]+`)

// typed is what Slack makes of what a person typed.
func (s *Server) typed(text string) string {
	var out strings.Builder
	at := 0
	for _, span := range tokens.FindAllStringIndex(text, -1) {
		word := text[span[0]:span[1]]
		boundary := span[0] == 0 || !regexp.MustCompile(`[\w.]`).MatchString(text[span[0]-1:span[0]])
		link := ""
		switch {
		case !boundary:
		case strings.HasPrefix(word, "http"):
			link = "<" + escape(word) + ">"
		case word == "@here" || word == "@channel" || word == "@everyone":
			link = "<!" + word[1:] + ">"
		case word[0] == '@':
			link = s.mention(word[1:])
		case word[0] == '#':
			if c := s.place(word); c != nil && !c.im {
				link = "<#" + c.id + "|" + c.name + ">"
			}
		}
		if link != "" {
			out.WriteString(escape(text[at:span[0]]))
			out.WriteString(link)
			at = span[1]
		}
	}
	out.WriteString(escape(text[at:]))
	return out.String()
}

func (s *Server) mention(name string) string {
	if u := s.person(name); u != nil {
		return "<@" + u.ID + ">"
	}
	for _, g := range s.groups {
		if g.Handle == name {
			return "<!subteam^" + g.ID + ">"
		}
	}
	return ""
}

// Edit rewrites one's own message.
func (s *Server) Edit(ctx context.Context, user, channel, ts, text string) error {
	return s.onMessage(ctx, user, channel, ts, func(u *User, c *channelMessage) error {
		if c.m.user != u.ID || c.m.subtype != "" {
			return &Error{"cant_update_message", "You can edit only your own messages."}
		}
		s.rewrite(c.channel, c.m, u.ID, &message{text: s.typed(text)})
		return nil
	})
}

// Delete takes away one's own message; an admin may take away any.
func (s *Server) Delete(ctx context.Context, user, channel, ts string) error {
	return s.onMessage(ctx, user, channel, ts, func(u *User, c *channelMessage) error {
		if c.m.user != u.ID && !u.Admin && c.m.only != u.ID {
			return &Error{"cant_delete_message", "You can delete only your own messages."}
		}
		s.takeAway(c.channel, c.m)
		return nil
	})
}

// React adds or takes away the person's emoji under a message.
func (s *Server) React(ctx context.Context, user, channel, ts, emoji string, add bool) error {
	return s.onMessage(ctx, user, channel, ts, func(u *User, c *channelMessage) error {
		return s.react(c.channel, u.ID, ts, strings.Trim(emoji, ":"), add)
	})
}

// Pin pins a message or takes the pin out.
func (s *Server) Pin(ctx context.Context, user, channel, ts string, add bool) error {
	return s.onMessage(ctx, user, channel, ts, func(u *User, c *channelMessage) error {
		return s.pin(c.channel, u.ID, ts, add)
	})
}

type channelMessage struct {
	channel *channel
	m       *message
}

// onMessage finds a message the person sees, in a channel they are in, and does
// something with it under mu.
func (s *Server) onMessage(ctx context.Context, user, where, ts string, do func(*User, *channelMessage) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, c, denied := s.inside(user, where)
		if err = denied; err != nil {
			return
		}
		m := c.byTS[ts]
		if m == nil || m.only != "" && m.only != u.ID {
			err = &Error{"message_not_found", "That message is gone."}
			return
		}
		err = told(do(u, &channelMessage{c, m}))
	})
	return err
}

// Join makes the person a member of a public channel.
func (s *Server) Join(ctx context.Context, user, channel string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, denied := s.actor(user)
		if err = denied; err != nil {
			return
		}
		c := s.place(channel)
		switch {
		case c == nil || !c.sees(u) || c.im:
			err = &Error{"channel_not_found", "You do not see a channel " + channel + "."}
		case c.archived:
			err = &Error{"is_archived", "#" + c.name + " is archived."}
		case !c.has(u.ID):
			s.joinAs(c, u.ID, "")
		}
	})
	return err
}

// Leave ends a membership.
func (s *Server) Leave(ctx context.Context, user, channel string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, c, denied := s.inside(user, channel)
		if err = denied; err != nil {
			return
		}
		if c.im {
			err = &Error{"method_not_supported_for_channel_type", "A direct message cannot be left."}
			return
		}
		s.leaveAs(c, u.ID)
	})
	return err
}

// Invite brings another person, or the app, into a channel the person is in.
func (s *Server) Invite(ctx context.Context, user, channel, other string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, c, denied := s.inside(user, channel)
		if err = denied; err != nil {
			return
		}
		o := s.person(other)
		switch {
		case o == nil || o.Deleted || c.im:
			err = &Error{"cant_invite", other + " cannot be invited."}
		case u.Guest:
			err = &Error{"restricted_action", "Guests cannot invite."}
		case !c.has(o.ID):
			s.joinAs(c, o.ID, u.ID)
		}
	})
	return err
}

// Archive closes a channel by a person's hand; reopen with open set.
func (s *Server) Archive(ctx context.Context, user, channel string, open bool) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.locked(func() {
		u, denied := s.actor(user)
		if err = denied; err != nil {
			return
		}
		c := s.place(channel)
		switch {
		case c == nil || !c.sees(u) || c.im:
			err = &Error{"channel_not_found", "You do not see a channel " + channel + "."}
		case u.Guest:
			err = &Error{"restricted_action", "Guests cannot do this."}
		case c.archived != open:
			err = &Error{"already_archived", "Nothing to do."}
		default:
			s.archive(c, u.ID, !open)
		}
	})
	return err
}

// Read marks a channel read up to ts; empty: up to its newest message.
func (s *Server) Read(user, channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c := s.person(user), s.place(channel)
	if u == nil || c == nil || !c.has(u.ID) {
		return
	}
	if ts == "" && len(c.messages) > 0 {
		ts = c.messages[len(c.messages)-1].ts
	}
	if ts != c.read[u.ID] {
		c.read[u.ID] = ts
		s.changed()
	}
}

// DM returns the id of the direct messages of two people; empty when one of them
// does not exist.
func (s *Server) DM(user, other string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := s.person(user), s.person(other)
	if a == nil || b == nil {
		return ""
	}
	c, _ := s.direct(a.ID, b.ID)
	return c.id
}

// Deactivate ends a person's account, as an administrator does.
func (s *Server) Deactivate(user string) {
	s.locked(func() {
		u := s.person(user)
		if u == nil || u.Deleted {
			return
		}
		gone := *u
		gone.Deleted = true
		s.users[u.ID] = &gone
		for _, c := range s.channels {
			if !c.im {
				c.members = slices.DeleteFunc(slices.Clone(c.members), func(m string) bool { return m == u.ID })
			}
		}
		s.emitUser("user_change", &gone)
		s.changed()
	})
}
