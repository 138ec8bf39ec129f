package okta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(o *okta) actions.Action { return suspendUser{o} }) }

// suspendUser suspends a user and takes it back by unsuspending
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserLifecycle/).
type suspendUser struct{ *okta }

func (suspendUser) Spec() actions.Spec {
	return actions.Spec{
		Name: "okta.suspend-user", Title: "Suspend an Okta user",
		Does: "The user can no longer sign in to Okta or to anything behind it, and their Okta sessions end; groups and applications stay assigned.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTarget,
		Rights: []string{readUsers, manageUsers, readGroups, readRoles}, TTL: 24 * time.Hour,
		Proof:   "The user's status is read again: SUSPENDED.",
		Example: "okta.suspend-user mallory@example.com ttl=24h",
	}
}

func (a suspendUser) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = actions.StateOf(standing{u.Status}), actions.StateOf(standing{suspended})
	switch u.Status {
	case suspended:
		p.Already = true
		p.Steps = []string{u.Profile.Login + " is suspended already; nothing will change."}
		return p, nil
	case active:
	default:
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is %s, and Okta suspends only ACTIVE users. %s", u.Profile.Login, words(u.Status), instead(u.Status)))
	}
	p.Steps = []string{"Suspend " + u.Profile.Login + ": no sign-in until it is taken back."}
	p.Dependants, p.Warnings, err = a.bystanders(ctx, u)
	p.Warnings = append(p.Warnings, "Sessions and tokens that applications keep themselves may live on; okta.clear-sessions revokes those that Okta issued.")
	return p, err
}

// instead says what can be done about a user who cannot be suspended.
func instead(status string) string {
	if status == gone {
		return "A deactivated user cannot sign in."
	}
	return "End the sessions with okta.clear-sessions, and deactivate the user in Okta's console if that is not enough."
}

// words is a status as people say it.
func words(status string) string { return strings.ToLower(strings.ReplaceAll(status, "_", " ")) }

// plan begins the plan for a user.
func plan(s actions.Spec, in actions.Input, u user) actions.Plan {
	return actions.Plan{Action: s.Name, Target: u.target(), Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Owner: u.Profile.Manager}
}

func (a suspendUser) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) { return a.standing(ctx, id) }
}

func (a suspendUser) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is suspended."}, a.read(p.Target.ID), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "suspend the user", Method: http.MethodPost, Path: path(p.Target.ID, "lifecycle", "suspend"), Right: manageUsers})
		return err
	})
}

func (a suspendUser) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string { return r.Target.Name + " is " + said(now) + "." })
}

// Undo unsuspends. A user who was deactivated since can be activated again only when
// somebody insists; Okta then waits for them to set a password.
func (a suspendUser) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	back := []string{r.Target.Name + " may sign in again."}
	changed := r.Target.Name + " is neither suspended nor as before: somebody changed the account since."
	return deed.Undo(ctx, r, back, changed, a.read(r.Target.ID), func(ctx context.Context) error {
		u, _, err := a.user(ctx, r.Target.ID)
		if err != nil {
			return err
		}
		call := rest.Call{Step: "unsuspend the user", Method: http.MethodPost, Path: path(r.Target.ID, "lifecycle", "unsuspend"), Right: manageUsers}
		if u.Status == gone {
			call.Step, call.Path, call.Query = "activate the user", path(r.Target.ID, "lifecycle", "activate"), url.Values{"sendEmail": {"false"}}
		}
		_, err = a.rest.Do(ctx, call)
		return err
	})
}
