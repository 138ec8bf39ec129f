package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// Containment is what the actions need: a way in that is not the publisher's, because it
// may do more. One of Token and App is required.
type Containment struct {
	Token     actions.Secret
	App       *App
	BaseURL   string // https://api.github.com when empty; a GitHub Enterprise address otherwise
	UploadURL string // BaseURL when empty
	// Org is meant where a target names none.
	Org string
	// Apps are GitHub Apps of one's own whose installations may be suspended; only an app
	// itself can do that. Their Installation is not used.
	Apps []App
	// BreakGlass are accounts and repositories that are never touched: "root", "acme/tocsin".
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

// The budget of containment: half of GitHub's secondary limit of 900 points a minute, where
// a write costs 5 (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
var rates = map[string]actions.Rate{CostRead: {PerMinute: 300, Burst: 60}, CostWrite: {PerMinute: 30, Burst: 10}}

// Problems says what is missing or wrong, one sentence each.
func (c Containment) Problems() []string {
	var out []string
	if c.Token == "" && c.App == nil {
		out = append(out, "Containment in GitHub needs a token or an app of its own.")
	}
	if _, err := baseURL(c.BaseURL, ""); err != nil {
		out = append(out, "GitHub's address "+err.Error()+".")
	}
	if _, err := baseURL(c.UploadURL, ""); err != nil {
		out = append(out, "GitHub's upload address "+err.Error()+".")
	}
	if c.Org != "" && !isName(c.Org) {
		out = append(out, "The organisation is not a name GitHub knows: write it as in its address.")
	}
	return out
}

// contained are the actions, in the order of their files.
var contained []func(*hub) actions.Action

// Actions are what can be contained in GitHub. An error says what Problems says.
func Actions(c Containment) ([]actions.Action, error) {
	h, err := openHub(c)
	if err != nil {
		return nil, err
	}
	out := make([]actions.Action, 0, len(contained))
	for _, make := range contained {
		out = append(out, make(h))
	}
	return out, nil
}

// hub is GitHub for containment.
type hub struct {
	conf Containment
	http *http.Client
	apps []*http.Client // as conf.Apps

	// mu guards everything that follows.
	mu   sync.Mutex
	self string // the login of the token, "" while it was not asked
}

func openHub(c Containment) (*hub, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	c.BaseURL, _ = baseURL(c.BaseURL, "")
	c.UploadURL, _ = baseURL(c.UploadURL, c.BaseURL)
	base := http.Client{Timeout: 20 * time.Second}
	if c.HTTP != nil {
		base = *c.HTTP
	}
	base.CheckRedirect = sameHost
	inner := base.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	with := func(tr http.RoundTripper) *http.Client {
		client := base
		client.Transport = bounded{tr}
		return &client
	}
	h := &hub{conf: c, http: with(signed{inner, Secret(c.Token)})}
	if c.App != nil {
		tr, err := ghinstallation.New(inner, c.App.ID, c.App.Installation, []byte(c.App.Key))
		if err != nil {
			return nil, errors.New("github: the private key of the app for containment cannot be read; it must be PEM")
		}
		if c.BaseURL != "" {
			tr.BaseURL = apiURL(c.BaseURL)
		}
		tr.Client = &http.Client{Transport: inner, Timeout: 20 * time.Second}
		h.http = with(tr)
	}
	for _, a := range c.Apps {
		tr, err := ghinstallation.NewAppsTransport(inner, a.ID, []byte(a.Key))
		if err != nil {
			return nil, fmt.Errorf("github: the private key of app %d cannot be read; it must be PEM", a.ID)
		}
		if c.BaseURL != "" {
			tr.BaseURL = apiURL(c.BaseURL)
		}
		h.apps = append(h.apps, with(tr))
	}
	return h, nil
}

// client is new for every call; see Publisher.client.
func (h *hub) client(by *http.Client) *gh.Client {
	c := gh.NewClient(by)
	if h.conf.BaseURL == "" {
		return c
	}
	if enterprise, err := c.WithEnterpriseURLs(h.conf.BaseURL, h.conf.UploadURL); err == nil { // Problems looked at them
		return enterprise
	}
	return c
}

// call makes one call within the budget. Errors: *actions.MissingRight with the right for
// 401 and 403; one marked by incident.Later for a limit; a *trouble, whose status statusOf
// tells, marked by incident.GiveUp where no repetition helps. GitHub says 404 also of what
// Tocsin's account may not see.
func (h *hub) call(ctx context.Context, by *http.Client, cost, step, right string, do func(*gh.Client) (*gh.Response, error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if err := h.conf.Pace.Take(ctx, cost, rates[cost]); err != nil {
		return err
	}
	resp, err := do(h.client(by))
	if err == nil {
		return nil
	}
	t := &trouble{step: step, cause: ctx.Err()}
	if resp != nil && resp.Response != nil {
		t.status = resp.StatusCode
	}
	var primary *gh.RateLimitError
	var secondary *gh.AbuseRateLimitError
	var app *ghinstallation.HTTPError
	switch {
	case errors.As(err, &primary):
		t.wait, t.after = true, time.Until(primary.Rate.Reset.Time)
	case errors.As(err, &secondary):
		t.wait, t.after = true, noNumber
		if secondary.RetryAfter != nil {
			t.after = *secondary.RetryAfter
		}
	case errors.As(err, &app) && app.Response != nil:
		t.status = app.Response.StatusCode
	case resp != nil && resp.Response != nil:
		after, named := retryAfter(resp.Response)
		t.wait, t.after = t.status == http.StatusTooManyRequests || t.status == http.StatusForbidden && named, after
	}
	switch {
	case t.wait:
		return incident.Later(t, min(max(t.after, time.Second), maxWait))
	case t.status == http.StatusUnauthorized:
		return &actions.MissingRight{Right: "a valid token for GitHub", To: step}
	case t.status == http.StatusForbidden:
		return &actions.MissingRight{Right: right, To: step}
	case t.passing():
		return t
	}
	return incident.GiveUp(t)
}

func (h *hub) read(ctx context.Context, step, right string, do func(*gh.Client) (*gh.Response, error)) error {
	return h.call(ctx, h.http, CostRead, step, right, do)
}

func (h *hub) write(ctx context.Context, step, right string, do func(*gh.Client) (*gh.Response, error)) error {
	return h.call(ctx, h.http, CostWrite, step, right, do)
}

// untouchable refuses what is named as break-glass.
func (h *hub) untouchable(names ...string) error {
	for _, n := range names {
		if slices.ContainsFunc(h.conf.BreakGlass, func(b string) bool { return strings.EqualFold(b, n) }) {
			return incident.GiveUp(fmt.Errorf("%s is listed as break-glass: Tocsin never touches it", n))
		}
	}
	return nil
}

// me is the login of Tocsin's token, "" for an app, which is no member of anything.
func (h *hub) me(ctx context.Context) (string, error) {
	if h.conf.App != nil {
		return "", nil
	}
	h.mu.Lock()
	known := h.self
	h.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var got *gh.User
	err := h.read(ctx, "look up Tocsin's own account", "read:user", func(c *gh.Client) (resp *gh.Response, err error) {
		got, resp, err = c.Users.Get(ctx, "")
		return resp, err
	})
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	h.self = got.GetLogin()
	h.mu.Unlock()
	return got.GetLogin(), nil
}
