package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxAnswer = 16 << 20 // bytes of an answer that are read
	noNumber  = time.Minute
	maxWait   = time.Hour
)

// signed puts the token on every request.
type signed struct {
	next  http.RoundTripper
	token Secret
}

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(s.token))
	return s.next.RoundTrip(r)
}

// bounded reads no more of an answer than can be meant.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// sameHost follows a redirect, as of a renamed repository, only where the token
// belongs: the transport would sign the request to any other host as well.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// trouble is a call that did not work, told without GitHub's own words: they may
// repeat what was sent.
type trouble struct {
	step   string
	status int    // HTTP; 0 when nothing was answered
	field  string // of a 422: what GitHub found wrong, "assignees"
	after  time.Duration
	wait   bool // a limit: after says how long
	cause  error
}

func (t *trouble) Error() string {
	switch {
	case t.wait:
		return t.step + ": GitHub asks to wait, too many requests"
	case t.status == 0 && t.cause != nil:
		return t.step + ": GitHub did not answer in time"
	case t.status == 0:
		return t.step + ": GitHub cannot be reached"
	case t.status < 300:
		return t.step + ": GitHub's answer could not be read"
	}
	return fmt.Sprintf("%s: GitHub answered %d", t.step, t.status)
}

func (t *trouble) Unwrap() error { return t.cause }

func (t *trouble) passing() bool {
	return t.wait || t.status < 300 || t.status >= 500 || t.status == http.StatusRequestTimeout
}

// call makes one call, charged to the budget, and turns its error into a *trouble.
func (p *Publisher) call(ctx context.Context, rank incident.Rank, cost, step string, do func() (*gh.Response, error)) error {
	if err := p.conf.Budget(ctx, cost, rank); err != nil {
		return err
	}
	resp, err := do()
	if err == nil {
		return nil
	}
	t := &trouble{step: step, cause: ctx.Err()}
	if resp != nil && resp.Response != nil {
		t.status = resp.StatusCode
	}
	var primary *gh.RateLimitError
	var secondary *gh.AbuseRateLimitError
	var plain *gh.ErrorResponse
	var app *ghinstallation.HTTPError
	switch {
	case errors.As(err, &primary):
		t.wait, t.after = true, primary.Rate.Reset.Sub(p.conf.Clock.Now())
	case errors.As(err, &secondary):
		t.wait, t.after = true, noNumber
		if secondary.RetryAfter != nil {
			t.after = *secondary.RetryAfter
		}
	case errors.As(err, &app) && app.Response != nil:
		t.status = app.Response.StatusCode
	case errors.As(err, &plain):
		if len(plain.Errors) > 0 {
			t.field = plain.Errors[0].Field
		}
		after, named := retryAfter(plain.Response)
		t.wait, t.after = t.status == http.StatusTooManyRequests || t.status == http.StatusForbidden && named, after
	}
	t.after = min(max(t.after, time.Second), maxWait)
	return t
}

func retryAfter(r *http.Response) (time.Duration, bool) {
	if r == nil {
		return noNumber, false
	}
	n, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return noNumber, false
	}
	return time.Duration(n) * time.Second, true
}

// verdict turns a failed call into what the engine is told: Later for a limit, GiveUp
// with a sentence for what no repetition cures, the trouble itself otherwise.
func verdict(err error) error {
	var t *trouble
	switch {
	case !errors.As(err, &t):
		return err
	case t.wait:
		return incident.Later(t, t.after)
	case t.passing():
		return t
	}
	return incident.GiveUp(fmt.Errorf("%w. %s", t, fix(t)))
}

func fix(t *trouble) string {
	switch t.status {
	case http.StatusUnauthorized:
		return "The token or app key is not accepted: put a valid one into the configuration and run `tocsin doctor`."
	case http.StatusForbidden:
		return "Tocsin's account may not do this there: it needs write access to the repository's issues."
	case http.StatusNotFound:
		return "The repository or issue does not exist, or Tocsin's account may not see it."
	case http.StatusGone:
		return "Issues are switched off in this repository, or the issue was deleted."
	case http.StatusUnprocessableEntity:
		return "GitHub finds a value wrong: look at title, labels and assignees."
	}
	return "Check the address and the repository in the configuration."
}

func statusOf(err error) int {
	var t *trouble
	if errors.As(err, &t) {
		return t.status
	}
	return -1
}
