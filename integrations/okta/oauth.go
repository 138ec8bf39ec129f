package okta

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// OAuth is an API service app that signs in with its private key
// (https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/).
// The app must not require DPoP.
type OAuth struct {
	ClientID string
	KeyID    string         // of the public key registered with the app
	Key      actions.Secret // RSA, PEM
	// Scopes are what to ask for; all that the actions use when empty. Okta refuses the
	// sign-in where one was not granted to the app.
	Scopes []string
}

func (a OAuth) problems() []string {
	var out []string
	if a.ClientID == "" || a.KeyID == "" {
		out = append(out, "Okta's API service app needs a client id and a key id.")
	}
	if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(a.Key)); err != nil {
		out = append(out, "The private key of Okta's API service app is no RSA key in PEM.")
	}
	return out
}

func (a OAuth) bearer(api *rest.Client) *rest.Bearer {
	login, ask := *api, a.Scopes
	if len(ask) == 0 {
		ask = scopes()
	}
	return rest.NewBearer(func(ctx context.Context) (actions.Secret, time.Duration, error) {
		const path = "/oauth2/v1/token"
		assertion, err := a.assertion(login.Base+path, time.Now())
		if err != nil {
			return "", 0, incident.GiveUp(err)
		}
		return rest.Grant(ctx, &login, path, url.Values{
			"grant_type":            {"client_credentials"},
			"scope":                 {strings.Join(ask, " ")},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion},
		})
	})
}

// assertion is a JWT for one use (RFC 7523, section 3).
func (a OAuth) assertion(audience string, now time.Time) (string, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(a.Key))
	if err != nil {
		return "", errKey
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: a.ClientID, Subject: a.ClientID, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	})
	t.Header["kid"] = a.KeyID
	signed, err := t.SignedString(key)
	if err != nil {
		return "", errKey
	}
	return signed, nil
}
