package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { contained = append(contained, func(h *hub) actions.Action { return revokeTokens(h) }) }

// revokeTokens takes from all fine-grained personal access tokens of a member their access
// to the organisation (https://docs.github.com/en/rest/orgs/personal-access-tokens). GitHub
// lets only a GitHub App do that.
func revokeTokens(h *hub) credentials {
	return credentials{hub: h, what: "fine-grained token",
		loses: "The tokens' access to the organisation: new ones have to be made and, where the organisation asks for it, approved.",
		spec: func() actions.Spec {
			return actions.Spec{
				Name: "github.revoke-tokens", Title: "Revoke a member's fine-grained tokens in GitHub",
				Does: "Fine-grained personal access tokens of the member no longer reach the organisation; classic tokens are not touched. Tocsin must sign in as a GitHub App.",
				Kind: actions.KindIdentity, Blast: actions.BlastTarget,
				Destroys: "which tokens there were, what they could do, and when they were last used",
				Rights:   []string{readMeta, writeTokens},
				Proof:    "The member's tokens are listed again.",
				Example:  "github.revoke-tokens acme/mallory",
			}
		},
		list: func(ctx context.Context, org, login string) ([]held, error) {
			all, err := pages(ctx, h, h.http, "list the fine-grained tokens", writeTokens, func(c *gh.Client, o gh.ListOptions) ([]json.RawMessage, *gh.Response, error) {
				var page []json.RawMessage
				req, err := c.NewRequest(http.MethodGet, fmt.Sprintf("orgs/%s/personal-access-tokens?owner%%5B%%5D=%s&per_page=%d&page=%d", org, url.QueryEscape(login), o.PerPage, o.Page), nil)
				if err != nil {
					return nil, nil, err
				}
				resp, err := c.Do(ctx, req, &page)
				return page, resp, err
			})
			out := []held{}
			for _, raw := range all {
				var t struct {
					ID   int64  `json:"id"`
					Name string `json:"token_name"`
				}
				if json.Unmarshal(raw, &t) == nil && t.ID > 0 {
					out = append(out, held{t.ID, cmp.Or(t.Name, fmt.Sprint(t.ID)), raw})
				}
			}
			slices.SortFunc(out, func(a, b held) int { return cmp.Compare(a.ID, b.ID) })
			return out, err
		},
		revoke: func(ctx context.Context, org string, id int64) error {
			return h.write(ctx, "revoke a fine-grained token", writeTokens, func(c *gh.Client) (*gh.Response, error) {
				req, err := c.NewRequest(http.MethodPost, fmt.Sprintf("orgs/%s/personal-access-tokens/%d", org, id), map[string]string{"action": "revoke"})
				if err != nil {
					return nil, err
				}
				return c.Do(ctx, req, nil)
			})
		},
	}
}
