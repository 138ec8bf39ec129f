package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// refresh renders the present state where it is kept up to date: posts it the first
// time, edits it in place from then on, posts it anew when somebody deleted it.
func (s *Slack) refresh(ctx context.Context, t incident.Task, e incident.Refresh) (incident.Command, error) {
	now := s.c.Room.Now()
	switch e.View {
	case incident.ViewSummary:
		return s.keepUp(ctx, t, e.View, t.State.Room.Channel, templates.Summary(t.State, now))
	case incident.ViewAnnounce:
		channel, err := s.announceChannel(ctx, t.Rank)
		if err != nil || channel == "" {
			return nil, err
		}
		if ref, ok := t.State.Messages[e.View]; ok {
			channel = ref.Channel // where it was announced, even if the plan names another channel now
		}
		return s.keepUp(ctx, t, e.View, channel, templates.Announcement(t.State, now))
	case incident.ViewHome:
		user := slackOf(t.State, e.Person)
		if user == "" || s.homes.show(user, t.State) {
			return nil, nil
		}
		return nil, s.publishHome(ctx, user, t.Rank)
	}
	if n, ok := e.View.DeedOf(); ok {
		return s.keepUp(ctx, t, e.View, t.State.Room.Channel, templates.DeedProgress(t.State, n))
	}
	return nil, incident.GiveUp(fmt.Errorf("refresh %q: no such view", e.View))
}

func (s *Slack) keepUp(ctx context.Context, t incident.Task, view incident.View, channel string, c templates.Card) (incident.Command, error) {
	c.Mentions = nil // an edit notifies nobody, and the first post must not either
	c = quiet(c, t.State)
	if ref, ok := t.State.Messages[view]; ok && ref.Channel == channel {
		err := s.call(ctx, "chat.update", channel, t.Rank, func() error {
			_, _, _, err := s.api.UpdateMessageContext(ctx, channel, ref.TS, content(c)...)
			return err
		})
		if err == nil {
			return nil, nil
		}
		if !is(err, "message_not_found", "cant_update_message", "edit_window_closed") {
			return nil, fmt.Errorf("update the %s: %w", view, err)
		}
	}
	ts, err := s.postOnce(ctx, t, channel, c, view)
	if err != nil {
		return nil, err
	}
	if view == incident.ViewSummary {
		if err := s.pin(ctx, t, channel, ts); err != nil {
			return nil, err
		}
	}
	return incident.MessageIsUp{View: view, Channel: channel, TS: ts}, nil
}

// pin pins the summary. A workspace that does not allow it still has the message.
func (s *Slack) pin(ctx context.Context, t incident.Task, channel, ts string) error {
	err := s.call(ctx, "pins.add", channel, t.Rank, func() error {
		return s.api.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, ts))
	})
	if err == nil || is(err, "already_pinned", "restricted_action", "no_permission", "not_pinnable", "message_not_found") {
		return nil
	}
	return fmt.Errorf("pin the summary: %w", err)
}
