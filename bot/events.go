package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// eventIn is an event of the Events API. https://docs.slack.dev/apis/events-api
type eventIn struct {
	Type      string    `json:"type"`
	Challenge string    `json:"challenge"`
	TeamID    string    `json:"team_id"`
	EventID   string    `json:"event_id"`
	EventTime int64     `json:"event_time"` // unix seconds
	Event     eventBody `json:"event"`
}

type eventBody struct {
	Type        string  `json:"type"`
	Subtype     string  `json:"subtype"`
	User        string  `json:"user"`
	BotID       string  `json:"bot_id"`
	Text        string  `json:"text"`
	TS          string  `json:"ts"`
	ThreadTS    string  `json:"thread_ts"`
	Channel     channel `json:"channel"`
	ChannelType string  `json:"channel_type"`
	UserTeam    string  `json:"user_team"`
	Tab         string  `json:"tab"`
	Reaction    string  `json:"reaction"`
	ItemUser    string  `json:"item_user"`
	Item        struct {
		Type    string `json:"type"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	} `json:"item"`

	raw json.RawMessage // as it came, for what is captured of it
}

// UnmarshalJSON keeps the event as it came, beside the fields that are acted upon.
func (e *eventBody) UnmarshalJSON(b []byte) error {
	type plain eventBody
	if err := json.Unmarshal(b, (*plain)(e)); err != nil {
		return err
	}
	e.raw = slices.Clone(b)
	return nil
}

// MarshalJSON gives it as it came.
func (e eventBody) MarshalJSON() ([]byte, error) {
	if len(e.raw) == 0 {
		return []byte("{}"), nil
	}
	return e.raw, nil
}

// channel is an id, or an object with one: Slack sends either.
type channel string

// UnmarshalJSON reads both shapes; anything else is no channel.
func (c *channel) UnmarshalJSON(b []byte) error {
	text := string(b)
	if i := strings.Index(text, `"id"`); i >= 0 && strings.HasPrefix(text, "{") {
		text = strings.TrimLeft(text[i+4:], " :\t\n")
	}
	if strings.HasPrefix(text, `"`) {
		if end := strings.IndexByte(text[1:], '"'); end >= 0 {
			*c = channel(text[1 : end+1])
		}
	}
	return nil
}

// event carries what happened in the workspace. An error means that it was not taken
// in and ought to be delivered again.
func (s *Slack) event(ctx context.Context, in eventIn, envelope string) error {
	if !s.ours(ctx, in.TeamID) {
		return errForeign
	}
	if err := s.captured(ctx, in); err != nil {
		return err
	}
	id := commandID("event", in.EventID, envelope)
	return s.within(ctx, lateEvent, envelope, in, func(ctx context.Context) error { return s.happened(ctx, in.Event, id) })
}

func (s *Slack) happened(ctx context.Context, e eventBody, id incident.CommandID) error {
	if err := s.warnOfSecrets(ctx, e, id); err != nil {
		return err
	}
	switch e.Type {
	case "app_mention":
		return s.mentioned(ctx, e, id)
	case "message":
		if e.ChannelType == "im" && e.Subtype == "" && e.BotID == "" {
			return s.mentioned(ctx, e, id)
		}
		if e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast" {
			return s.heard(ctx, e, id)
		}
	case "member_joined_channel":
		return s.entered(ctx, e, id)
	case "reaction_added":
		if e.Item.Type == "message" && (e.Reaction == "pushpin" || e.Reaction == "round_pushpin") {
			return s.pinnedBy(ctx, e, id)
		}
	case "app_home_opened":
		if e.Tab == "" || e.Tab == "home" {
			if err := s.publishHome(ctx, e.User, incident.RankRefresh); err != nil {
				s.log.WarnContext(ctx, "home tab not published", "err", err)
			}
		}
	case "channel_archive", "channel_deleted", "group_archive", "group_deleted":
		return s.roomGone(ctx, e, id)
	}
	return nil
}

