package slack

import (
	"slices"
	"strings"
	"time"
)

// Limits of scheduled messages. https://docs.slack.dev/reference/methods/chat.scheduleMessage
const (
	maxAhead    = 120 * 24 * time.Hour
	maxPer5Mins = 30 // in one channel within five minutes
	fiveMinutes = 300
)

type scheduledMessage struct {
	id, channel string
	post        int64
	created     int64
	call        *call
	stop        func() bool
}

func scheduleMethods() []Method {
	write := []string{"chat:write"}
	return []Method{
		{Name: "chat.scheduleMessage", Tier: 3, Scopes: write, Errors: []string{"channel_not_found", "not_in_channel", "is_archived", "invalid_time", "time_in_past", "time_too_far", "restricted_too_many", "no_text", "invalid_blocks"}, do: scheduleMessage},
		{Name: "chat.deleteScheduledMessage", Tier: 3, Scopes: write, Errors: []string{"channel_not_found", "invalid_scheduled_message_id"}, do: deleteScheduled},
		{Name: "chat.scheduledMessages.list", Tier: 3, Errors: []string{"invalid_channel", "invalid_cursor"}, do: listScheduled},
	}
}

func scheduleMessage(s *Server, c *call) (obj, error) {
	ch, err := s.target(c)
	if err != nil {
		return nil, err
	}
	m := &message{}
	if err := c.content(m); err != nil {
		return nil, err
	}
	at := int64(c.number("post_at", 0))
	now := s.now()
	switch {
	case at == 0:
		return nil, no("invalid_time")
	case at <= now:
		return nil, no("time_in_past")
	case at > now+int64(maxAhead/time.Second):
		return nil, no("time_too_far")
	}
	near := 0
	for _, other := range s.scheduled {
		if other.channel == ch.id && other.post/fiveMinutes == at/fiveMinutes {
			near++
		}
	}
	if near >= maxPer5Mins || len(s.scheduled) >= maxKept {
		return nil, no("restricted_too_many")
	}
	q := &scheduledMessage{id: s.id("Q"), channel: ch.id, post: at, created: now, call: c}
	s.scheduled[q.id] = q
	// The clock may call at once, so it must not be asked under mu.
	s.after = append(s.after, func() {
		stop := s.clock.AfterFunc(time.Duration(at-now)*time.Second, func() { s.postScheduled(q.id) })
		s.mu.Lock()
		defer s.mu.Unlock()
		q.stop = stop
	})
	return obj{"channel": ch.id, "scheduled_message_id": q.id, "post_at": at, "message": obj{
		"text": m.text, "type": "delayed_message", "bot_id": s.botID, "app_id": s.app.AppID, "team": s.team.ID,
	}}, nil
}

func (s *Server) postScheduled(id string) {
	s.locked(func() {
		q := s.scheduled[id]
		if q == nil || s.ctx.Err() != nil {
			return
		}
		delete(s.scheduled, id)
		if _, err := postMessage(s, q.call); err != nil {
			s.log.Warn("scheduled message not posted", "id", id, "error", err)
		}
	})
}

func deleteScheduled(s *Server, c *call) (obj, error) {
	q := s.scheduled[c.str("scheduled_message_id")]
	if s.channels[c.str("channel")] == nil {
		return nil, no("channel_not_found")
	}
	// Slack refuses within a minute of the posting.
	if q == nil || q.channel != c.str("channel") || q.post-s.now() < 60 {
		return nil, no("invalid_scheduled_message_id")
	}
	delete(s.scheduled, q.id)
	if q.stop != nil {
		s.after = append(s.after, func() { q.stop() })
	}
	return nil, nil
}

func listScheduled(s *Server, c *call) (obj, error) {
	var all []*scheduledMessage
	for _, q := range s.scheduled {
		if where := c.str("channel"); where == "" || where == q.channel {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *scheduledMessage) int { return strings.Compare(a.id, b.id) })
	from, to, next, err := c.span(len(all), 100, 100)
	if err != nil {
		return nil, err
	}
	page := make([]obj, 0, to-from)
	for _, q := range all[from:to] {
		page = append(page, obj{
			"id": q.id, "channel_id": q.channel, "post_at": q.post, "date_created": q.created, "text": q.call.str("text"),
		})
	}
	return obj{"scheduled_messages": page, "response_metadata": meta(next)}, nil
}
