package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(c *cloudflare) actions.Action { return rollToken{c} }) }

// rollToken gives an API token another value, which nobody gets to see: the old one is
// void at once, name and permissions stay. Whoever owns the token rolls it once more in
// the dashboard to have a value
// (https://developers.cloudflare.com/api/resources/user/subresources/tokens/subresources/value/).
type rollToken struct{ *cloudflare }

// issued is the state of a token. Cloudflare shows no value and no hash of one; what
// changes when it is rolled is when the token was modified. Shape is everything else that
// makes it, so that a change of its permissions is not taken for a roll.
type issued struct {
	Modified string `json:"modified_on"`
	Shape    string `json:"shape"`
}

// rolled is what is wanted: another value than the one that was found, in a token that is
// otherwise the same.
type rolled struct {
	Since string `json:"rolled_since"`
	Shape string `json:"shape"`
}

func (rollToken) Spec() actions.Spec {
	return actions.Spec{
		Name: "cloudflare.roll-token", Title: "Roll a Cloudflare API token",
		Does: "The token's value becomes another that nobody is shown, so that the old one is void at once; its name and permissions stay.",
		Kind: actions.KindCredential, Blast: actions.BlastTeam,
		Destroys: "when the token was last changed and used",
		Rights:   []string{writeTokens},
		Proof:    "The token is read again: it was modified since, and nothing else about it changed. The value itself cannot be seen.",
		Example:  "cloudflare.roll-token ci-deploy",
	}
}

// tokensAt is where the tokens are: those that the account owns, or those of the user
// that Tocsin's token belongs to.
func (c *cloudflare) tokensAt() string {
	if c.conf.Account != "" {
		return path("accounts", c.conf.Account, "tokens")
	}
	return path("user", "tokens")
}

type apiToken struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Status   string          `json:"status"`
	Modified string          `json:"modified_on"`
	Used     string          `json:"last_used_on"`
	Expires  string          `json:"expires_on"`
	Before   string          `json:"not_before"`
	Policies json.RawMessage `json:"policies"`
	From     json.RawMessage `json:"condition"`
}

func (t apiToken) state() issued {
	return issued{t.Modified, digest(t.ID, t.Name, t.Status, t.Expires, t.Before, canonical(t.Policies), canonical(t.From))}
}

// find resolves an id or a name. Tocsin's own token is refused.
func (a rollToken) find(ctx context.Context, typed string) (apiToken, error) {
	name := strings.TrimSpace(typed)
	tokens, err := all[apiToken](ctx, a.cloudflare, rest.Call{Step: "list the API tokens", Method: http.MethodGet, Path: a.tokensAt(), Right: writeTokens})
	if err != nil {
		return apiToken{}, err
	}
	var fits []apiToken
	no := &actions.NoTarget{Kind: actions.KindCredential, Name: cut(name)}
	for _, t := range tokens {
		if t.ID == name || strings.EqualFold(t.Name, name) {
			fits = append(fits, t)
		} else if len(name) > 2 && strings.Contains(strings.ToLower(t.Name), strings.ToLower(name)) {
			no.Hint = "Did you mean " + cut(t.Name) + "?"
		}
	}
	switch {
	case len(fits) == 0:
		return apiToken{}, no
	case len(fits) > 1:
		many := &actions.Ambiguous{Kind: actions.KindCredential, Name: cut(name)}
		for _, f := range fits {
			many.Fits = append(many.Fits, f.ID)
		}
		return apiToken{}, many
	case a.kept(fits[0].ID, fits[0].Name):
		return apiToken{}, incident.GiveUp(fmt.Errorf("the API token %s is never rolled: the configuration keeps it", cut(fits[0].Name)))
	}
	me, err := a.self(ctx)
	if err != nil {
		return apiToken{}, err
	}
	if me == fits[0].ID {
		return apiToken{}, incident.GiveUp(fmt.Errorf("this is Tocsin's own API token: roll it in Cloudflare's dashboard"))
	}
	return fits[0], nil
}

