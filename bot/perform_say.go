package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// markEvent is the event type of the metadata that makes a message findable by its
// effect. https://docs.slack.dev/messaging/message-metadata
const markEvent = "tocsin_effect"

// say posts what an event reads like at a place. The answer is incident.CardIsUp where
// the message asks for an answer, so that its buttons can be taken off.
func (s *Slack) say(ctx context.Context, t incident.Task, e incident.Say) (incident.Command, error) {
	card := templates.Said(t, e.To)
	if card.Lead == "" && len(card.Blocks) == 0 {
		return nil, nil
	}
	if e.To == incident.PlacePerson && t.State.IsExcluded(e.Person) {
		return nil, nil
	}
	channel, err := s.place(ctx, t, e.To, e.Person)
	if err != nil || channel == "" {
		return nil, err
	}
	ts, err := s.postOnce(ctx, t, channel, quiet(card, t.State), "")
	if err != nil || !wantsAnswer(card) || ts == "" {
		return nil, err
	}
	return incident.CardIsUp{Seq: t.Seq, To: e.To, Person: e.Person, Channel: channel, TS: ts, Waits: incident.WaitsFor(t.Event.Event)}, nil
}

func wantsAnswer(c templates.Card) bool {
	for _, b := range c.Blocks {
		for _, button := range b.Buttons {
			if button.Words == "ack" || button.Words == "ack i-have-it" || strings.HasPrefix(button.Words, "role accept ") {
				return true
			}
		}
	}
	return false
}

// restate writes a posted message anew, as the event reads today. One that is gone
// needs no change.
func (s *Slack) restate(ctx context.Context, t incident.Task, e incident.Restate) error {
	t.Effect = incident.Say{To: e.To, Person: e.Person}
	card := templates.Said(t, e.To)
	if card.IsZero() {
		return nil
	}
	card.Mentions = nil // an edit notifies nobody
	err := s.call(ctx, "chat.update", e.Channel, t.Rank, func() error {
		_, _, _, err := s.api.UpdateMessageContext(ctx, e.Channel, e.TS, content(quiet(card, t.State))...)
		return err
	})
	if err == nil || is(err, "message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_archived", "not_in_channel") {
		return nil
	}
	return fmt.Errorf("take the buttons off: %w", err)
}

// place is the channel behind a place; "" when there is none and nothing is to be said.
func (s *Slack) place(ctx context.Context, t incident.Task, to incident.Place, who incident.PersonID) (string, error) {
	switch to {
	case incident.PlaceRoom:
		return t.State.Room.Channel, nil
	case incident.PlacePerson:
		user := slackOf(t.State, who)
		if user == "" {
			return "", incident.GiveUp(fmt.Errorf("%s could not be messaged: no Slack account is known", who))
		}
		return s.direct(ctx, user, t.Rank)
	case incident.PlaceAnnounce:
		return s.announceChannel(ctx, t.Rank)
	}
	return "", incident.GiveUp(fmt.Errorf("say at %q: no such place", to))
}

// direct opens the conversation with one person.
func (s *Slack) direct(ctx context.Context, user string, rank incident.Rank) (string, error) {
	var ch *slack.Channel
	err := s.call(ctx, "conversations.open", user, rank, func() (err error) {
		ch, _, _, err = s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("open a direct message: %w", err)
	}
	return ch.ID, nil
}

// announceChannel finds the announcement channel, by id or by name; "" for none.
func (s *Slack) announceChannel(ctx context.Context, rank incident.Rank) (string, error) {
	if s.c.AnnounceChannel == nil {
		return "", nil
	}
	name := strings.TrimPrefix(s.c.AnnounceChannel(), "#")
	if name == "" || name == strings.ToUpper(name) && strings.HasPrefix(name, "C") {
		return name, nil
	}
	s.mu.Lock()
	id := s.named[name]
	s.mu.Unlock()
	if id != "" {
		return id, nil
	}
	ch, err := s.channelNamed(ctx, name, rank)
	if err != nil {
		return "", err
	}
	if ch == nil {
		return "", incident.GiveUp(fmt.Errorf("there is no announcement channel #%s; create it, or change the plan", name))
	}
	s.mu.Lock()
	s.named[name] = ch.ID
	s.mu.Unlock()
	return ch.ID, nil
}

// postOnce posts a card with the effect's marker. A later attempt looks for the marker
// first, so that an answer lost on the way does not say it twice.
func (s *Slack) postOnce(ctx context.Context, t incident.Task, channel string, c templates.Card, view incident.View) (ts string, err error) {
	if t.Attempt > 1 {
		ts, err := s.posted(ctx, t, channel, view)
		if err != nil || ts != "" {
			return ts, err
		}
	}
	payload := map[string]any{"effect": string(t.ID), "incident": string(t.Incident)}
	if view != "" {
		payload["view"] = string(view)
	}
	options := append(message(c), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: markEvent, EventPayload: payload}))
	ts, err = s.post(ctx, t, channel, options)
	if is(err, "not_in_channel") && !aboutRoom(t) && s.join(ctx, channel, t.Rank) == nil {
		ts, err = s.post(ctx, t, channel, options)
	}
	if is(err, "channel_not_found", "is_archived") && !aboutRoom(t) {
		return "", incident.GiveUp(fmt.Errorf("post: the channel %s is gone: %w", channel, err))
	}
	if err != nil {
		return "", fmt.Errorf("post: %w", err)
	}
	return ts, nil
}

func (s *Slack) post(ctx context.Context, t incident.Task, channel string, options []slack.MsgOption) (ts string, err error) {
	err = s.call(ctx, "chat.postMessage", channel, t.Rank, func() (err error) {
		_, ts, err = s.api.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ts, err
}

// posted looks for the message of an earlier attempt among the latest of the channel.
func (s *Slack) posted(ctx context.Context, t incident.Task, channel string, view incident.View) (string, error) {
	var got *slack.GetConversationHistoryResponse
	look := func() error {
		return s.call(ctx, "conversations.history", channel, t.Rank, func() (err error) {
			got, err = s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Limit: 100, IncludeAllMetadata: true})
			return err
		})
	}
	err := look()
	if is(err, "not_in_channel") && s.join(ctx, channel, t.Rank) == nil {
		err = look()
	}
	if err != nil {
		return "", fmt.Errorf("look for what was posted before: %w", err)
	}
	for _, m := range got.Messages {
		p := m.Metadata.EventPayload
		if m.Metadata.EventType != markEvent {
			continue
		}
		if p["effect"] == string(t.ID) || view != "" && p["view"] == string(view) && p["incident"] == string(t.Incident) {
			return m.Timestamp, nil
		}
	}
	return "", nil
}

// codeIn is the code Slack answered with, "" when it did not.
func codeIn(err error) string {
	var e *said
	if errors.As(err, &e) {
		return e.code
	}
	return ""
}
