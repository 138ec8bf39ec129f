package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(e *entra) actions.Action { return revokeSessions{e} }) }

// revokeSessions makes refresh tokens and session cookies void by moving the moment from
// which they count (https://learn.microsoft.com/graph/api/user-revokesigninsessions).
type revokeSessions struct{ *entra }

// since is the state: the moment before which sessions are void. What is wanted is any
// later one, which is written as revoked.
type since struct {
	Valid   string `json:"valid_from,omitempty"`
	Revoked bool   `json:"revoked,omitempty"`
}

func (revokeSessions) Spec() actions.Spec {
	return actions.Spec{
		Name: "entra.revoke-sessions", Title: "Revoke sign-in sessions in Entra ID",
		Does: "Refresh tokens and session cookies of the account become void within minutes; access tokens that applications hold live until they run out, and the account may sign in again.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Rights:  []string{readUsers, revoke},
		Proof:   "The moment from which the account's sessions count is read again: it has moved. That applications heed it cannot be seen.",
		Example: "entra.revoke-sessions mallory@example.com",
	}
}

func (a revokeSessions) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = actions.StateOf(since{Valid: stamp(u)}), actions.StateOf(since{Revoked: true})
	p.Steps = []string{"Make all refresh tokens and session cookies of " + u.Name + " void."}
	if u.Enabled {
		p.Warnings = append(p.Warnings, u.Name+" can sign in again at once: entra.disable-account prevents that.")
	}
	if u.Type == "Guest" {
		p.Warnings = append(p.Warnings, u.Name+" is a guest: sessions at the home tenant are not touched.")
	}
	return p, nil
}

func stamp(u user) string {
	if u.ValidFrom == nil {
		return ""
	}
	return u.ValidFrom.UTC().Format(time.RFC3339Nano)
}

func (a revokeSessions) read(id string, found actions.State) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		u, err := a.user(ctx, id)
		if err != nil {
			return nil, err
		}
		var had since
		if json.Unmarshal(found, &had) != nil {
			return nil, fmt.Errorf("read the plan: %w", actions.ErrStale)
		}
		before, _ := time.Parse(time.RFC3339Nano, had.Valid) // none is long ago
		if u.ValidFrom != nil && u.ValidFrom.After(before) {
			return actions.StateOf(since{Revoked: true}), nil
		}
		return actions.StateOf(since{Valid: stamp(u)}), nil
	}
}

func (a revokeSessions) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The sessions of " + p.Target.Name + " were revoked."}, a.read(p.Target.ID, p.Found), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "revoke the sessions", Method: http.MethodPost, Path: path(p.Target.ID, "revokeSignInSessions"), Right: revoke})
		return err
	})
}

func (a revokeSessions) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	now, err := a.read(r.Target.ID, r.Found)(ctx)
	if err != nil {
		return actions.Proof{}, err
	}
	if !deed.Same(now, r.Left) {
		p := actions.Refuted("Sessions of " + r.Target.Name + " count from the same moment as before.")
		p.Again = 30 * time.Second
		return p, nil
	}
	return actions.Stored("Sessions of " + r.Target.Name + " from before the deed no longer count; access tokens that applications hold may work for up to an hour or so."), nil
}
