package google

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
	"github.com/tocsin-ir/tocsin/actions/rest"
)

func init() { made = append(made, func(g *google) actions.Action { return revokeGrants{g} }) }

// revokeGrants takes from applications what a user let them do
// (https://developers.google.com/workspace/admin/directory/reference/rest/v1/tokens).
type revokeGrants struct{ *google }

// grant is one application a user let in.
type grant struct {
	Client string `json:"clientId"`
	App    string `json:"displayText"`
}

func (revokeGrants) Spec() actions.Spec {
	return actions.Spec{
		Name: "google.revoke-grants", Title: "Revoke a user's OAuth grants in Google",
		Does: "Every application the user let in loses its access to their mail, files and profile; the user may let them in again.",
		Kind: actions.KindIdentity, Blast: actions.BlastTarget,
		Params:   []actions.Param{{Name: "app", Help: "one application, by client id or exact name; all when left out"}},
		Destroys: "which applications were let in, and what each was allowed",
		Rights:   []string{scopeUsers, scopeSecurity},
		Proof:    "The user's grants are listed again: none of those that were there is left.",
		Example:  "google.revoke-grants mallory@example.com",
	}
}

func (a revokeGrants) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	all, _, err := a.grants(ctx, u.ID, in.Params["app"])
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.Spec(), in, u)
	p.Found, p.Want = actions.StateOf(all), actions.StateOf([]grant{})
	for _, g := range all {
		p.Steps = append(p.Steps, "Revoke what "+u.Email+" granted to "+g.App+".")
	}
	p.Lost = []string{"The grants: the user has to let each application in again."}
	if len(all) == 0 {
		p.Already, p.Lost = true, nil
		p.Steps = []string{u.Email + " has let in no such application; nothing will change."}
	}
	return p, nil
}

// grants lists them in order of client, and as Google tells them.
func (a revokeGrants) grants(ctx context.Context, id, app string) ([]grant, []json.RawMessage, error) {
	var got struct {
		Items []json.RawMessage `json:"items"`
	}
	_, err := a.directory.Do(ctx, rest.Call{Step: "list the user's grants", Method: http.MethodGet, Path: path(id, "tokens"), Out: &got, Right: scopeSecurity})
	out, raw := []grant{}, []json.RawMessage{}
	for _, r := range got.Items {
		var g grant
		if json.Unmarshal(r, &g) == nil && g.Client != "" && (app == "" || g.Client == app || strings.EqualFold(g.App, app)) {
			out, raw = append(out, g), append(raw, r)
		}
	}
	slices.SortFunc(out, func(x, y grant) int { return strings.Compare(x.Client, y.Client) })
	return out, raw, err
}

// compare says which of those found are left, and how many are new.
func (a revokeGrants) compare(ctx context.Context, id string, found actions.State, app string) (left, revoked []grant, fresh int, err error) {
	had, err := recall[[]grant](found)
	if err != nil {
		return nil, nil, 0, err
	}
	now, _, err := a.grants(ctx, id, app)
	for _, g := range had {
		if slices.ContainsFunc(now, func(n grant) bool { return n.Client == g.Client }) {
			left = append(left, g)
		} else {
			revoked = append(revoked, g)
		}
	}
	return left, revoked, len(now) - len(left), err
}

// Do revokes what is left and goes on where an attempt before it stopped.
func (a revokeGrants) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	left, revoked, fresh, err := a.compare(ctx, p.Target.ID, p.Found, p.Params["app"])
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case fresh > 0 && (len(left) > 0 || p.Already):
		return actions.Receipt{}, fmt.Errorf("%s let in %d more: %w", p.Target.Name, fresh, actions.ErrStale)
	}
	r := p.Receipt()
	for _, g := range revoked {
		r.Done = append(r.Done, "The grant to "+g.App+" is revoked.")
	}
	for i, g := range left {
		_, err := a.directory.Do(ctx, rest.Call{Step: "revoke a grant", Method: http.MethodDelete, Path: path(p.Target.ID, "tokens", url.PathEscape(g.Client)), Right: scopeSecurity})
		if err != nil && len(r.Done) == 0 {
			return actions.Receipt{}, err
		}
		if err != nil {
			part := &actions.Partial{Receipt: r, Err: err}
			for _, l := range left[i:] {
				part.NotDone = append(part.NotDone, l.App)
			}
			return actions.Receipt{}, part
		}
		r.Done = append(r.Done, "The grant to "+g.App+" is revoked.")
	}
	return r, nil
}

func (a revokeGrants) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	left, revoked, fresh, err := a.compare(ctx, r.Target.ID, r.Found, r.Params["app"])
	if err != nil {
		return actions.Proof{}, err
	}
	seen := []string{fmt.Sprintf("Of the grants that were found, %d are gone and %d are left.", len(revoked), len(left))}
	if fresh > 0 {
		seen = append(seen, fmt.Sprintf("%s has let in %d since.", r.Target.Name, fresh))
	}
	if len(left) > 0 {
		return actions.Refuted(seen...), nil
	}
	return actions.Proven(seen...), nil
}

// Preserve keeps the grants as Google tells them, scopes included; tokens are not in it.
func (a revokeGrants) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	u, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	_, raw, err := a.grants(ctx, u.ID, in.Params["app"])
	if err != nil {
		return actions.Evidence{}, err
	}
	content, err := json.Marshal(raw)
	if err != nil {
		return actions.Evidence{}, fmt.Errorf("keep the grants: %w", err)
	}
	return actions.Evidence{Items: []actions.Item{{Name: "google-grants-" + url.PathEscape(u.ID) + ".json", From: "OAuth grants of " + u.Email, Type: "application/json",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}}, nil
}
