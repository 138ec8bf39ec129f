package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxAnswer = 4 << 20          // bytes of an answer that are read
	noNumber  = 30 * time.Second // wait after a 429 that names none
	maxWait   = 10 * time.Minute // longest Retry-After that is believed
)

// Codes in the bodies of REST errors (PagerDuty, REST API errors).
const (
	codeNoRequester = 1008 // the From header names nobody
	codeResolved    = 1001 // the incident is resolved already
)

// answer is what is kept of PagerDuty's answer to one call.
type answer struct {
	status int
	after  time.Duration
}

// listener is the HTTP client of one call: it bounds the answer and remembers what
// the SDK drops, such as Retry-After.
type listener struct {
	http *http.Client
	saw  *answer
}

func (l listener) Do(r *http.Request) (*http.Response, error) {
	resp, err := l.http.Do(r) //nolint:gosec // the address is the operator's own
	if err != nil {
		return nil, err
	}
	l.saw.status, l.saw.after = resp.StatusCode, retryAfter(resp.Header)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// retryAfter reads Retry-After, or PagerDuty's own ratelimit-reset (seconds).
func retryAfter(h http.Header) time.Duration {
	for _, name := range []string{"Retry-After", "ratelimit-reset"} {
		if n, err := strconv.Atoi(h.Get(name)); err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, maxWait)
		}
	}
	return noNumber
}

// trouble is a call that did not work, told without PagerDuty's own words: they
// repeat what was sent, and that may be anything.
type trouble struct {
	step   string // what was being done: "page through the policy"
	status int    // HTTP; 0 when nothing was answered
	code   int    // of the error body, 0 when there was none
	after  time.Duration
	cause  error // context.DeadlineExceeded, context.Canceled or nil
	unsent bool  // PagerDuty was not even asked: the configuration or the plan is wrong
}

// Error says what was tried and how it went.
func (t *trouble) Error() string {
	switch {
	case t.unsent:
		return t.step
	case t.status == 0 && t.cause != nil:
		return t.step + ": PagerDuty did not answer in time"
	case t.status == 0:
		return t.step + ": PagerDuty cannot be reached"
	case t.status == http.StatusTooManyRequests:
		return t.step + ": PagerDuty asks to wait, too many requests"
	case t.status < 300:
		return t.step + ": PagerDuty's answer could not be read"
	case t.code != 0:
		return fmt.Sprintf("%s: PagerDuty answered %d (code %d)", t.step, t.status, t.code)
	}
	return fmt.Sprintf("%s: PagerDuty answered %d", t.step, t.status)
}

func (t *trouble) Unwrap() error { return t.cause }

// passing reports whether the same call may work later.
func (t *trouble) passing() bool {
	return !t.unsent && t.status < 300 || t.status >= 500 || t.status == http.StatusTooManyRequests || t.status == http.StatusRequestTimeout
}

// call makes one call of the SDK, charged to the budget, and turns its error into a
// *trouble. A Budget's own error comes back as it is.
func (p *Pager) call(ctx context.Context, rank incident.Rank, cost, step string, do func(*pd.Client) error) error {
	if err := p.conf.Budget(ctx, cost, rank); err != nil {
		return err
	}
	var saw answer
	err := do(p.client(&saw))
	if err == nil {
		return nil
	}
	t := &trouble{step: step, status: saw.status, after: saw.after, cause: ctx.Err()}
	var rest pd.APIError
	if errors.As(err, &rest) && rest.APIError.Valid {
		t.code = rest.APIError.ErrorObject.Code
	}
	return t
}

// verdict turns a failed call into what the engine is told: Later for a 429, GiveUp
// with a sentence and a fix for what no repetition cures, the trouble itself otherwise.
func verdict(err error, hint string) error {
	var t *trouble
	var r *refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return incident.GiveUp(r)
	case !errors.As(err, &t):
		return err
	case t.status == http.StatusTooManyRequests:
		return incident.Later(t, max(t.after, time.Second))
	case t.passing():
		return t
	}
	return incident.GiveUp(&refused{t, hint})
}

// refused is a *trouble with what to do about it.
type refused struct {
	*trouble
	hint string
}

// wrong is a refusal of our own, before PagerDuty is asked.
func wrong(step, hint string) error {
	return &refused{&trouble{step: step, unsent: true}, hint}
}

func (r *refused) Unwrap() error { return r.trouble }

func (r *refused) Error() string { return r.trouble.Error() + ". " + r.fix() }

func (r *refused) fix() string {
	switch {
	case r.status == http.StatusUnauthorized:
		return "The API token is not accepted: put a valid one into the configuration and run `tocsin doctor`."
	case r.status == http.StatusForbidden:
		return "The API token may not do this: use a key with full access."
	case r.code == codeNoRequester:
		return "The From address is not a PagerDuty user: correct it in the configuration."
	case r.status == http.StatusPaymentRequired:
		return "The PagerDuty account's plan does not include this."
	}
	return r.hint
}
