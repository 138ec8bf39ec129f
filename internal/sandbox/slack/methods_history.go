package slack

import (
	"slices"
	"strconv"
	"strings"
)

func historyMethods() []Method {
	history := []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	bad := []string{"channel_not_found", "not_in_channel", "invalid_cursor", "invalid_limit", "invalid_ts_latest", "invalid_ts_oldest"}
	return []Method{
		{Name: "conversations.history", Tier: 3, Scopes: history, Errors: bad, do: channelHistory},
		{Name: "conversations.replies", Tier: 3, Scopes: history, Errors: append(slices.Clone(bad), "thread_not_found"), do: threadReplies},
		{Name: "conversations.mark", Tier: 3, Scopes: []string{"channels:manage", "groups:write", "im:write"}, Errors: []string{"channel_not_found", "not_in_channel", "invalid_timestamp"}, do: markRead},
	}
}

// readable finds a channel whose messages the bot may read.
func (s *Server) readable(c *call) (*channel, error) {
	ch, err := s.reach(c, "history")
	if err != nil {
		return nil, err
	}
	if !ch.has(s.botUser) {
		return nil, no("not_in_channel")
	}
	return ch, nil
}

func channelHistory(s *Server, c *call) (obj, error) {
	ch, err := s.readable(c)
	if err != nil {
		return nil, err
	}
	within, err := c.window()
	if err != nil {
		return nil, err
	}
	var all []*message
	for _, m := range slices.Backward(ch.messages) {
		inChannel := m.thread == "" || m.thread == m.ts || m.subtype == "thread_broadcast"
		if inChannel && m.only == "" && within(m.ts) {
			all = append(all, m)
		}
	}
	out, err := s.messagePage(c, ch, all)
	if err != nil {
		return nil, err
	}
	out["pin_count"] = len(ch.pins)
	out["channel_actions_ts"], out["channel_actions_count"] = nil, 0
	return out, nil
}

func threadReplies(s *Server, c *call) (obj, error) {
	ch, err := s.readable(c)
	if err != nil {
		return nil, err
	}
	within, err := c.window()
	if err != nil {
		return nil, err
	}
	head := ch.message(c.str("ts"))
	if head == nil {
		return nil, no("thread_not_found")
	}
	var all []*message
	for _, m := range ch.messages {
		if m == head || m.thread == head.ts && m.only == "" && within(m.ts) {
			all = append(all, m)
		}
	}
	return s.messagePage(c, ch, all)
}

func (s *Server) messagePage(c *call, ch *channel, all []*message) (obj, error) {
	from, to, next, err := c.span(len(all), 100, 999)
	if err != nil {
		return nil, err
	}
	page := make([]obj, 0, to-from)
	for _, m := range all[from:to] {
		page = append(page, s.messageObject(ch, m, c.flag("include_all_metadata")))
	}
	out := obj{"messages": page, "has_more": next != ""}
	if next != "" {
		out["response_metadata"] = meta(next)
	}
	return out, nil
}

// window reads oldest, latest and inclusive.
func (c *call) window() (func(ts string) bool, error) {
	oldest, latest := c.str("oldest"), c.str("latest")
	lo, err := micros(or(oldest, "0"))
	if err != nil {
		return nil, no("invalid_ts_oldest")
	}
	hi, err := micros(or(latest, "99999999999"))
	if err != nil {
		return nil, no("invalid_ts_latest")
	}
	inclusive := c.flag("inclusive")
	return func(ts string) bool {
		t, _ := micros(ts)
		return t > lo && t < hi || inclusive && (oldest != "" && t == lo || latest != "" && t == hi)
	}, nil
}

// micros reads a ts, "seconds.micros", into microseconds.
func micros(ts string) (int64, error) {
	secs, frac, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseUint(secs, 10, 40)
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseUint((frac + "000000")[:6], 10, 32)
	return int64(n)*1e6 + int64(f), err
}

func markRead(s *Server, c *call) (obj, error) {
	ch, err := s.reach(c, "write")
	if err != nil {
		return nil, err
	}
	if !ch.has(s.botUser) {
		return nil, no("not_in_channel")
	}
	if _, err := micros(c.str("ts")); err != nil {
		return nil, no("invalid_timestamp")
	}
	ch.read[s.botUser] = c.str("ts")
	return nil, nil
}
