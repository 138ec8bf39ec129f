package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// Installation is what Slack says of the app behind the bot token.
type Installation struct {
	Team, TeamID string
	URL          string // of the workspace
	Scopes       []string
}

// Installation asks Slack who we are and which scopes were granted, which Slack puts
// into a header of every answer. It changes nothing.
// https://docs.slack.dev/authentication/installing-with-oauth#verifying
func (s *Slack) Installation(ctx context.Context) (Installation, error) {
	var got *slack.AuthTestResponse
	err := s.call(ctx, "auth.test", "", incident.RankSay, func() (err error) {
		got, err = s.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return Installation{}, fmt.Errorf("ask Slack who we are: %w", err)
	}
	in := Installation{Team: got.Team, TeamID: got.TeamID, URL: got.URL}
	for scope := range strings.SplitSeq(got.Header.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			in.Scopes = append(in.Scopes, scope)
		}
	}
	return in, nil
}

// eventScopes are the scopes that let an event be heard; any one of a list will do.
// https://docs.slack.dev/reference/events
var eventScopes = map[string][]string{
	"app_home_opened":       nil,
	"app_mention":           {"app_mentions:read"},
	"channel_archive":       {"channels:read"},
	"channel_deleted":       {"channels:read"},
	"group_archive":         {"groups:read"},
	"group_deleted":         {"groups:read"},
	"member_joined_channel": {"channels:read", "groups:read"},
	"message.channels":      {"channels:history"},
	"message.groups":        {"groups:history"},
	"message.im":            {"im:history"},
	"member_left_channel":   {"channels:read", "groups:read"},
	"pin_added":             {"pins:read"},
	"pin_removed":           {"pins:read"},
	"reaction_added":        {"reactions:read"},
	"reaction_removed":      {"reactions:read"},
}

// Unheard are the events of Events that cannot come with these scopes, in order.
func Unheard(scopes []string) []string {
	var out []string
	for _, e := range Events() {
		anyOf := eventScopes[e]
		if len(anyOf) > 0 && !slices.ContainsFunc(anyOf, func(s string) bool { return slices.Contains(scopes, s) }) {
			out = append(out, e)
		}
	}
	return out
}

// TrySocket asks for an address for Socket Mode and does not use it.
func (s *Slack) TrySocket(ctx context.Context) error {
	return s.call(ctx, "apps.connections.open", "", incident.RankSay, func() error {
		_, _, err := s.api.StartSocketModeContext(ctx)
		return err
	})
}

var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,30}$`)

// ErrNoChannel says that no channel of that name can be seen.
var ErrNoChannel = errors.New("no such channel can be seen")

// TryChannel looks whether a channel, by name or id, can be posted to, without posting.
// trouble is a sentence about what is in the way; "" when nothing is.
func (s *Slack) TryChannel(ctx context.Context, name string) (trouble string, err error) {
	ch, err := s.channel(ctx, strings.TrimPrefix(name, "#"))
	switch {
	case err != nil:
		return "", err
	case ch == nil:
		return "", ErrNoChannel
	case ch.IsArchived:
		return "It is archived.", nil
	case !ch.IsMember && ch.IsPrivate:
		return "It is private and the app is not in it.", nil
	case ch.IsReadOnly:
		return "Only some people may post in it.", nil
	}
	return "", nil
}

func (s *Slack) channel(ctx context.Context, name string) (*slack.Channel, error) {
	if !channelID.MatchString(name) {
		return s.channelNamed(ctx, name, incident.RankSay)
	}
	var got *slack.Channel
	err := s.call(ctx, "conversations.info", name, incident.RankSay, func() (err error) {
		got, err = s.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: name})
		return err
	})
	if is(err, "channel_not_found") {
		return nil, nil
	}
	return got, err
}

// Connected reports whether Slack reaches us over Socket Mode right now.
func (s *Slack) Connected() bool { return s.connected.Load() }
