package bot

import (
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

// invite brings one person in, so that a bad id costs only itself.
func (s *Slack) invite(ctx context.Context, t incident.Task, e incident.Invite) error {
	if t.State.IsExcluded(e.Person) {
		return nil
	}
	user := slackOf(t.State, e.Person)
	if user == "" {
		return incident.GiveUp(fmt.Errorf("%s could not be invited: no Slack account is known", e.Person))
	}
	channel := t.State.Room.Channel
	err := s.call(ctx, "conversations.invite", channel, t.Rank, func() error {
		_, err := s.api.InviteUsersToConversationContext(ctx, channel, user)
		return err
	})
	if err == nil || is(err, "already_in_channel", "cant_invite_self") {
		return nil
	}
	if why, ok := uninvitable[codeIn(err)]; ok {
		return incident.GiveUp(fmt.Errorf("%s could not be invited: %s", e.Person, why))
	}
	return fmt.Errorf("invite %s: %w", e.Person, err)
}

// uninvitable are the answers that concern this one person only.
var uninvitable = map[string]string{
	"user_not_found":                "Slack knows no such account",
	"users_not_found":               "Slack knows no such account",
	"user_disabled":                 "the account is deactivated",
	"cant_invite":                   "Slack does not let this account be invited",
	"user_is_restricted":            "the account is a guest's",
	"user_is_ultra_restricted":      "the account is a guest's",
	"ura_max_channels":              "the account is a guest's and already in its one channel",
	"no_external_invite_permission": "the account belongs to another workspace",
	"user_team_not_in_channel":      "the account belongs to another workspace",
	"external_channel_migrating":    "the account belongs to another workspace",
	"invalid_users":                 "Slack knows no such account",
}

// remove takes an excluded person out.
func (s *Slack) remove(ctx context.Context, t incident.Task, e incident.Remove) error {
	user := slackOf(t.State, e.Person)
	if user == "" || !t.State.IsExcluded(e.Person) {
		return nil
	}
	channel := t.State.Room.Channel
	err := s.call(ctx, "conversations.kick", channel, t.Rank, func() error {
		return s.api.KickUserFromConversationContext(ctx, channel, user)
	})
	switch {
	case err == nil, is(err, "not_in_channel", "user_not_found", "user_not_in_channel"):
		return nil
	case is(err, "cant_kick_self", "cant_kick_from_general", "restricted_action", "no_permission"):
		return incident.GiveUp(fmt.Errorf("%s is still in the room: Slack does not let the app remove them (%s); a workspace owner has to", e.Person, codeIn(err)))
	}
	return fmt.Errorf("remove %s: %w", e.Person, err)
}
