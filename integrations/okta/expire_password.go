package okta

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(o *okta) actions.Action { return expirePassword{o} }) }

// expirable are the statuses in which Okta lets a password expire
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserCred/).
var expirable = []string{active, "STAGED", "PROVISIONED", "LOCKED_OUT", "RECOVERY"}

// expirePassword makes the user choose a new password at the next sign-in.
type expirePassword struct{ *okta }

func (expirePassword) Spec() actions.Spec {
	return actions.Spec{
		Name: "okta.expire-password", Title: "Let an Okta password expire",
		Does: "The user must choose a new password at the next sign-in, for which the old one is still asked; sessions stay open.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Rights:  []string{readUsers, manageUsers},
		Proof:   "The user's status is read again: PASSWORD_EXPIRED.",
		Example: "okta.expire-password mallory@example.com",
	}
}

func (a expirePassword) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = actions.StateOf(standing{u.Status}), actions.StateOf(standing{expired})
	switch provider := u.Credentials.Provider.Type; {
	case u.Status == expired:
		p.Already = true
		p.Steps = []string{"The password of " + u.Profile.Login + " has expired already; nothing will change."}
		return p, nil
	case provider != "" && provider != "OKTA":
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("the password of %s is not Okta's but comes from %s: let it expire there", u.Profile.Login, words(provider)))
	case !slices.Contains(expirable, u.Status):
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is %s, and Okta lets no password expire then", u.Profile.Login, words(u.Status)))
	}
	p.Steps = []string{"Let the password of " + u.Profile.Login + " expire: a new one is due at the next sign-in."}
	p.Warnings = []string{
		"Whoever knows the old password can choose the new one: factors must hold, or the user must be suspended.",
		"Sessions stay open; okta.clear-sessions ends them. An expired user cannot be suspended: suspend first where both are wanted.",
	}
	return p, nil
}

func (a expirePassword) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) { return a.standing(ctx, id) }
}

func (a expirePassword) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The password of " + p.Target.Name + " has expired."}, a.read(p.Target.ID), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "expire the password", Method: http.MethodPost, Path: path(p.Target.ID, "lifecycle", "expire_password"), Right: manageUsers})
		return err
	})
}

func (a expirePassword) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string { return r.Target.Name + " is " + said(now) + "." })
}
