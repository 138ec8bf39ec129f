package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// Member is an account of the workspace, as Slack tells it.
type Member struct {
	ID       string
	Name     string // as shown to people
	Email    string // "" when the app may not see it
	Zone     string // IANA
	Standing incident.Standing
	Bot      bool
}

// Member asks Slack for an account by its id. IsUnknownMember tells that there is none.
func (s *Slack) Member(ctx context.Context, id string) (Member, error) {
	var u *slack.User
	err := s.call(ctx, "users.info", "", incident.RankPage, func() (err error) {
		u, err = s.api.GetUserInfoContext(ctx, id)
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("look up an account: %w", err)
	}
	return s.member(ctx, *u)
}

// MemberByEmail asks Slack for an account by its address.
func (s *Slack) MemberByEmail(ctx context.Context, address string) (Member, error) {
	var u *slack.User
	err := s.call(ctx, "users.lookupByEmail", "", incident.RankPage, func() (err error) {
		u, err = s.api.GetUserByEmailContext(ctx, address)
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("look up an account: %w", err)
	}
	return s.member(ctx, *u)
}

// IsUnknownMember reports whether Slack answered that there is no such account.
func IsUnknownMember(err error) bool {
	return is(err, "user_not_found", "users_not_found", "user_not_visible")
}

func (s *Slack) member(ctx context.Context, u slack.User) (Member, error) {
	me, err := s.whoami(ctx)
	if err != nil {
		return Member{}, err
	}
	m := Member{ID: u.ID, Email: u.Profile.Email, Zone: u.TZ, Bot: u.IsBot || u.ID == "USLACKBOT"}
	for _, name := range []string{u.Profile.DisplayName, u.Profile.RealName, u.RealName, u.Name} {
		if name != "" {
			m.Name = name
			break
		}
	}
	switch {
	case u.Deleted:
		m.Standing = incident.Deactivated
	case u.IsStranger || u.TeamID != "" && u.TeamID != me.Team:
		m.Standing = incident.Foreign
	case u.IsRestricted || u.IsUltraRestricted:
		m.Standing = incident.Guest
	}
	return m, nil
}
