// Package google contains Google accounts: it suspends a Workspace user, signs them out,
// revokes what they granted to applications, and disables keys of service accounts.
//
// Workspace is the Admin SDK's Directory API, spoken to as a service account that acts for
// an administrator (domain-wide delegation); keys are Cloud IAM's, spoken to as the service
// account itself.
package google

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

const (
	usualDirectory = "https://admin.googleapis.com"
	usualIAM       = "https://iam.googleapis.com"
	usualToken     = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, not a token
)

// The Directory API lets a user in a project ask 2,400 times a minute
// (https://developers.google.com/workspace/admin/directory/v1/limits); IAM lets a project
// write 600 and read 6,000 times a minute (https://cloud.google.com/iam/quotas).
var rate = actions.Rate{PerMinute: 300, Burst: 30}

// The OAuth scopes to delegate, and the IAM permissions to grant.
const (
	scopeUsers    = "https://www.googleapis.com/auth/admin.directory.user"
	scopeSecurity = "https://www.googleapis.com/auth/admin.directory.user.security"
	scopeCloud    = "https://www.googleapis.com/auth/cloud-platform"

	readKeys    = "iam.serviceAccountKeys.list"
	readKey     = "iam.serviceAccountKeys.get"
	disableKeys = "iam.serviceAccountKeys.disable"
	enableKeys  = "iam.serviceAccountKeys.enable"
)

// Config is what the actions need. Key is required; without Subject only keys of service
// accounts can be disabled.
type Config struct {
	Key     actions.Secret // the service account's key file, JSON
	Subject string         // the administrator it acts for, an e-mail address
	// Directory, IAM and Token are addresses; Google's own when empty.
	Directory, IAM, Token string
	// BreakGlass are accounts that are never touched, by e-mail address or id.
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

// keyFile is what is read of a service account's key
// (https://developers.google.com/identity/protocols/oauth2/service-account).
type keyFile struct {
	Type  string `json:"type"`
	Email string `json:"client_email"`
	ID    string `json:"private_key_id"`
	Key   string `json:"private_key"`
}

// keyFile reads the key; problem is a sentence, "" where there is none.
func (c Config) keyFile() (k keyFile, problem string) {
	if json.Unmarshal([]byte(c.Key), &k) != nil || k.Type != "service_account" || k.Email == "" {
		return keyFile{}, "Google needs the key file of a service account, as JSON."
	}
	if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(k.Key)); err != nil {
		return keyFile{}, "The private key in Google's key file is no RSA key in PEM."
	}
	return k, ""
}

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	if _, problem := c.keyFile(); problem != "" {
		out = append(out, problem)
	}
	if c.Subject != "" && !strings.Contains(c.Subject, "@") {
		out = append(out, "Google's administrator to act for must be an e-mail address.")
	}
	for _, at := range []string{c.Directory, c.IAM, c.Token} {
		if u, err := url.Parse(at); at != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http") {
			out = append(out, "Google's addresses must be plain ones such as https://admin.googleapis.com.")
		}
	}
	return slices.Compact(out)
}

// made are the actions, in the order of their files.
var made []func(*google) actions.Action

// google is one Workspace and the projects its service account may see.
type google struct {
	conf           Config
	own            keyFile
	directory, iam *rest.Client
}

// Actions are what can be done in Google. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	for to, usual := range map[*string]string{&c.Directory: usualDirectory, &c.IAM: usualIAM, &c.Token: usualToken} {
		if *to == "" {
			*to = usual
		}
		*to = strings.TrimRight(*to, "/")
	}
	g := &google{conf: c}
	g.own, _ = c.keyFile() // Problems looked at it
	g.directory = g.client(c.Directory, c.Subject, scopeUsers, scopeSecurity)
	g.iam = g.client(c.IAM, "", scopeCloud)
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(g))
	}
	return out, nil
}

func (g *google) client(base, subject string, scopes ...string) *rest.Client {
	pace := func(ctx context.Context, _ string) error { return g.conf.Pace.Take(ctx, "google", rate) }
	login := &rest.Client{Vendor: "Google", Base: g.conf.Token, HTTP: g.conf.HTTP, Code: code, Pace: pace}
	return &rest.Client{Vendor: "Google", Base: base, HTTP: g.conf.HTTP, Code: code, Busy: busy, Pace: pace, Token: rest.NewBearer(
		func(ctx context.Context) (actions.Secret, time.Duration, error) {
			assertion, err := g.assertion(subject, time.Now(), scopes)
			if err != nil {
				return "", 0, incident.GiveUp(err)
			}
			return rest.Grant(ctx, login, "", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}})
		})}
}

// assertion asks for a token, by a JWT that is good for an hour
// (https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests).
func (g *google) assertion(subject string, now time.Time, scopes []string) (string, error) {
	claims := jwt.MapClaims{"iss": g.own.Email, "scope": strings.Join(scopes, " "), "aud": g.conf.Token, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if subject != "" {
		claims["sub"] = subject
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = g.own.ID
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(g.own.Key))
	if err != nil {
		return "", errors.New("sign in: Google's private key cannot be read")
	}
	signed, err := t.SignedString(key)
	if err != nil {
		return "", errors.New("sign in: Google's private key cannot sign")
	}
	return signed, nil
}

// code is the reason of the first error, the status, or the error of the token endpoint
// (https://developers.google.com/workspace/admin/directory/v1/guides/troubleshoot-error-codes).
func code(_ int, body []byte) string {
	var api struct {
		Error struct {
			Status string `json:"status"`
			Errors []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &api) == nil {
		if len(api.Error.Errors) > 0 {
			return api.Error.Errors[0].Reason
		}
		return api.Error.Status
	}
	var login struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &login) // no JSON, no code
	return login.Error
}

// busy are the quotas that the Directory API says with 403.
func busy(status int, word string) bool {
	return status == http.StatusForbidden && slices.Contains([]string{"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"}, word)
}