// self is the id of Tocsin's own token, which an account owns or a user.
func (c *cloudflare) self(ctx context.Context) (string, error) {
	ask := func(at string) (string, error) {
		var me apiToken
		err := c.call(ctx, rest.Call{Step: "look up Tocsin's own token", Method: http.MethodGet, Path: at, Right: writeTokens}, &me)
		return me.ID, err
	}
	if c.conf.Account != "" {
		if id, err := ask(path("accounts", c.conf.Account, "tokens", "verify")); !actions.Final(err) {
			return id, err
		}
	}
	return ask(path("user", "tokens", "verify"))
}

func (a rollToken) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	t, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindCredential, ID: t.ID, Name: cut(t.Name)},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until,
		Steps:      []string{fmt.Sprintf("Give the API token %s (%s) another value, which nobody is shown.", cut(t.Name), t.ID)},
		Dependants: []string{"Whatever uses the token stops working, until its owner rolls it again in the dashboard and hands the new value out."},
		Lost:       []string{"The token's value: it cannot be had back."},
		Found:      actions.StateOf(t.state()), Want: actions.StateOf(rolled{t.Modified, t.state().Shape})}
	if t.Status != "active" {
		p.Warnings = append(p.Warnings, "The token is not active now.")
	}
	return p, nil
}

func (a rollToken) token(ctx context.Context, id string) (apiToken, error) {
	var t apiToken
	err := a.call(ctx, rest.Call{Step: "read the API token", Method: http.MethodGet, Path: a.tokensAt() + path(id), Right: writeTokens}, &t)
	return t, err
}

// was is what a plan or a receipt found.
func was(s actions.State) (issued, error) {
	var out issued
	if json.Unmarshal(s, &out) != nil || out.Modified == "" || out.Shape == "" {
		return out, incident.GiveUp(fmt.Errorf("the plan does not say how the API token was"))
	}
	return out, nil
}

// Do rolls the token where it is as it was found. One that was modified since and is
// otherwise the same was rolled; anything else is a stale plan.
func (a rollToken) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	found, err := was(p.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	t, err := a.token(ctx, p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	now := t.state()
	if now.Shape != found.Shape {
		return actions.Receipt{}, fmt.Errorf("%s: %w", p.Target.Name, actions.ErrStale)
	}
	if now.Modified == found.Modified {
		// The answer holds the new value. It is not read: what is not known cannot leak.
		err := a.call(ctx, rest.Call{Step: "roll the API token", Method: http.MethodPut, Path: a.tokensAt() + path(p.Target.ID, "value"), In: struct{}{}, Right: writeTokens}, nil)
		if err != nil {
			return actions.Receipt{}, err
		}
	}
	r := p.Receipt()
	r.Done = []string{"The API token " + p.Target.Name + " has another value, which nobody was shown."}
	return r, nil
}

func (a rollToken) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	found, err := was(r.Found)
	if err != nil {
		return actions.Proof{}, err
	}
	t, err := a.token(ctx, r.Target.ID)
	if rest.IsStatus(err, http.StatusNotFound) {
		return actions.Proven("Cloudflare no longer knows the API token " + r.Target.Name + "."), nil
	}
	if err != nil {
		return actions.Proof{}, err
	}
	if t.Modified == found.Modified {
		return actions.Refuted("The API token " + r.Target.Name + " was not modified since."), nil
	}
	return actions.Stored("The API token "+r.Target.Name+" was modified since.", "Cloudflare shows no value, so that this is all there is to see."), nil
}

// Preserve keeps what Cloudflare tells of the token; its value is not in it.
func (a rollToken) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	t, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	return actions.Evidence{Items: []actions.Item{{Name: "cloudflare-token-" + t.ID + ".json", From: "API token " + cut(t.Name) + " of Cloudflare", Type: "application/json", Open: opened(actions.StateOf(t))}}}, nil
}
