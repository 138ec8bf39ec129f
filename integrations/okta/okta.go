// Package okta contains identities in Okta: it suspends a user, ends their sessions, lets
// their password expire, takes their factors away, and revokes API tokens.
//
// It speaks the Management API over HTTP. Okta lists no sessions, so that what became of
// them is read from the System Log and stays unproven; everything else is read back.
package okta

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Okta counts by endpoint and minute; the smallest bucket in use here is that of the System
// Log, 120 a minute, and that of one user's changes, 600
// (https://developer.okta.com/docs/reference/rl-global-mgmt/). Okta answers a 429 without
// Retry-After; its windows last a minute, which is what actions/rest waits then.
var rate = actions.Rate{PerMinute: 100, Burst: 20}

// Config is what the actions need. Base and one of Token and OAuth are required.
type Config struct {
	Base  string         // "https://acme.okta.com"
	Token actions.Secret // an API token (SSWS)
	OAuth *OAuth         // an API service app, instead of a token
	// BreakGlass are accounts that are never touched, by login, e-mail or id.
	BreakGlass []string
	// Watch are groups whose last member or owner is worth a warning, by exact name. The
	// first ten count.
	Watch []string
	Pace  actions.Pace
	HTTP  *http.Client
}

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	u, err := url.Parse(c.Base)
	switch {
	case c.Base == "":
		out = append(out, "Okta's address is missing: it looks like https://acme.okta.com.")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		out = append(out, "Okta's address must be a plain one such as https://acme.okta.com.")
	}
	switch {
	case c.Token == "" && c.OAuth == nil:
		out = append(out, "Okta needs an API token or an API service app.")
	case c.Token != "" && c.OAuth != nil:
		out = append(out, "Okta has an API token and an API service app: keep one.")
	case strings.ContainsAny(string(c.Token), " \t\r\n"):
		out = append(out, "Okta's API token has a space in it.")
	case c.OAuth != nil:
		out = append(out, c.OAuth.problems()...)
	}
	return out
}

// made are the actions, in the order of their files.
var made []func(*okta) actions.Action

// Actions are what can be done in Okta. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	o, err := open(c)
	if err != nil {
		return nil, err
	}
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(o))
	}
	return out, nil
}

// okta is one organisation and the way to it.
type okta struct {
	conf Config
	rest *rest.Client

	// mu guards everything that follows.
	mu   sync.Mutex
	self string // the user whose API token this is; "" while it was not asked
}

func open(c Config) (*okta, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	c.Base = strings.TrimRight(c.Base, "/")
	o := &okta{conf: c, rest: &rest.Client{Vendor: "Okta", Base: c.Base, HTTP: c.HTTP, Code: code,
		Pace: func(ctx context.Context, _ string) error { return c.Pace.Take(ctx, "okta", rate) }}}
	if c.OAuth != nil {
		o.rest.Token = c.OAuth.bearer(o.rest)
		return o, nil
	}
	o.rest.Sign = func(r *http.Request) { r.Header.Set("Authorization", "SSWS "+string(c.Token)) }
	return o, nil
}

// code is the errorCode of https://developer.okta.com/docs/reference/error-codes/, or
// the error of the token endpoint.
func code(_ int, body []byte) string {
	var e struct {
		Code  string `json:"errorCode"`
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // no JSON, no code
	if e.Code != "" {
		return e.Code
	}
	return e.Error
}

// me is the id of the user that the API token belongs to, "" for an API service app,
// which is no user.
func (o *okta) me(ctx context.Context) (string, error) {
	if o.conf.OAuth != nil {
		return "", nil
	}
	o.mu.Lock()
	known := o.self
	o.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var u user
	_, err := o.rest.Do(ctx, rest.Call{Step: "look up Tocsin's own account", Method: http.MethodGet, Path: "/api/v1/users/me", Out: &u, Right: readUsers})
	if err != nil {
		return "", err
	}
	o.mu.Lock()
	o.self = u.ID
	o.mu.Unlock()
	return u.ID, nil
}
