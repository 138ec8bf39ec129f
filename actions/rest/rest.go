// Package rest speaks JSON over HTTP with vendors that have no SDK worth its weight, in
// the one way that every adapter has to: within a budget, bounded, following no
// redirect, and telling of trouble without the vendor's own words, which may repeat
// what was sent.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// Limits of every call.
const (
	maxAnswer = 8 << 20          // bytes
	patience  = 20 * time.Second // for one answer
	noNumber  = time.Minute      // to wait after a 429 that names no time
	maxWait   = time.Hour
)

// Client calls one vendor. The zero HTTP, Pace and Code may stay.
type Client struct {
	Vendor string                                         // "Okta", as people say it
	Base   string                                         // "https://acme.okta.com", without a final slash
	Sign   func(*http.Request)                            // puts the secret on; must not keep the request
	Pace   func(ctx context.Context, method string) error // the budget; an error is returned as it is
	Code   func(status int, body []byte) string           // the vendor's own error code, a word of at most 60 characters that repeats nothing of the request
	Busy   func(status int, word string) bool             // whether an answer other than 429 asks for patience, as Google's 403 of a quota does
	Token  *Bearer                                        // a token that runs out; it goes on beside what Sign does
	HTTP   *http.Client
}

// Call is one request.
type Call struct {
	Step   string // what it is for, as in "suspend the user"
	Method string
	Path   string // below Base; each part escaped by whoever made it
	Query  url.Values
	In     any        // the JSON body; nil for none
	Form   url.Values // the body as a form, where the vendor takes no JSON
	Out    any        // where the JSON answer goes; nil: it is not read
	Right  string     // what a 403 would mean is missing, in the vendor's words
	Header http.Header
}

// Status is an answer that is no success.
type Status struct {
	Vendor, Step string
	Code         int
	Word         string // the vendor's error code, if it named one
}

// Error says what was asked for and what was answered, in numbers.
func (s *Status) Error() string {
	if s.Word == "" {
		return fmt.Sprintf("%s: %s answered %d", s.Step, s.Vendor, s.Code)
	}
	return fmt.Sprintf("%s: %s answered %d (%s)", s.Step, s.Vendor, s.Code, s.Word)
}

// Barred is what a transport of Tocsin's own returns when it refuses to connect, as to an
// address inside the company's network. Its sentence holds nothing secret and is passed on.
type Barred struct{ Why string }

// Error says why.
func (b *Barred) Error() string { return b.Why }

// IsStatus reports whether err is an answer with one of the codes.
func IsStatus(err error, codes ...int) bool {
	var s *Status
	if !errors.As(err, &s) {
		return false
	}
	for _, c := range codes {
		if s.Code == c {
			return true
		}
	}
	return false
}

// Word is the vendor's error code in err, "" when it named none.
func Word(err error) string {
	var s *Status
	if errors.As(err, &s) {
		return s.Word
	}
	return ""
}

// Do makes the call and returns the answer's header. Errors: *actions.MissingRight for
// 401 and 403; one marked by incident.Later for 429 (and 503 with Retry-After); a
// *Status marked by incident.GiveUp for other 4xx; a *Status or a sentence on the
// connection for what may pass. A token that is refused is fetched anew, once.
func (c *Client) Do(ctx context.Context, call Call) (http.Header, error) {
	if c.Token == nil {
		return c.once(ctx, call, "")
	}
	token, err := c.Token.Get(ctx)
	if err != nil {
		return nil, err
	}
	h, err := c.once(ctx, call, token)
	var missing *actions.MissingRight
	if !errors.As(err, &missing) || missing.Right != c.noToken() {
		return h, err
	}
	c.Token.drop(token)
	if token, err = c.Token.Get(ctx); err != nil {
		return nil, err
	}
	return c.once(ctx, call, token)
}

func (c *Client) once(ctx context.Context, call Call, token actions.Secret) (http.Header, error) {
	if c.Pace != nil {
		if err := c.Pace(ctx, call.Method+" "+call.Step); err != nil {
			return nil, err
		}
	}
	var body io.Reader
	if call.In != nil {
		b, err := json.Marshal(call.In)
		if err != nil {
			return nil, incident.GiveUp(fmt.Errorf("%s: write the request: %w", call.Step, err))
		}
		body = bytes.NewReader(b)
	}
	if call.Form != nil {
		body = strings.NewReader(call.Form.Encode())
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	to := c.Base + call.Path
	if len(call.Query) > 0 {
		to += "?" + call.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, to, body)
	if err != nil {
		return nil, incident.GiveUp(fmt.Errorf("%s: the address of %s cannot be used", call.Step, c.Vendor))
	}
	for k, v := range call.Header {
		req.Header[k] = v
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
		if call.Form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if c.Sign != nil {
		c.Sign(req)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+string(token))
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, c.unanswered(ctx, call, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(answer) > maxAnswer {
		return resp.Header, fmt.Errorf("%s: %s's answer broke off or is larger than %d bytes", call.Step, c.Vendor, maxAnswer)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.Header, c.refused(call, resp, answer)
	}
	if call.Out != nil && len(answer) > 0 {
		if err := json.Unmarshal(answer, call.Out); err != nil {
			return resp.Header, fmt.Errorf("%s: %s's answer is not the JSON it should be", call.Step, c.Vendor)
		}
	}
	return resp.Header, nil
}

// client follows no redirect: the secret belongs to one host.
func (c *Client) client() *http.Client {
	var own http.Client
	if c.HTTP != nil {
		own = *c.HTTP
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// unanswered tells of a connection's trouble without the address: a query may carry secrets.
func (c *Client) unanswered(ctx context.Context, call Call, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %s did not answer in time: %w", call.Step, c.Vendor, ctx.Err())
	}
	var barred *Barred
	if errors.As(err, &barred) {
		return incident.GiveUp(fmt.Errorf("%s: %w", call.Step, barred))
	}
	var at *url.Error
	if errors.As(err, &at) && at.Timeout() {
		return fmt.Errorf("%s: %s did not answer in time", call.Step, c.Vendor)
	}
	return fmt.Errorf("%s: %s cannot be reached", call.Step, c.Vendor)
}

func (c *Client) refused(call Call, resp *http.Response, body []byte) error {
	s := &Status{Vendor: c.Vendor, Step: call.Step, Code: resp.StatusCode}
	if c.Code != nil {
		s.Word = word(c.Code(resp.StatusCode, body))
	}
	switch code := resp.StatusCode; {
	case c.Busy != nil && c.Busy(code, s.Word):
		return incident.Later(s, Wait(resp.Header))
	case code == http.StatusUnauthorized:
		return &actions.MissingRight{Right: c.noToken(), To: call.Step}
	case code == http.StatusForbidden:
		right := call.Right
		if right == "" {
			right = "for this in " + c.Vendor
		}
		return &actions.MissingRight{Right: right, To: call.Step}
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return incident.Later(s, Wait(resp.Header))
	case code >= 500, code == http.StatusRequestTimeout:
		return s
	}
	return incident.GiveUp(s)
}

// noToken is the right that a 401 says is missing.
func (c *Client) noToken() string { return "a valid token for " + c.Vendor }

// word keeps what can be an error code and nothing that could be a secret or a sentence.
func word(s string) string {
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return ""
	}
	return s
}

// Wait is what Retry-After says, in seconds or as a date, at least a second and at most
// an hour; a minute where it says nothing.
func Wait(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return min(max(time.Duration(n)*time.Second, time.Second), maxWait)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), time.Second), maxWait)
	}
	return noNumber
}
