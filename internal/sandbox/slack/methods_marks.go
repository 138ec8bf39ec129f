package slack

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Limits of marks on channels and messages.
const (
	maxPins      = 100
	maxBookmarks = 100
	maxReactions = 23  // different emoji on one message, for reactions.add: too_many_emoji
	maxTitle     = 255 // runes of a bookmark's title
)

func pinMethods() []Method {
	return []Method{
		{Name: "pins.add", Tier: 2, Scopes: []string{"pins:write"}, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "no_item_specified", "message_not_found", "already_pinned", "too_many_pins"}, do: addPin},
		{Name: "pins.remove", Tier: 2, Scopes: []string{"pins:write"}, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "no_item_specified", "message_not_found", "no_pin"}, do: removePin},
		{Name: "pins.list", Tier: 2, Scopes: []string{"pins:read"}, Errors: []string{"channel_not_found", "not_in_channel"}, do: listPins},
	}
}

// marked finds a channel the bot is in, whatever its kind: pins, bookmarks and
// reactions have scopes of their own.
func (s *Server) marked(where string, toWrite bool) (*channel, error) {
	ch := s.channels[where]
	switch {
	case ch == nil, (ch.private || ch.im) && !ch.has(s.botUser):
		return nil, no("channel_not_found")
	case toWrite && ch.archived:
		return nil, no("is_archived")
	case !ch.has(s.botUser):
		return nil, no("not_in_channel")
	}
	return ch, nil
}

func addPin(s *Server, c *call) (obj, error)    { return s.pinCall(c, true) }
func removePin(s *Server, c *call) (obj, error) { return s.pinCall(c, false) }

func (s *Server) pinCall(c *call, add bool) (obj, error) {
	ch, err := s.marked(c.str("channel"), true)
	if err != nil {
		return nil, err
	}
	ts := c.str("timestamp")
	if ts == "" {
		return nil, no("no_item_specified")
	}
	return nil, s.pin(ch, s.botUser, ts, add)
}

func (s *Server) pin(ch *channel, by, ts string, add bool) error {
	m := ch.message(ts)
	if m == nil {
		return no("message_not_found")
	}
	at := slices.IndexFunc(ch.pins, func(p pin) bool { return p.ts == ts })
	kind := "pin_added"
	switch {
	case add && at >= 0:
		return no("already_pinned")
	case add && len(ch.pins) >= maxPins:
		return no("too_many_pins")
	case !add && at < 0:
		return no("no_pin")
	case add:
		ch.pins = append(slices.Clone(ch.pins), pin{ts: ts, by: by, created: s.now()})
	default:
		kind = "pin_removed"
		ch.pins = slices.Delete(slices.Clone(ch.pins), at, at+1)
	}
	event := obj{
		"type": kind, "user": by, "channel_id": ch.id, "event_ts": s.eventTS(), "item_user": m.user,
		"pin_count": strconv.Itoa(len(ch.pins)), "pinned_info": obj{"channel": ch.id, "pinned_by": by, "pinned_ts": s.now()},
		"item": obj{
			"type": "message", "channel": ch.id, "created": s.now(), "created_by": by, "message": s.pinnedObject(ch, m),
		},
	}
	if !add {
		event["has_pins"] = len(ch.pins) > 0
	}
	s.emit(kind, ch.id, event)
	s.changed()
	return nil
}

// pinnedObject is a message as pins show it: where it is, and nothing of its thread and
// its history.
func (s *Server) pinnedObject(ch *channel, m *message) obj {
	o := some(s.messageObject(ch, m, false), "type", "user", "text", "ts", "team", "app_id", "bot_id", "bot_profile",
		"blocks", "attachments", "files", "pinned_to", "client_msg_id")
	o["permalink"] = s.permalinkOf(ch, m)
	return o
}

func listPins(s *Server, c *call) (obj, error) {
	ch, err := s.marked(c.str("channel"), false)
	if err != nil {
		return nil, err
	}
	items := []obj{}
	for _, p := range slices.Backward(ch.pins) {
		if m := ch.message(p.ts); m != nil {
			items = append(items, obj{
				"type": "message", "channel": ch.id, "created": p.created, "created_by": p.by, "message": s.pinnedObject(ch, m),
			})
		}
	}
	return obj{"items": items}, nil
}

func bookmarkMethods() []Method {
	write := []string{"bookmarks:write"}
	errs := []string{"channel_not_found", "not_in_channel", "is_archived", "not_found", "invalid_link", "invalid_bookmark_type", "bookmark_limit_reached"}
	return []Method{
		{Name: "bookmarks.add", Tier: 2, Scopes: write, Errors: errs, do: addBookmark},
		{Name: "bookmarks.edit", Tier: 2, Scopes: write, Errors: errs, do: editBookmark},
		{Name: "bookmarks.remove", Tier: 2, Scopes: write, Errors: errs, do: removeBookmark},
		{Name: "bookmarks.list", Tier: 3, Scopes: []string{"bookmarks:read"}, Errors: errs, do: listBookmarks},
	}
}

