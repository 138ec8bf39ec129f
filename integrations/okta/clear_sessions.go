package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(o *okta) actions.Action { return clearSessions{o} }) }

// clearSessions ends all sessions of a user and revokes the OAuth tokens Okta issued to them
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/).
type clearSessions struct{ *okta }

func (clearSessions) Spec() actions.Spec {
	return actions.Spec{
		Name: "okta.clear-sessions", Title: "End a user's Okta sessions",
		Does: "Ends every session the user has with Okta and revokes the OpenID Connect and OAuth tokens that Okta issued to them; they may sign in again.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Rights:  []string{readUsers, manageUsers, readLogs},
		Proof:   "The System Log is searched for the clearing of this user's sessions; the sessions themselves cannot be listed.",
		Example: "okta.clear-sessions mallory@example.com",
	}
}

func (a clearSessions) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found = actions.StateOf(standing{u.Status})
	p.Want = actions.StateOf(map[string]string{"sessions": "cleared", "status": u.Status})
	p.Steps = []string{"End all Okta sessions of " + u.Profile.Login + " and revoke the tokens Okta issued to them."}
	p.Lost = []string{"Unsaved work in applications behind Okta."}
	if u.Status == active {
		p.Warnings = []string{u.Profile.Login + " can sign in again at once. Whoever has the password wants okta.suspend-user or okta.expire-password as well."}
	}
	return p, nil
}

// Do clears again when it is asked again: nobody can see whether there is anything left to
// clear, and clearing nothing changes nothing.
func (a clearSessions) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	u, h, err := a.user(ctx, p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	if string(actions.StateOf(standing{u.Status})) != string(p.Found) {
		return actions.Receipt{}, fmt.Errorf("%s is %s now: %w", p.Target.Name, words(u.Status), actions.ErrStale)
	}
	_, err = a.rest.Do(ctx, rest.Call{Step: "clear the user's sessions", Method: http.MethodDelete, Path: path(p.Target.ID, "sessions"),
		Query: url.Values{"oauthTokens": {"true"}}, Right: manageUsers})
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	r.Done = []string{"Okta was asked to end all sessions of " + p.Target.Name + "."}
	if since, err := http.ParseTime(h.Get("Date")); err == nil { // Okta's clock, not ours
		r.Ref = map[string]string{"since": since.UTC().Format(time.RFC3339)}
	}
	return r, nil
}

func (a clearSessions) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	if err := ctx.Err(); err != nil {
		return actions.Proof{}, err
	}
	since := r.Ref["since"]
	if since == "" {
		return actions.Refuted("Nothing says that Okta was asked to end the sessions of " + r.Target.Name + "."), nil
	}
	var events []struct {
		Published time.Time `json:"published"`
		Outcome   struct {
			Result string `json:"result"`
		} `json:"outcome"`
	}
	// Event type user.session.clear of https://developer.okta.com/docs/reference/api/event-types/
	_, err := a.rest.Do(ctx, rest.Call{Step: "search the System Log", Method: http.MethodGet, Path: "/api/v1/logs", Out: &events, Right: readLogs, Query: url.Values{
		"since": {since}, "limit": {"10"}, "filter": {fmt.Sprintf("eventType eq %q and target.id eq %q", "user.session.clear", r.Target.ID)}}})
	var missing *actions.MissingRight
	switch {
	case errors.As(err, &missing):
		return actions.Stored("Okta lists no sessions, and Tocsin may not read the System Log (" + readLogs + "): nothing can be seen."), nil
	case err != nil:
		return actions.Proof{}, err
	}
	for _, e := range events {
		if e.Outcome.Result == "SUCCESS" {
			return actions.Stored(fmt.Sprintf("Okta's System Log says that the sessions of %s were cleared at %s; sessions that applications keep themselves cannot be seen.",
				r.Target.Name, e.Published.UTC().Format("15:04:05 UTC"))), nil
		}
	}
	p := actions.Refuted("Okta's System Log does not show that the sessions of " + r.Target.Name + " were cleared.")
	p.Again = 20 * time.Second // the log runs behind
	return p, nil
}
