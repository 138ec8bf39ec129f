package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// listFresh is how long the list of accounts is believed: users.list is tier 2.
const listFresh = 10 * time.Minute

// MemberByName finds an account by handle, display name or full name, for mentions
// that arrive as plain text. A name that two accounts have is nobody's:
// IsUnknownMember says so.
func (s *Slack) MemberByName(ctx context.Context, name string) (Member, error) {
	name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "@"))
	all, err := s.everybody(ctx)
	if err != nil {
		return Member{}, err
	}
	var found []slack.User
	for _, u := range all {
		for _, n := range []string{u.Name, u.Profile.DisplayName, u.RealName, u.Profile.RealName} {
			if n != "" && strings.ToLower(n) == name {
				found = append(found, u)
				break
			}
		}
	}
	if len(found) != 1 {
		return Member{}, &said{"users.list", "user_not_found", ""}
	}
	return s.member(ctx, found[0])
}

func (s *Slack) everybody(ctx context.Context) ([]slack.User, error) {
	s.mu.Lock()
	all, fresh := s.accounts, s.c.Room.Now().Before(s.accountsUntil)
	s.mu.Unlock()
	if fresh {
		return all, nil
	}
	var got []slack.User
	pages := s.api.GetUsersPaginated(slack.GetUsersOptionLimit(500))
	for range maxPages {
		done := false
		err := s.call(ctx, "users.list", "", incident.RankAct, func() (err error) {
			pages, err = pages.Next(ctx)
			if done = pages.Done(err); done {
				return nil
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list accounts: %w", err)
		}
		if done {
			break
		}
		got = append(got, pages.Users...)
	}
	s.mu.Lock()
	s.accounts, s.accountsUntil = got, s.c.Room.Now().Add(listFresh)
	s.mu.Unlock()
	return got, nil
}
