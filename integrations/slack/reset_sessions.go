package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(s *slack) actions.Action { return resetSessions{s} }) }

// The scopes of the administrator's token.
const (
	readSessions = "admin.users:read"
	endSessions  = "admin.users:write"
)

// resetSessions ends all sessions of a user, on every device
// (https://docs.slack.dev/reference/methods/admin.users.session.reset). Slack has this for
// Enterprise organisations only.
type resetSessions struct{ *slack }

func (resetSessions) Spec() actions.Spec {
	return actions.Spec{
		Name: "slack.reset-sessions", Title: "End a user's Slack sessions",
		Does: "Signs the user out of Slack on every device; they may sign in again. Slack Enterprise only.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Destroys: "which sessions were open, from which addresses and devices",
		Rights:   []string{readUsers, readEmails, readSessions, endSessions},
		Proof:    "The user's sessions are listed again: none of those that were open is left.",
		Example:  "slack.reset-sessions mallory@example.com",
	}
}

// session is one by its number.
type session struct {
	ID json.Number `json:"session_id"`
}

func (a resetSessions) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	open, _, err := a.sessions(ctx, u.ID, u.Team)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Params = in.Params
	p.Found, p.Want = actions.StateOf(open), actions.StateOf([]string{})
	p.Steps = []string{fmt.Sprintf("End %d sessions of %s, on every device.", len(open), u.title())}
	p.Warnings = append(p.Warnings, u.title()+" can sign in again: cut them off at the identity provider first.")
	if len(open) == 0 {
		p.Already = true
		p.Steps = []string{u.title() + " has no open sessions; nothing will change."}
	}
	return p, nil
}

// sessions lists the numbers of what is open, in order, and everything Slack tells of them
// (https://docs.slack.dev/reference/methods/admin.users.session.list).
func (a resetSessions) sessions(ctx context.Context, id, team string) ([]string, []json.RawMessage, error) {
	if a.conf.Admin == "" {
		return nil, nil, &actions.MissingRight{Right: endSessions, To: "end sessions, which needs an Enterprise organisation's administrator token"}
	}
	q := url.Values{"user_id": {id}, "team_id": {team}, "limit": {"1000"}}
	numbers, raw := []string{}, []json.RawMessage{}
	for range maxPages {
		var page struct {
			Sessions []json.RawMessage `json:"active_sessions"`
			Meta     struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		_, err := a.do(ctx, a.admin, call{step: "list the user's sessions", method: "admin.users.session.list", right: readSessions, query: q, out: &page})
		if err != nil {
			return nil, nil, err
		}
		for _, r := range page.Sessions {
			var s session
			if json.Unmarshal(r, &s) == nil && s.ID != "" {
				numbers, raw = append(numbers, s.ID.String()), append(raw, r)
			}
		}
		if page.Meta.Next == "" {
			slices.Sort(numbers)
			return numbers, raw, nil
		}
		q.Set("cursor", page.Meta.Next)
	}
	return nil, nil, incident.GiveUp(fmt.Errorf("list the user's sessions: there are more than %d pages", maxPages))
}

// left compares what is open now with what was found: how many of those are left, and
// how many are new.
func (a resetSessions) left(ctx context.Context, id string, found actions.State) (left, fresh int, err error) {
	var had []string
	if err := json.Unmarshal(found, &had); err != nil {
		return 0, 0, fmt.Errorf("read the plan: %w", actions.ErrStale)
	}
	u, err := a.user(ctx, id) // for the workspace: an organisation has several
	if err != nil {
		return 0, 0, err
	}
	now, _, err := a.sessions(ctx, id, u.Team)
	for _, n := range now {
		if slices.Contains(had, n) {
			left++
		} else {
			fresh++
		}
	}
	return left, fresh, err
}

func (a resetSessions) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	left, fresh, err := a.left(ctx, p.Target.ID, p.Found)
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case fresh > 0 && (left > 0 || p.Already):
		return actions.Receipt{}, fmt.Errorf("%s signed in anew: %w", p.Target.Name, actions.ErrStale)
	}
	r := p.Receipt()
	if p.Already {
		return r, nil
	}
	if left > 0 {
		_, err = a.do(ctx, a.admin, call{step: "end the user's sessions", method: "admin.users.session.reset", right: endSessions, in: map[string]any{"user_id": p.Target.ID}})
		if err != nil {
			return actions.Receipt{}, err
		}
	}
	r.Done = []string{"The sessions of " + p.Target.Name + " were ended."}
	return r, nil
}

func (a resetSessions) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	left, fresh, err := a.left(ctx, r.Target.ID, r.Found)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := []string{fmt.Sprintf("Of the sessions that were open, %d are left.", left)}
	if fresh > 0 {
		seen = append(seen, fmt.Sprintf("%s has opened %d new ones since.", r.Target.Name, fresh))
	}
	if left > 0 {
		p := actions.Refuted(seen...)
		p.Again = soon
		return p, nil
	}
	return actions.Proven(seen...), nil
}

// Preserve keeps what Slack tells of the open sessions: addresses, devices, times.
func (a resetSessions) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	_, raw, err := a.sessions(ctx, u.ID, u.Team)
	if err != nil {
		return actions.Evidence{}, err
	}
	content, err := json.Marshal(raw)
	if err != nil {
		return actions.Evidence{}, fmt.Errorf("keep the sessions: %w", err)
	}
	return actions.Evidence{Items: []actions.Item{{Name: "slack-sessions-" + u.ID + ".json", From: "open sessions of Slack user " + u.title(), Type: "application/json",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}}, nil
}
