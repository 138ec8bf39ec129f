// Package pagerduty reaches people through PagerDuty and hears what they do there.
//
// Pager carries out two effects. A Page goes out through the Events API v2 when the
// rung names a service, or through the REST API when it names an escalation policy;
// either way the effect's id is the key PagerDuty de-duplicates by, so that paging
// twice pages once. A TellPager brings PagerDuty's incident in step with the room.
// Hook hears webhooks v3. Contacts, RefreshOnCall and Check are for people's eyes,
// for the scheduled sweep and for the doctor.
//
// When PagerDuty does not answer, the room hears within seconds (PageTroubled) and
// the trying goes on; who was on call and how to reach them comes from a cache.
// No error here carries a token, an address or a word of PagerDuty's own text.
package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// Vendor is the name in every VendorRef this package makes.
const Vendor = "pagerduty"

// The names under which calls are charged to the Budget. Limits: 120 events a minute
// per integration key, 960 REST calls a minute per token; creating incidents is
// "heavily rate limited" per account (PagerDuty, rate limits).
const (
	CostEvents = "pagerduty/events/" // followed by the name of the service
	CostREST   = "pagerduty/rest"
	CostCreate = "pagerduty/incidents.create"
)

// Cache keeps what PagerDuty last said for when it says nothing.
type Cache interface {
	CachePut(ctx context.Context, space, key string, value []byte, at time.Time) error
	CacheGet(ctx context.Context, space, key string) (value []byte, at time.Time, ok bool, err error)
}

// Clock is the time of the room.
type Clock interface{ Now() time.Time }

// Config is what a Pager is made of. Without APIToken there is only the Events API:
// nobody knows who is on call, and notes and priorities do not travel.
type Config struct {
	APIToken Secret // REST API key
	BaseURL  string // https://api.pagerduty.com when empty; the EU has its own
	// EventsURL is https://events.pagerduty.com when empty.
	EventsURL string
	// From is the e-mail of the PagerDuty user Tocsin acts as. REST calls that change
	// something are refused without it.
	From string
	// Services maps the names that rungs use to integration keys (Events v2).
	Services map[string]Secret
	// RESTService is the id of the service that incidents made for an escalation
	// policy belong to. When empty, the first service that uses the policy is taken.
	RESTService    string
	WebhookSecrets []Secret // all are good: two while one is being rotated
	// Priorities maps a severity to the name of a PagerDuty priority; a severity that
	// is missing has its own name ("P1").
	Priorities map[incident.Severity]string
	HTTP       *http.Client
	Clock      Clock
	// Budget is asked before every call; nil allows all. Its error is returned as it is.
	Budget func(ctx context.Context, method string, rank incident.Rank) error
	Cache  Cache // nil: nothing is remembered
	// People finds the person behind a PagerDuty user. Either argument may be "".
	People func(pdUserID, email string) (incident.Person, bool)
}

// Pager performs Page and TellPager. It is safe for concurrent use.
type Pager struct {
	conf Config
	http *http.Client
	wait waits
	self atomic.Pointer[string] // PagerDuty's id of the From user, once it is known
}

// waits are how long each step may take. One try at a page, with everything in it,
// stays under five seconds, so that the room hears of trouble within ten.
type waits struct {
	try    time.Duration // one try at an effect
	onCall time.Duration // finding out who is on call, before a cached answer is used
	find   time.Duration // finding the incident an event has opened
	pause  time.Duration // between two looks for it
}

// New makes a Pager. It fails on addresses that are not addresses and on a
// configuration that could never page.
func New(c Config) (*Pager, error) {
	if c.Clock == nil {
		return nil, errors.New("pagerduty: a clock is required")
	}
	if c.APIToken == "" && len(c.Services) == 0 {
		return nil, errors.New("pagerduty: neither an API token nor an integration key is configured")
	}
	var err error
	if c.BaseURL, err = baseURL(c.BaseURL, "https://api.pagerduty.com"); err != nil {
		return nil, fmt.Errorf("pagerduty: base URL %w", err)
	}
	if c.EventsURL, err = baseURL(c.EventsURL, "https://events.pagerduty.com"); err != nil {
		return nil, fmt.Errorf("pagerduty: events URL %w", err)
	}
	// Somebody who copies the whole path from the documentation means the same server.
	c.EventsURL = strings.TrimSuffix(c.EventsURL, "/v2/enqueue")
	c.From = strings.TrimSpace(c.From)
	if c.People == nil {
		c.People = func(string, string) (incident.Person, bool) { return incident.Person{}, false }
	}
	if c.Budget == nil {
		c.Budget = func(context.Context, string, incident.Rank) error { return nil }
	}
	client := http.Client{Timeout: 10 * time.Second}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// A redirect could carry the token to somewhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Pager{conf: c, http: &client, wait: waits{
		try: 5 * time.Second, onCall: 1500 * time.Millisecond, find: 1200 * time.Millisecond, pause: 250 * time.Millisecond,
	}}, nil
}

// Perform carries out a Page or a TellPager. Any other effect is given up.
func (p *Pager) Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error) {
	trying, cancel := context.WithTimeout(ctx, p.wait.try)
	defer cancel()
	aloud := func(c incident.Command) error {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Tocsin is stopping: that is no trouble of PagerDuty's
		}
		return tell(c)
	}
	switch e := t.Effect.(type) {
	case incident.Page:
		return p.page(trying, t, e, aloud)
	case incident.TellPager:
		return nil, p.bringInStep(trying, t, e)
	}
	return nil, incident.GiveUp(fmt.Errorf("pagerduty does not perform %T", t.Effect))
}

// mayREST reports whether anything can be changed over REST.
func (p *Pager) mayREST() bool { return p.conf.APIToken != "" && p.conf.From != "" }

func (p *Pager) client(saw *answer) *pd.Client {
	c := pd.NewClient(string(p.conf.APIToken), pd.WithAPIEndpoint(p.conf.BaseURL), pd.WithV2EventsAPIEndpoint(p.conf.EventsURL))
	c.HTTPClient = listener{p.http, saw}
	return c
}
