package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
)

// Check says which rights containment lacks, by reading only: the scopes of a classic token,
// the standing of the account in the organisation, the keys of the apps. Of a fine-grained
// token GitHub tells no rights; what it may read is tried.
func (h *hub) Check(ctx context.Context) ([]string, error) {
	var missing []string
	lacks := func(err error) error {
		var right *actions.MissingRight
		if errors.As(err, &right) {
			missing = append(missing, right.Error())
			return nil
		}
		return err
	}
	if h.conf.App == nil {
		if err := lacks(h.checkScopes(ctx, &missing)); err != nil {
			return missing, err
		}
	}
	if h.conf.Org != "" {
		err := h.read(ctx, "list the organisation's members", writeMembers, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Organizations.ListMembers(ctx, h.conf.Org, &gh.ListMembersOptions{Role: "admin", ListOptions: gh.ListOptions{PerPage: 1}})
			return resp, err
		})
		if statusOf(err) == 404 {
			missing, err = append(missing, writeMembers+": the organisation "+h.conf.Org+" does not exist, or Tocsin's account may not see it"), nil
		}
		if err = lacks(err); err != nil {
			return missing, err
		}
	}
	for i, by := range h.apps {
		err := h.call(ctx, by, CostRead, fmt.Sprintf("look at app %d", h.conf.Apps[i].ID), appPrivateKey, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Apps.Get(ctx, "")
			return resp, err
		})
		if err = lacks(err); err != nil {
			return missing, err
		}
	}
	return missing, nil
}

// checkScopes reads X-OAuth-Scopes, which GitHub sends for classic tokens only
// (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
func (h *hub) checkScopes(ctx context.Context, missing *[]string) error {
	return h.read(ctx, "look up Tocsin's own account", "read:user", func(c *gh.Client) (*gh.Response, error) {
		_, resp, err := c.Users.Get(ctx, "")
		if err != nil || resp == nil {
			return resp, err
		}
		if _, classic := resp.Header["X-Oauth-Scopes"]; !classic {
			return resp, nil
		}
		var have []string
		for s := range strings.SplitSeq(resp.Header.Get("X-OAuth-Scopes"), ",") {
			have = append(have, strings.TrimSpace(s))
		}
		for _, need := range []string{"repo", "admin:org"} {
			if !slices.Contains(have, need) {
				*missing = append(*missing, need+": the token does not have this scope")
			}
		}
		return resp, nil
	})
}
