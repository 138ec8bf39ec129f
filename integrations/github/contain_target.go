package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// Rights of a fine-grained token or a GitHub App, in GitHub's words
// (https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens).
const (
	writeMembers  = "Members: write"
	writeOrg      = "Organization administration: write"
	writeAdmin    = "Administration: write"
	readMeta      = "Metadata: read"
	readRuns      = "Actions: read"
	readAlerts    = "Secret scanning alerts: read"
	writeTokens   = "Personal access tokens: write"
	appPrivateKey = "the private key of the app"
)

// account splits "acme/mallory", or "mallory" where an organisation is configured.
func (h *hub) account(typed string) (org, login string, err error) {
	org, login, ok := strings.Cut(typed, "/")
	if !ok {
		org, login = h.conf.Org, typed
	}
	login = strings.TrimPrefix(login, "@")
	if !isName(org) || !isName(login) {
		return "", "", &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed, 100), Hint: "Write organisation/login."}
	}
	if err := h.untouchable(login); err != nil {
		return "", "", err
	}
	return org, login, nil
}

// repository resolves "acme/shop", or "shop" where an organisation is configured.
func (h *hub) repository(ctx context.Context, typed string) (*gh.Repository, error) {
	owner, name, ok := strings.Cut(typed, "/")
	if !ok {
		owner, name = h.conf.Org, typed
	}
	no := &actions.NoTarget{Kind: actions.KindService, Name: cut(typed, 100), Hint: "Write owner/repository."}
	if !isName(owner) || !isName(name) {
		return nil, no
	}
	var got *gh.Repository
	err := h.read(ctx, "read the repository", readMeta, func(c *gh.Client) (resp *gh.Response, err error) {
		got, resp, err = c.Repositories.Get(ctx, owner, name)
		return resp, err
	})
	if statusOf(err) == http.StatusNotFound {
		no.Hint = "It does not exist, or Tocsin's account may not see it."
		return nil, no
	}
	if err != nil {
		return nil, err
	}
	if !isName(got.GetOwner().GetLogin()) || !isName(got.GetName()) {
		return nil, fmt.Errorf("read the repository: GitHub's answer names none")
	}
	return got, h.untouchable(full(got))
}

func full(r *gh.Repository) string { return r.GetOwner().GetLogin() + "/" + r.GetName() }

// plan begins a plan.
func planned(s actions.Spec, in actions.Input, id, name string) actions.Plan {
	return actions.Plan{Action: s.Name, Target: actions.Target{Kind: s.Kind, ID: id, Name: name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
}

// names are the two halves of a target's id.
func halves(id string) (string, string) {
	a, b, _ := strings.Cut(id, "/")
	return a, b
}

// recall reads a state of our own making.
func recall[T any](s actions.State) (v T, err error) {
	if json.Unmarshal(s, &v) != nil {
		return v, fmt.Errorf("read the plan: %w", actions.ErrStale)
	}
	return v, nil
}

const longestList = 50 // of 100; a list that is longer is an error, because what was not read is not known

// pages reads a list to its end.
func pages[T any](ctx context.Context, h *hub, by *http.Client, step, right string, page func(c *gh.Client, o gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	o := gh.ListOptions{PerPage: 100, Page: 1}
	for o.Page > 0 {
		if o.Page > longestList {
			return nil, incident.GiveUp(fmt.Errorf("%s: there are more than %d pages", step, longestList))
		}
		next := 0
		err := h.call(ctx, by, CostRead, step, right, func(c *gh.Client) (*gh.Response, error) {
			got, resp, err := page(c, o)
			if err == nil {
				all, next = append(all, got...), resp.NextPage
			}
			return resp, err
		})
		if err != nil {
			return nil, err
		}
		o.Page = next
	}
	return all, nil
}
