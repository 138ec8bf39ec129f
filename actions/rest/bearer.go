package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/tocsin-ir/tocsin/actions"
)

// early is how long before its end a token is no longer used: a call takes up to patience,
// and clocks differ.
const early = time.Minute

// Bearer is a token that runs out and is fetched anew. It is kept in memory only.
type Bearer struct {
	fetch func(ctx context.Context) (token actions.Secret, life time.Duration, err error)
	// turn holds one value: whoever takes it may look at what follows, and fetch.
	turn  chan struct{}
	token actions.Secret
	until time.Time
}

// NewBearer makes a Bearer. fetch returns a token and how long it lasts; its error is
// returned as it is.
func NewBearer(fetch func(ctx context.Context) (actions.Secret, time.Duration, error)) *Bearer {
	b := &Bearer{fetch: fetch, turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// Get returns the token, fetching it where there is none that lasts. Those who ask at the
// same time wait for one fetch, as long as their context lets them.
func (b *Bearer) Get(ctx context.Context) (actions.Secret, error) {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { b.turn <- struct{}{} }()
	if b.token != "" && time.Until(b.until) > early {
		return b.token, nil
	}
	token, life, err := b.fetch(ctx)
	if err != nil {
		return "", err
	}
	b.token, b.until = token, time.Now().Add(life)
	return token, nil
}

// drop forgets a token that was refused, unless another was fetched meanwhile.
func (b *Bearer) drop(token actions.Secret) {
	<-b.turn
	if b.token == token {
		b.token = ""
	}
	b.turn <- struct{}{}
}

// Grant asks the token endpoint of an OAuth 2.0 server (RFC 6749, section 3.2) and returns
// the token and how long it lasts. A refusal of what was sent is an *actions.MissingRight.
func Grant(ctx context.Context, c *Client, path string, form url.Values) (actions.Secret, time.Duration, error) {
	var got struct {
		Token   string  `json:"access_token"`
		Seconds float64 `json:"expires_in"`
	}
	const step = "sign in"
	_, err := c.Do(ctx, Call{Step: step, Method: http.MethodPost, Path: path, Form: form, Out: &got})
	if IsStatus(err, http.StatusBadRequest) { // RFC 6749, section 5.2: invalid_client, invalid_grant, invalid_scope
		return "", 0, &actions.MissingRight{Right: c.noToken() + " (" + Word(err) + ")", To: step}
	}
	if err != nil {
		return "", 0, err
	}
	if got.Token == "" || strings.ContainsFunc(got.Token, unicode.IsControl) {
		return "", 0, fmt.Errorf("%s: %s's answer holds no token", step, c.Vendor)
	}
	return actions.Secret(got.Token), time.Duration(min(max(got.Seconds, 0), 86400) * float64(time.Second)), nil
}
