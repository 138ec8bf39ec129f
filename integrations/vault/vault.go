// Package vault contains what HashiCorp Vault gave out: it revokes leases below a prefix,
// revokes a token by its accessor, and disables a role of an auth method so that nobody
// signs in with it.
//
// It speaks Vault's HTTP API. Nothing it reads holds a secret: leases and tokens are known
// by ids and accessors only.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Vault has no limit of its own; where its operator set a quota it answers 429
// (https://developer.hashicorp.com/vault/api-docs/system/rate-limit-quotas).
var rate = actions.Rate{PerMinute: 300, Burst: 50}

// Config is what the actions need. Base and Token are required.
type Config struct {
	Base      string         // "https://vault.example.com:8200"
	Token     actions.Secret // with the policy of docs/adapters/vault.md
	Namespace string         // Vault Enterprise and HCP; "" the root namespace
	// BreakGlass are accessors, roles ("kubernetes/deploy") and prefixes ("database/creds/dr")
	// that are never touched.
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	u, err := url.Parse(c.Base)
	switch {
	case c.Base == "":
		out = append(out, "Vault's address is missing: it looks like https://vault.example.com:8200.")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		out = append(out, "Vault's address must be a plain one such as https://vault.example.com:8200.")
	}
	if c.Token == "" || strings.ContainsAny(string(c.Token), " \t\r\n") {
		out = append(out, "Vault needs a token, without blanks.")
	}
	if strings.ContainsAny(c.Namespace, " \t\r\n") {
		out = append(out, "Vault's namespace has a blank in it.")
	}
	return out
}

// made are the actions, in the order of their files.
var made []func(*vault) actions.Action

// Actions are what can be done in Vault. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	v := &vault{conf: c, rest: &rest.Client{Vendor: "Vault", Base: strings.TrimRight(c.Base, "/") + "/v1", HTTP: c.HTTP, Code: code,
		Pace: func(ctx context.Context, _ string) error { return c.Pace.Take(ctx, "vault", rate) },
		Sign: func(r *http.Request) {
			r.Header.Set("X-Vault-Token", string(c.Token))
			r.Header.Set("X-Vault-Request", "true") // refused by Vault where it is missing: keeps out requests forged by way of another service
			if c.Namespace != "" {
				r.Header.Set("X-Vault-Namespace", c.Namespace)
			}
		}}}
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(v))
	}
	return out, nil
}

// vault is one Vault and the way to it.
type vault struct {
	conf Config
	rest *rest.Client
}

// code tells an accessor that Vault does not know from other bad requests: both are 400
// (vault/token_store.go, handleUpdateLookupAccessor).
func code(_ int, body []byte) string {
	if strings.Contains(string(body), "invalid accessor") {
		return unknownAccessor
	}
	return ""
}

const unknownAccessor = "invalid_accessor"

// segment is a piece of a path that a mount, a role or a lease can have here.
var segment = regexp.MustCompile(`^[A-Za-z0-9_@:+][A-Za-z0-9_.@:+ -]*$`)

// path escapes the pieces of a path.
func path(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		for s := range strings.SplitSeq(p, "/") {
			out.WriteString("/" + url.PathEscape(s))
		}
	}
	return out.String()
}

// plain reports whether every piece of a path is one that can be asked for.
func plain(p string) bool {
	return p != "" && len(p) <= 300 && !slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return !segment.MatchString(s) })
}

// list reads the keys below a path. Vault answers 404 where there are none
// (https://developer.hashicorp.com/vault/api-docs#http-status-codes). GET with list=true is
// its LIST for those whose proxies do not know that method.
func (v *vault) list(ctx context.Context, step, at, right string) ([]string, error) {
	var got struct {
		Data struct {
			Keys []string `json:"keys"`
		} `json:"data"`
	}
	_, err := v.rest.Do(ctx, rest.Call{Step: step, Method: http.MethodGet, Path: at, Query: url.Values{"list": {"true"}}, Out: &got, Right: right})
	if rest.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	return got.Data.Keys, err
}

// token is what Vault tells of a token; the token itself is not in it.
type token struct {
	Accessor string            `json:"accessor"`
	Name     string            `json:"display_name"`
	Path     string            `json:"path"` // where it was signed in: "auth/approle/login"
	Policies []string          `json:"policies"`
	Orphan   bool              `json:"orphan"`
	Meta     map[string]string `json:"meta"`
}

// self is Tocsin's own token, which is never touched. Everybody may ask that
// (https://developer.hashicorp.com/vault/docs/concepts/policies#default-policy).
func (v *vault) self(ctx context.Context) (token, error) {
	var got struct {
		Data token `json:"data"`
	}
	_, err := v.rest.Do(ctx, rest.Call{Step: "look up Tocsin's own token", Method: http.MethodGet, Path: path("auth/token/lookup-self"), Out: &got, Right: readSelf})
	return got.Data, err
}

// kept is one file of evidence.
func kept(name, from string, what json.RawMessage) actions.Evidence {
	return actions.Evidence{Items: []actions.Item{{Name: name, From: from, Type: "application/json", Open: opened(what)}}}
}
