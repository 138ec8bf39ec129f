package github

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { contained = append(contained, func(h *hub) actions.Action { return revokeSSO(h) }) }

// revokeSSO takes from all tokens and keys of a member what lets them past single sign-on
// (https://docs.github.com/en/enterprise-cloud@latest/rest/orgs/orgs#remove-a-saml-sso-authorization-for-an-organization).
func revokeSSO(h *hub) credentials {
	return credentials{hub: h, what: "SSO authorization",
		loses: "The authorizations: tokens and keys have to be authorized anew, which wants a sign-in at the identity provider.",
		spec: func() actions.Spec {
			return actions.Spec{
				Name: "github.revoke-sso", Title: "Revoke a member's SSO authorizations in GitHub",
				Does: "Personal access tokens and SSH keys of the member no longer reach the organisation until they are authorized anew; GitHub Enterprise Cloud with SAML only.",
				Kind: actions.KindIdentity, Blast: actions.BlastTarget,
				Destroys: "which tokens and keys were authorized, and when they were last used",
				Rights:   []string{readMeta, writeOrg},
				Proof:    "The member's authorizations are listed again.",
				Example:  "github.revoke-sso acme/mallory",
			}
		},
		list: func(ctx context.Context, org, login string) ([]held, error) {
			all, err := pages(ctx, h, h.http, "list the SSO authorizations", writeOrg, func(c *gh.Client, o gh.ListOptions) ([]*gh.CredentialAuthorization, *gh.Response, error) {
				return c.Organizations.ListCredentialAuthorizations(ctx, org, &o)
			})
			out := []held{}
			for _, c := range all {
				if !strings.EqualFold(c.GetLogin(), login) {
					continue
				}
				raw, err := json.Marshal(c)
				if err != nil {
					return nil, err
				}
				name := cmp.Or(c.GetAuthorizedCredentialNote(), c.GetAuthorizedCredentialTitle(), c.GetTokenLastEight(), c.GetFingerprint())
				out = append(out, held{c.GetCredentialID(), c.GetCredentialType() + " " + name, raw})
			}
			slices.SortFunc(out, func(a, b held) int { return cmp.Compare(a.ID, b.ID) })
			return out, err
		},
		revoke: func(ctx context.Context, org string, id int64) error {
			return h.write(ctx, "revoke an SSO authorization", writeOrg, func(c *gh.Client) (*gh.Response, error) {
				return c.Organizations.RemoveCredentialAuthorization(ctx, org, id)
			})
		},
	}
}
