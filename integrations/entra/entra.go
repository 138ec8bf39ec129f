// Package entra contains accounts in Microsoft Entra ID: it disables an account, and
// revokes sign-in sessions, over Microsoft Graph.
//
// Access tokens that an application holds already live until they run out, up to an hour or
// so, wherever the application does not evaluate access continuously; nothing here can see
// that, and nothing here claims otherwise.
package entra

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// The global cloud; for national clouds see
// https://learn.microsoft.com/graph/deployments and docs/adapters/entra.md.
const (
	usualBase  = "https://graph.microsoft.com"
	usualLogin = "https://login.microsoftonline.com"
)

// rate stays far below Graph's limits for identity
// (https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits);
// a 429 carries Retry-After.
var rate = actions.Rate{PerMinute: 300, Burst: 30}

// The application permissions (https://learn.microsoft.com/graph/permissions-reference).
const (
	readUsers     = "User.Read.All"
	readDirectory = "Directory.Read.All"
	disable       = "User.EnableDisableAccount.All"
	revoke        = "User.RevokeSessions.All"
)

// Config is what the actions need: an app registration with application permissions. Tenant,
// Client and Secret are required.
type Config struct {
	Tenant string // its id, or a domain of it
	Client string // the application's (client) id
	Secret actions.Secret
	Base   string // https://graph.microsoft.com when empty
	Login  string // https://login.microsoftonline.com when empty
	// BreakGlass are accounts that are never touched, by user principal name, e-mail or id.
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

var tenantShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`)

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	if !tenantShape.MatchString(c.Tenant) || !tenantShape.MatchString(c.Client) {
		out = append(out, "Entra needs the id of the tenant and the id of the application.")
	}
	if c.Secret == "" {
		out = append(out, "Entra needs the application's client secret.")
	}
	for what, at := range map[string]string{"Microsoft Graph": c.Base, "the Microsoft login": c.Login} {
		if u, err := url.Parse(at); at != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http") {
			out = append(out, "The address of "+what+" must be a plain one such as https://graph.microsoft.us.")
		}
	}
	if (c.Base == "") != (c.Login == "") {
		out = append(out, "A national cloud has its own Graph and its own login: name both addresses, or none.")
	}
	return out
}

// made are the actions, in the order of their files.
var made []func(*entra) actions.Action

// Actions are what can be done in Entra ID. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	if c.Base == "" {
		c.Base, c.Login = usualBase, usualLogin
	}
	e := &entra{conf: c}
	pace := func(ctx context.Context, _ string) error { return c.Pace.Take(ctx, "entra", rate) }
	login := &rest.Client{Vendor: "Entra", Base: strings.TrimRight(c.Login, "/"), HTTP: c.HTTP, Code: code, Pace: pace}
	base := strings.TrimRight(c.Base, "/")
	e.rest = &rest.Client{Vendor: "Entra", Base: base + "/v1.0", HTTP: c.HTTP, Code: code, Pace: pace, Token: rest.NewBearer(
		// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
		func(ctx context.Context) (actions.Secret, time.Duration, error) {
			return rest.Grant(ctx, login, "/"+url.PathEscape(c.Tenant)+"/oauth2/v2.0/token", url.Values{
				"grant_type": {"client_credentials"}, "client_id": {c.Client}, "client_secret": {string(c.Secret)}, "scope": {base + "/.default"}})
		})}
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(e))
	}
	return out, nil
}

// entra is one tenant and the way to it.
type entra struct {
	conf Config
	rest *rest.Client
}

// code is the error code of Graph (https://learn.microsoft.com/graph/errors), or that of
// the token endpoint.
func code(_ int, body []byte) string {
	var graph struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &graph) == nil {
		return graph.Error.Code
	}
	var login struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &login) // no JSON, no code
	return login.Error
}
