package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(o *okta) actions.Action { return resetFactors{o} }) }

// resetFactors takes all enrolled factors away
// (https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserLifecycle/).
type resetFactors struct{ *okta }

// factor is what is told of one; its id makes it exact.
type factor struct {
	ID       string `json:"id"`
	Type     string `json:"factorType"`
	Provider string `json:"provider"`
}

func (f factor) String() string {
	return strings.ToLower(f.Provider) + " " + strings.NewReplacer(":", " ", "_", " ").Replace(f.Type)
}

func (resetFactors) Spec() actions.Spec {
	return actions.Spec{
		Name: "okta.reset-factors", Title: "Reset a user's factors in Okta",
		Does: "Removes every factor the user has enrolled, an attacker's among them; the user enrols anew at the next sign-in.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Destroys: "which factors were enrolled, and the phone numbers and devices behind them",
		Rights:   []string{readUsers, manageUsers},
		Proof:    "The user's factors are listed again: none of those that were there is left.",
		Example:  "okta.reset-factors mallory@example.com",
	}
}

func (a resetFactors) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	enrolled, err := a.factors(ctx, u.ID)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = actions.StateOf(enrolled), actions.StateOf([]factor{})
	if len(enrolled) == 0 {
		p.Already = true
		p.Steps = []string{u.Profile.Login + " has no factors enrolled; nothing will change."}
		return p, nil
	}
	for _, f := range enrolled {
		p.Steps = append(p.Steps, "Remove the factor "+f.String()+" of "+u.Profile.Login+".")
	}
	p.Lost = []string{fmt.Sprintf("The enrolment of %d factors: the user has to enrol anew.", len(enrolled))}
	p.Warnings = []string{"Whoever signs in next with the password enrols the new factors. Make sure that is " + u.Profile.Login + ": suspend first where the password is known to others."}
	return p, nil
}

// factors lists what is enrolled, in order of id.
func (a resetFactors) factors(ctx context.Context, id string) ([]factor, error) {
	got, _, err := list[factor](ctx, a.okta, rest.Call{Step: "list the user's factors", Method: http.MethodGet, Path: path(id, "factors"), Query: url.Values{}, Right: readUsers})
	slices.SortFunc(got, func(x, y factor) int { return strings.Compare(x.ID, y.ID) })
	if got == nil {
		got = []factor{}
	}
	return got, err
}

// read is "no factors" as soon as none of those found is left: Okta may enrol e-mail again
// by itself at once.
func (a resetFactors) read(id string, found actions.State) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		now, err := a.factors(ctx, id)
		if err != nil {
			return nil, err
		}
		var had []factor
		if err := json.Unmarshal(found, &had); err != nil {
			return nil, fmt.Errorf("read the plan: %w", actions.ErrStale)
		}
		if len(had) > 0 && !slices.ContainsFunc(now, func(f factor) bool { return slices.Contains(had, f) }) {
			now = []factor{}
		}
		return actions.StateOf(now), nil
	}
}

func (a resetFactors) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The factors of " + p.Target.Name + " were removed."}, a.read(p.Target.ID, p.Found), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "reset the factors", Method: http.MethodPost, Path: path(p.Target.ID, "lifecycle", "reset_factors"), Right: manageUsers})
		return err
	})
}

func (a resetFactors) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID, r.Found), func(now actions.State) string {
		if deed.Same(now, r.Left) {
			return "None of the factors that " + r.Target.Name + " had is left."
		}
		return "Factors that " + r.Target.Name + " had are still enrolled."
	})
}

// Preserve keeps the factors as Okta describes them, phone numbers and devices included.
func (a resetFactors) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	var raw json.RawMessage
	_, err = a.rest.Do(ctx, rest.Call{Step: "keep the user's factors", Method: http.MethodGet, Path: path(u.ID, "factors"), Out: &raw, Right: readUsers})
	if err != nil {
		return actions.Evidence{}, err
	}
	return kept("okta-factors-"+u.ID+".json", "factors of Okta user "+u.Profile.Login, raw), nil
}

// kept is one item of JSON.
func kept(name, from string, content []byte) actions.Evidence {
	return actions.Evidence{Items: []actions.Item{{Name: name, From: from, Type: "application/json",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}}
}

// said is the status in a state, as people say it.
func said(s actions.State) string {
	var now standing
	_ = json.Unmarshal(s, &now) // our own form
	return words(now.Status)
}
