package google

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(g *google) actions.Action { return signOut{g} }) }

// signOut ends web and device sessions and resets sign-in cookies
// (https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/signOut).
type signOut struct{ *google }

func (signOut) Spec() actions.Spec {
	return actions.Spec{
		Name: "google.sign-out", Title: "Sign a Google Workspace user out",
		Does: "Ends the user's web and device sessions and resets their sign-in cookies; they may sign in again, and applications they let in stay in.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Rights:  []string{scopeUsers, scopeSecurity},
		Proof:   "None: Google lists no sessions, so that the answer is all there is.",
		Example: "google.sign-out mallory@example.com",
	}
}

func (a signOut) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = u.state(), actions.StateOf(map[string]string{"sessions": "ended"})
	p.Steps = []string{"End all web and device sessions of " + u.Email + "."}
	p.Warnings = []string{u.Email + " can sign in again at once, and grants to applications live on: google.suspend-user and google.revoke-grants end those."}
	return p, nil
}

// Do signs out again when it is asked again: nobody can see whether there is anything left to
// end, and ending nothing changes nothing.
func (a signOut) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	u, err := a.user(ctx, p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	if !deed.Same(u.state(), p.Found) {
		return actions.Receipt{}, fmt.Errorf("%s was suspended, archived or let in again: %w", p.Target.Name, actions.ErrStale)
	}
	_, err = a.directory.Do(ctx, rest.Call{Step: "sign the user out", Method: http.MethodPost, Path: path(p.Target.ID, "signOut"), Right: scopeSecurity})
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	r.Done = []string{"Google was asked to end all sessions of " + p.Target.Name + "."}
	return r, nil
}

// Verify can only say that the user is still there to be asked about.
func (a signOut) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	if _, err := a.user(ctx, r.Target.ID); err != nil {
		return actions.Proof{}, err
	}
	return actions.Stored("Google lists no sessions: whether those of " + r.Target.Name + " have ended cannot be seen."), nil
}