// mentioned carries words said to @tocsin, in a thread or a direct message.
func (s *Slack) mentioned(ctx context.Context, e eventBody, id incident.CommandID) error {
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	if e.BotID != "" || e.User == "" || e.User == me.User {
		return nil
	}
	p, err := s.person(ctx, e.User)
	no, refused := asRefusal(err)
	if err != nil && !refused {
		return err
	}
	reply := Reply{}
	if refused {
		reply.Card = refusalCard(no)
	} else {
		if e.UserTeam != "" && e.UserTeam != me.Team {
			p.Standing = incident.Foreign
		}
		reply, err = s.do(ctx, Call{
			Line: addressed(e.Text, me.User), Marked: true, Person: p, Via: incident.ViaSlack,
			Channel: string(e.Channel), ThreadTS: e.ThreadTS, CommandID: id,
		})
		if err != nil {
			return err
		}
	}
	if e.ChannelType == "im" {
		if err := s.tell(ctx, string(e.Channel), e.ThreadTS, reply.Card); err != nil {
			s.log.WarnContext(ctx, "answer not delivered", "err", err)
		}
		return nil
	}
	s.whisper(ctx, string(e.Channel), e.ThreadTS, e.User, reply.Card)
	return nil
}

// addressed takes our own mention off the words.
func addressed(text, me string) string {
	for _, m := range mention.FindAllStringSubmatchIndex(text, -1) {
		if text[m[2]:m[3]] == me {
			before := strings.TrimSpace(text[:m[0]])
			after := strings.TrimLeft(text[m[1]:], " :,")
			if after == "" {
				return before
			}
			return after
		}
	}
	return text
}

// pinnedBy keeps the message somebody put a pin on. It is done silently: reactions are
// captured, never commented on; only a refusal is told, to whoever reacted.
func (s *Slack) pinnedBy(ctx context.Context, e eventBody, id incident.CommandID) error {
	stream, ok, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+e.Item.Channel)
	if err != nil || !ok {
		return err
	}
	p, err := s.person(ctx, e.User)
	if err != nil {
		if _, refused := asRefusal(err); refused {
			return nil //nolint:nilerr // somebody unknown reacted: nothing to keep
		}
		return err
	}
	msg, err := s.messageAt(ctx, e.Item.Channel, e.Item.TS)
	if err != nil {
		return err
	}
	if msg == nil {
		return nil // deleted meanwhile
	}
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	reply, err := s.keep(ctx, p, stream, meta{
		Channel: e.Item.Channel, Author: msg.User, FromText: unmark(msg.Text, map[string]string{}),
		From: &incident.MessageRef{Channel: e.Item.Channel, TS: e.Item.TS, Permalink: permalink(me, e.Item.Channel, e.Item.TS)},
	}, id)
	if err != nil {
		return err
	}
	if reply.Refused != nil {
		s.whisper(ctx, e.Item.Channel, "", e.User, reply.Card)
	}
	return nil
}

// messageAt reads one message of a channel or of a thread in it; nil when it is gone.
func (s *Slack) messageAt(ctx context.Context, in, ts string) (*slack.Message, error) {
	var got *slack.GetConversationHistoryResponse
	err := s.call(ctx, "conversations.history", in, incident.RankAct, func() (err error) {
		got, err = s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: in, Latest: ts, Oldest: ts, Inclusive: true, Limit: 1})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	for _, m := range got.Messages {
		if m.Timestamp == ts {
			return &m, nil
		}
	}
	var thread []slack.Message
	err = s.call(ctx, "conversations.replies", in, incident.RankAct, func() (err error) {
		thread, _, _, err = s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: in, Timestamp: ts, Latest: ts, Inclusive: true, Limit: 10})
		return err
	})
	if is(err, "thread_not_found", "message_not_found") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	for _, m := range thread {
		if m.Timestamp == ts {
			return &m, nil
		}
	}
	return nil, nil
}

// roomGone records that somebody archived or deleted a room under us.
func (s *Slack) roomGone(ctx context.Context, e eventBody, id incident.CommandID) error {
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	stream, ok, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+string(e.Channel))
	if err != nil || !ok || e.User == me.User {
		return err
	}
	st, err := s.c.Room.Reader.Load(ctx, stream)
	if err != nil || !st.Live() || st.Room.Lost != "" || st.Room.Channel != string(e.Channel) {
		return err
	}
	why := "The channel was archived."
	if strings.HasSuffix(e.Type, "deleted") {
		why = "The channel was deleted."
	}
	_, err = s.c.Room.Asker.Handle(ctx, stream, incident.Asked{
		ID: id, Root: id, By: incident.Vendor("slack"), Via: incident.ViaSlack, At: s.c.Room.Now().UTC(), What: incident.RoomIsGone{Why: why},
	})
	if _, refused := asRefusal(err); refused {
		return nil //nolint:nilerr // it was closed or lost already
	}
	return err
}