func addBookmark(s *Server, c *call) (obj, error) {
	ch, err := s.marked(c.str("channel_id"), true)
	switch {
	case err != nil:
		return nil, err
	case c.str("type") != "link":
		return nil, no("invalid_bookmark_type")
	case c.str("title") == "" || utf8.RuneCountInString(c.str("title")) > maxTitle:
		return nil, no("invalid_arguments")
	case !isLink(c.str("link")):
		return nil, no("invalid_link")
	case len(ch.bookmarks) >= maxBookmarks:
		return nil, no("bookmark_limit_reached")
	}
	b := &Bookmark{
		ID: s.id("Bk"), ChannelID: ch.id, Title: c.str("title"), Link: c.str("link"), Emoji: c.str("emoji"),
		Type: "link", DateCreated: s.now(), DateUpdated: 0, AppID: s.app.AppID,
	}
	ch.bookmarks = append(ch.bookmarks, b)
	s.changed()
	return obj{"bookmark": *b}, nil
}

func isLink(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (s *Server) bookmark(c *call) (*channel, int, error) {
	ch, err := s.marked(c.str("channel_id"), true)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(ch.bookmarks, func(b *Bookmark) bool { return b.ID == c.str("bookmark_id") })
	if i < 0 {
		return nil, 0, no("not_found")
	}
	return ch, i, nil
}

func editBookmark(s *Server, c *call) (obj, error) {
	ch, i, err := s.bookmark(c)
	if err != nil {
		return nil, err
	}
	if c.has("link") && !isLink(c.str("link")) {
		return nil, no("invalid_link")
	}
	b := *ch.bookmarks[i]
	b.Title, b.Link = or(c.str("title"), b.Title), or(c.str("link"), b.Link)
	if c.has("emoji") {
		b.Emoji = c.str("emoji")
	}
	b.DateUpdated = s.now()
	ch.bookmarks[i] = &b
	s.changed()
	return obj{"bookmark": b}, nil
}

func removeBookmark(s *Server, c *call) (obj, error) {
	ch, i, err := s.bookmark(c)
	if err != nil {
		return nil, err
	}
	ch.bookmarks = slices.Delete(ch.bookmarks, i, i+1)
	s.changed()
	return nil, nil
}

func listBookmarks(s *Server, c *call) (obj, error) {
	ch, err := s.marked(c.str("channel_id"), false)
	if err != nil {
		return nil, err
	}
	out := make([]Bookmark, 0, len(ch.bookmarks))
	for _, b := range ch.bookmarks {
		out = append(out, *b)
	}
	return obj{"bookmarks": out}, nil
}

func reactionMethods() []Method {
	write := []string{"reactions:write"}
	errs := []string{"channel_not_found", "not_in_channel", "is_archived", "message_not_found", "no_item_specified", "invalid_name"}
	return []Method{
		{Name: "reactions.add", Tier: 3, Scopes: write, Errors: append(slices.Clone(errs), "already_reacted", "too_many_emoji"), do: addReaction},
		{Name: "reactions.remove", Tier: 2, Scopes: write, Errors: append(slices.Clone(errs), "no_reaction"), do: removeReaction},
		{Name: "reactions.get", Tier: 3, Scopes: []string{"reactions:read"}, Errors: errs, do: getReactions},
	}
}

// emojiName is the shape of an emoji's name; the sandbox does not know them all.
var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?$`)

func addReaction(s *Server, c *call) (obj, error)    { return s.reactCall(c, true) }
func removeReaction(s *Server, c *call) (obj, error) { return s.reactCall(c, false) }

func (s *Server) reactCall(c *call, add bool) (obj, error) {
	ch, err := s.marked(c.str("channel"), true)
	if err != nil {
		return nil, err
	}
	if c.str("timestamp") == "" {
		return nil, no("no_item_specified")
	}
	return nil, s.react(ch, s.botUser, c.str("timestamp"), c.str("name"), add)
}

func (s *Server) react(ch *channel, by, ts, emoji string, add bool) error {
	m := ch.message(ts)
	if m == nil {
		return no("message_not_found")
	}
	if !emojiName.MatchString(emoji) {
		return no("invalid_name")
	}
	i := slices.IndexFunc(m.reactions, func(r *Reaction) bool { return r.Name == emoji })
	reacted := i >= 0 && slices.Contains(m.reactions[i].Users, by)
	kind := "reaction_added"
	switch {
	case add && reacted:
		return no("already_reacted")
	case add && i < 0 && len(m.reactions) >= maxReactions:
		return no("too_many_emoji")
	case !add && !reacted:
		return no("no_reaction")
	case add && i < 0:
		m.reactions = append(m.reactions, &Reaction{Name: emoji, Users: []string{by}, Count: 1})
	case add:
		m.reactions[i].Users = append(m.reactions[i].Users, by)
		m.reactions[i].Count++
	default:
		kind = "reaction_removed"
		r := m.reactions[i]
		r.Users = slices.DeleteFunc(slices.Clone(r.Users), func(u string) bool { return u == by })
		r.Count = len(r.Users)
		if r.Count == 0 {
			m.reactions = slices.Delete(m.reactions, i, i+1)
		}
	}
	s.emit(kind, ch.id, obj{
		"type": kind, "user": by, "reaction": emoji, "item_user": m.user, "event_ts": s.eventTS(),
		"item": obj{"type": "message", "channel": ch.id, "ts": ts},
	})
	s.changed()
	return nil
}

func getReactions(s *Server, c *call) (obj, error) {
	ch, err := s.marked(c.str("channel"), false)
	if err != nil {
		return nil, err
	}
	m := ch.message(c.str("timestamp"))
	if m == nil {
		return nil, no("message_not_found")
	}
	return obj{"type": "message", "channel": ch.id, "message": s.messageObject(ch, m, false)}, nil
}
