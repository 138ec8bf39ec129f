package slack

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Check compares the scopes that Slack says the tokens have with those the actions need, and
// says where there is no administrator's token. It asks for nothing but who the tokens are.
func (s *slack) Check(ctx context.Context) ([]string, error) {
	missing, err := s.scopes(ctx, s.bot, "the bot's token", readUsers, readEmails, readPublic, readPrivate, kickPublic, kickPrivate)
	if err != nil {
		return nil, err
	}
	if s.conf.Admin == "" {
		return append(missing, endSessions+": there is no administrator's token, as only an Enterprise organisation has; slack.reset-sessions cannot be used"), nil
	}
	more, err := s.scopes(ctx, s.admin, "the administrator's token", readSessions, endSessions)
	return append(missing, more...), err
}

// scopes reads the header X-OAuth-Scopes, which Slack sends with every answer
// (https://docs.slack.dev/authentication/installing-with-oauth).
func (s *slack) scopes(ctx context.Context, by *rest.Client, whose string, need ...string) ([]string, error) {
	h, err := s.do(ctx, by, call{step: "look up " + whose, method: "auth.test"})
	var right *actions.MissingRight
	if errors.As(err, &right) {
		return []string{right.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	var have, missing []string
	for sc := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		have = append(have, strings.TrimSpace(sc))
	}
	for _, n := range need {
		if !slices.Contains(have, n) {
			missing = append(missing, n+": "+whose+" does not have it")
		}
	}
	return missing, nil
}
