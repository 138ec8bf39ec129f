package taxii

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxAnswer = 64 << 20         // bytes of one answer
	noNumber  = 30 * time.Second // wait after a 429 or 503 that names none
	maxWait   = time.Hour        // the longest Retry-After that is believed
)

// get asks for one resource and decodes the answer, which must be TAXII 2.1, whole, and
// within maxAnswer.
func (c *Client) get(ctx context.Context, step string, u *url.URL, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, incident.GiveUp(fmt.Errorf("%s: the address cannot be asked for", step))
	}
	r.Header.Set("Accept", MediaType)
	r.Header.Set("User-Agent", "tocsin")
	switch {
	case c.conf.Token != "":
		r.Header.Set("Authorization", "Bearer "+string(c.conf.Token))
	case c.conf.User != "":
		r.SetBasicAuth(c.conf.User, string(c.conf.Password))
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, (&trouble{step: step, cause: ctx.Err()}).verdict()
	}
	defer func() { _ = resp.Body.Close() }()
	t := &trouble{step: step, status: resp.StatusCode}
	if resp.StatusCode != http.StatusOK {
		t.after = c.retryAfter(resp.Header)
		return nil, t.verdict()
	}
	if !isMediaType(resp.Header.Get("Content-Type")) {
		t.foreign = true
		return nil, t.verdict()
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		t.status, t.cause = 0, ctx.Err()
		return nil, t.verdict()
	case len(b) > maxAnswer:
		return nil, incident.GiveUp(fmt.Errorf("%s: the answer is longer than %d MiB. Ask for smaller pages", step, maxAnswer>>20))
	case json.Unmarshal(b, into) != nil:
		return nil, t.verdict()
	}
	return resp.Header, nil
}

// isMediaType reports whether a media type is TAXII's, of version 2.1 or of none.
func isMediaType(s string) bool {
	kind, params, err := mime.ParseMediaType(s)
	if err != nil || kind != "application/taxii+json" {
		return false
	}
	v, named := params["version"]
	return !named || v == "2.1"
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func (c *Client) retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return clamp(time.Duration(min(n, int(maxWait/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return clamp(at.Sub(c.conf.Clock.Now()))
	}
	return noNumber
}

func clamp(d time.Duration) time.Duration { return min(max(d, time.Second), maxWait) }

// trouble is a question that was not answered, told without the server's own words: they may
// repeat what was sent.
type trouble struct {
	step    string
	status  int // HTTP; 0 when nothing was answered
	after   time.Duration
	foreign bool // it answered, but not in TAXII
	cause   error
}

// Error says what was tried and how it went.
func (t *trouble) Error() string {
	switch {
	case t.foreign:
		return t.step + ": the answer is not TAXII 2.1"
	case t.status == 0 && errors.Is(t.cause, context.Canceled):
		return t.step + ": it was called off"
	case t.status == 0 && t.cause != nil:
		return t.step + ": the server did not answer in time"
	case t.status == 0:
		return t.step + ": the server cannot be reached"
	case t.status == http.StatusOK:
		return t.step + ": the answer could not be read"
	}
	return fmt.Sprintf("%s: the server answered %d", t.step, t.status)
}

func (t *trouble) Unwrap() error { return t.cause }

// verdict tells the engine what to make of it: Later when the server asks to wait, the
// trouble itself when it may pass, GiveUp with what to do otherwise.
func (t *trouble) verdict() error {
	switch {
	case t.status == http.StatusTooManyRequests || t.status == http.StatusServiceUnavailable:
		return incident.Later(t, t.after)
	case t.status == 0 || t.status == http.StatusOK && !t.foreign || t.status >= 500 || t.status == http.StatusRequestTimeout:
		return t
	}
	return incident.GiveUp(fmt.Errorf("%w. %s", t, t.fix()))
}

func (t *trouble) fix() string {
	switch {
	case t.foreign:
		return "Check that the address is that of a TAXII 2.1 server and not of a page about it."
	case t.status >= 300 && t.status < 400:
		return "It redirects to another host, where nothing is sent: configure that address if you trust it."
	case t.status == http.StatusUnauthorized:
		return "User, password or token are not accepted: put valid ones into the configuration."
	case t.status == http.StatusForbidden:
		return "This account may not read that collection: ask its owner."
	case t.status == http.StatusNotFound:
		return "The API root or collection does not exist, or this account may not see it."
	case t.status == http.StatusNotAcceptable:
		return "The server does not speak TAXII 2.1."
	}
	return "Check the address and the collection in the configuration."
}
