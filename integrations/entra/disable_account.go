package entra

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(e *entra) actions.Action { return disableAccount{e} }) }

// disableAccount sets accountEnabled (https://learn.microsoft.com/graph/api/user-update).
type disableAccount struct{ *entra }

// standing is the state of an account. The name is in it because whoever approved, approved
// that name.
type standing struct {
	Enabled bool   `json:"enabled"`
	Name    string `json:"name"`
}

func (disableAccount) Spec() actions.Spec {
	return actions.Spec{
		Name: "entra.disable-account", Title: "Disable an account in Entra ID",
		Does: "The account can no longer sign in to Entra or to anything behind it; licences, groups and data stay.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTarget,
		Rights: []string{readUsers, disable, readDirectory}, TTL: 24 * time.Hour,
		Proof:   "The account is read again: accountEnabled is false.",
		Example: "entra.disable-account mallory@example.com",
	}
}

func (a disableAccount) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want, p.Already = actions.StateOf(standing{u.Enabled, u.Name}), actions.StateOf(standing{false, u.Name}), !u.Enabled
	if p.Already {
		p.Steps = []string{u.Name + " is disabled already; nothing will change."}
		return p, nil
	}
	p.Steps = []string{"Disable " + u.Name + ": no sign-in until it is taken back."}
	p.Dependants, p.Warnings, err = a.bystanders(ctx, u)
	p.Warnings = append(p.Warnings, "Sessions are not ended by this: entra.revoke-sessions does that.")
	return p, err
}

func (a disableAccount) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		u, err := a.user(ctx, id)
		return actions.StateOf(standing{u.Enabled, u.Name}), err
	}
}

func (a disableAccount) set(id, step string, enabled bool) deed.Write {
	return func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: step, Method: http.MethodPatch, Path: path(id), In: map[string]bool{"accountEnabled": enabled}, Right: disable})
		return err
	}
}

func (a disableAccount) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is disabled."}, a.read(p.Target.ID), a.set(p.Target.ID, "disable the account", false))
}

func (a disableAccount) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return deed.Undo(ctx, r, []string{r.Target.Name + " may sign in again."}, r.Target.Name+" is not as it was left: somebody renamed or changed the account since.",
		a.read(r.Target.ID), a.set(r.Target.ID, "enable the account", true))
}

func (a disableAccount) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		var s standing
		_ = json.Unmarshal(now, &s) // our own form
		if s.Enabled {
			return s.Name + " is enabled."
		}
		return s.Name + " is disabled."
	})
}
