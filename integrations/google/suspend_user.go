package google

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(g *google) actions.Action { return suspendUser{g} }) }

// suspendUser sets "suspended"
// (https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/patch).
type suspendUser struct{ *google }

func (suspendUser) Spec() actions.Spec {
	return actions.Spec{
		Name: "google.suspend-user", Title: "Suspend a Google Workspace user",
		Does: "The user can no longer sign in to Google or use its services, and new mail is turned away; mail, files and groups stay.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTarget,
		Rights: []string{scopeUsers}, TTL: 24 * time.Hour,
		Proof:   "The user is read again: suspended.",
		Example: "google.suspend-user mallory@example.com",
	}
}

func (a suspendUser) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want, p.Already = u.state(), actions.StateOf(standing{true, u.Archived}), u.Suspended
	if u.Suspended {
		p.Steps = []string{u.Email + " is suspended already; nothing will change."}
		return p, nil
	}
	p.Steps = []string{"Suspend " + u.Email + ": no sign-in until it is taken back."}
	p.Dependants = []string{"Mail to " + u.Email + " is turned away, meetings they own cannot be changed, and what runs as them stops."}
	p.Warnings, err = a.warn(ctx, u)
	return p, err
}

func (a suspendUser) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		u, err := a.user(ctx, id)
		return u.state(), err
	}
}

func (a suspendUser) set(id, step string, suspended bool) deed.Write {
	return func(ctx context.Context) error {
		_, err := a.directory.Do(ctx, rest.Call{Step: step, Method: http.MethodPatch, Path: path(id), In: map[string]bool{"suspended": suspended}, Right: scopeUsers})
		return err
	}
}

func (a suspendUser) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is suspended."}, a.read(p.Target.ID), a.set(p.Target.ID, "suspend the user", true))
}

func (a suspendUser) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return deed.Undo(ctx, r, []string{r.Target.Name + " may sign in again."}, r.Target.Name+" was archived or changed by somebody else since.",
		a.read(r.Target.ID), a.set(r.Target.ID, "take the suspension back", false))
}

func (a suspendUser) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		s, _ := recall[standing](now)
		return fmt.Sprintf("%s: suspended %v, archived %v.", r.Target.Name, s.Suspended, s.Archived)
	})
}
