package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(o *okta) actions.Action { return deactivateToken{o} }) }

// deactivateToken revokes an API token
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApiToken/).
type deactivateToken struct{ *okta }

// token is its description; Okta never shows the token itself again.
type token struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	User     string `json:"userId"`
	LastUsed string `json:"lastUpdated"`
}

// there is the state of a token.
type there struct {
	Token string `json:"token"` // "valid" or "revoked"
}

func (deactivateToken) Spec() actions.Spec {
	return actions.Spec{
		Name: "okta.deactivate-token", Title: "Revoke an Okta API token",
		Does: "Revokes an API token of the organisation for good; whatever uses it stops working at once.",
		Kind: actions.KindCredential, Blast: actions.BlastTeam,
		Destroys: "who made the token, and when it was last used",
		Rights:   []string{readTokens, manageTokens, readUsers},
		Proof:    "The token is asked for again: Okta does not know it any more.",
		Example:  "okta.deactivate-token 00Tabcdefg1234567890",
	}
}

func (a deactivateToken) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	t, _, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindCredential, ID: t.ID, Name: t.Name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until,
		Steps: []string{fmt.Sprintf("Revoke the API token %s (%s).", t.Name, t.ID)},
		Lost:  []string{"The token: it cannot be had back, only replaced."},
		Found: actions.StateOf(there{"valid"}), Want: actions.StateOf(there{"revoked"})}
	owner, _, err := a.user(ctx, t.User)
	switch {
	case err == nil:
		p.Owner = owner.Profile.Login
		p.Dependants = []string{"Whatever acts as " + owner.Profile.Login + " with this token stops working."}
	case !rest.IsStatus(err, http.StatusNotFound):
		return actions.Plan{}, err
	}
	return p, nil
}

// find resolves an id or a name among all tokens. Tokens of Tocsin's own account are
// refused: one of them may be the one it works with.
func (a deactivateToken) find(ctx context.Context, typed string) (token, json.RawMessage, error) {
	raw, more, err := list[json.RawMessage](ctx, a.okta, rest.Call{Step: "list the API tokens", Method: http.MethodGet, Path: "/api/v1/api-tokens", Right: readTokens})
	if err != nil {
		return token{}, nil, err
	}
	var fits []token
	var from []json.RawMessage
	var near []string
	for _, r := range raw {
		var t token
		if json.Unmarshal(r, &t) != nil || t.ID == "" {
			continue
		}
		if t.ID == typed || strings.EqualFold(t.Name, typed) {
			fits, from = append(fits, t), append(from, r)
		} else if len(typed) > 2 && strings.Contains(strings.ToLower(t.Name), strings.ToLower(typed)) {
			near = append(near, t.Name)
		}
	}
	switch {
	case len(fits) > 1:
		var ids []string
		for _, t := range fits {
			ids = append(ids, t.ID)
		}
		slices.Sort(ids)
		return token{}, nil, &actions.Ambiguous{Kind: actions.KindCredential, Name: typed, Fits: ids}
	case len(fits) == 0:
		no := &actions.NoTarget{Kind: actions.KindCredential, Name: cut(typed)}
		if slices.Sort(near); len(near) > 0 {
			no.Hint = "Did you mean " + strings.Join(near[:min(len(near), 3)], " or ") + "?"
		} else if more {
			no.Hint = "There are more tokens than were looked through: name its id."
		}
		return token{}, nil, no
	}
	self, err := a.me(ctx)
	if err != nil {
		return token{}, nil, err
	}
	if self != "" && fits[0].User == self {
		return token{}, nil, incident.GiveUp(fmt.Errorf("the API token %s belongs to Tocsin's own account and may be the one it works with: revoke it in Okta's console", fits[0].Name))
	}
	return fits[0], from[0], nil
}

func (a deactivateToken) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		var t token
		_, err := a.rest.Do(ctx, rest.Call{Step: "read the API token", Method: http.MethodGet, Path: tokenPath(id), Out: &t, Right: readTokens})
		if rest.IsStatus(err, http.StatusNotFound) {
			return actions.StateOf(there{"revoked"}), nil
		}
		return actions.StateOf(there{"valid"}), err
	}
}

func tokenPath(id string) string { return "/api/v1/api-tokens/" + url.PathEscape(id) }

func (a deactivateToken) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The API token " + p.Target.Name + " was revoked."}, a.read(p.Target.ID), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "revoke the API token", Method: http.MethodDelete, Path: tokenPath(p.Target.ID), Right: manageTokens})
		return err
	})
}

func (a deactivateToken) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		if deed.Same(now, r.Left) {
			return "Okta no longer knows the API token " + r.Target.Name + "."
		}
		return "Okta still knows the API token " + r.Target.Name + "."
	})
}

// Preserve keeps what Okta tells of the token; the secret is not in it.
func (a deactivateToken) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	t, raw, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	return kept("okta-token-"+t.ID+".json", "API token "+t.Name+" of Okta", raw), nil
}
