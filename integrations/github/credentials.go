package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// credentials is the frame of the two actions that revoke everything of one kind that a
// member holds: list, compare, revoke one by one, list again.
type credentials struct {
	*hub
	spec   func() actions.Spec
	what   string // "SSO authorization"
	list   func(ctx context.Context, org, login string) ([]held, error)
	revoke func(ctx context.Context, org string, id int64) error
	loses  string // what the member loses
}

// held is one credential. GitHub never tells the secret.
type held struct {
	ID    int64           `json:"id"`
	Title string          `json:"title"`
	All   json.RawMessage `json:"-"`
}

func (a credentials) Spec() actions.Spec { return a.spec() }

func (a credentials) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	org, login, err := a.member(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	has, err := a.list(ctx, org, login)
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.spec(), in, org+"/"+login, org+"/"+login)
	p.Found, p.Want = actions.StateOf(has), actions.StateOf([]held{})
	for _, c := range has {
		p.Steps = append(p.Steps, fmt.Sprintf("Revoke the %s %s of %s.", a.what, c.Title, login))
	}
	p.Lost = []string{a.loses}
	p.Warnings = []string{login + " stays a member and can make new ones: remove the member where that must not be."}
	if len(has) == 0 {
		p.Already, p.Lost, p.Warnings = true, nil, nil
		p.Steps = []string{login + " has no " + a.what + " in " + org + "; nothing will change."}
	}
	return p, nil
}

// member resolves a login that GitHub knows; Tocsin's own is refused.
func (a credentials) member(ctx context.Context, typed string) (org, login string, err error) {
	org, login, err = a.account(typed)
	if err != nil {
		return "", "", err
	}
	var u *gh.User
	err = a.read(ctx, "look up the account", readMeta, func(c *gh.Client) (resp *gh.Response, err error) {
		u, resp, err = c.Users.Get(ctx, login)
		return resp, err
	})
	if statusOf(err) == http.StatusNotFound {
		return "", "", &actions.NoTarget{Kind: actions.KindIdentity, Name: org + "/" + login}
	}
	if err != nil {
		return "", "", err
	}
	self, err := a.me(ctx)
	if err == nil && u.GetLogin() == self {
		err = incident.GiveUp(fmt.Errorf("%s is the account Tocsin itself works with: one of these may be its own way in", self))
	}
	if err == nil && !isName(u.GetLogin()) {
		err = errors.New("look up the account: GitHub's answer names nobody")
	}
	return org, u.GetLogin(), err
}

// compare says which of those found are left, and whether there are new ones.
func (a credentials) compare(ctx context.Context, id string, found actions.State) (left, revoked []held, fresh int, err error) {
	had, err := recall[[]held](found)
	if err != nil {
		return nil, nil, 0, err
	}
	org, login := halves(id)
	now, err := a.list(ctx, org, login)
	for _, h := range had {
		if slices.ContainsFunc(now, func(n held) bool { return n.ID == h.ID }) {
			left = append(left, h)
		} else {
			revoked = append(revoked, h)
		}
	}
	return left, revoked, len(now) - len(left), err
}

// Do revokes what is left and goes on where an attempt before it stopped.
func (a credentials) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	left, revoked, fresh, err := a.compare(ctx, p.Target.ID, p.Found)
	switch {
	case err != nil:
		return actions.Receipt{}, err
	case fresh > 0 && (len(left) > 0 || p.Already):
		return actions.Receipt{}, fmt.Errorf("%s has %d more: %w", p.Target.Name, fresh, actions.ErrStale)
	}
	org, _ := halves(p.Target.ID)
	r := p.Receipt()
	for _, h := range revoked {
		r.Done = append(r.Done, "The "+a.what+" "+h.Title+" is revoked.")
	}
	for i, h := range left {
		err := a.revoke(ctx, org, h.ID)
		if err != nil && len(r.Done) == 0 {
			return actions.Receipt{}, err
		}
		if err != nil {
			part := &actions.Partial{Receipt: r, Err: err}
			for _, l := range left[i:] {
				part.NotDone = append(part.NotDone, l.Title)
			}
			return actions.Receipt{}, part
		}
		r.Done = append(r.Done, "The "+a.what+" "+h.Title+" is revoked.")
	}
	return r, nil
}

func (a credentials) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	left, revoked, fresh, err := a.compare(ctx, r.Target.ID, r.Found)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := []string{fmt.Sprintf("Of each %s that was found, %d are gone and %d are left.", a.what, len(revoked), len(left))}
	if fresh > 0 {
		seen = append(seen, fmt.Sprintf("%d were made since.", fresh))
	}
	if len(left) > 0 {
		return actions.Refuted(seen...), nil
	}
	return actions.Proven(seen...), nil
}

// Preserve keeps what GitHub tells of them; no secret is in it.
func (a credentials) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	org, login, err := a.member(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	has, err := a.list(ctx, org, login)
	if err != nil {
		return actions.Evidence{}, err
	}
	all := make([]json.RawMessage, 0, len(has))
	for _, h := range has {
		all = append(all, h.All)
	}
	return keep("github-"+login+"-credentials.json", a.what+"s of "+login+" in "+org, all)
}

// keep is one item of JSON.
func keep(name, from string, v any) (actions.Evidence, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return actions.Evidence{}, fmt.Errorf("keep %s: %w", from, err)
	}
	return actions.Evidence{Items: []actions.Item{{Name: name, From: from, Type: "application/json",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}}, nil
}
