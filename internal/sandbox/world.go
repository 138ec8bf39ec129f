package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/aws"
	"github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/okta"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Clock is the time of the world: the vendors and the app live by the same one.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
	AfterFunc(d time.Duration, f func()) (stop func() bool)
	// Factor is how many seconds pass here for one of real time.
	Factor() float64
	SetFactor(factor float64)
	// Advance moves the clock forward at once; whoever was due in between wakes.
	Advance(d time.Duration)
}

// Options describe a world. Only Clock is required.
type Options struct {
	Clock    Clock
	People   []Persona    // nil: People()
	Log      *slog.Logger // nil: silence
	TeamName string       // "Acme" when empty
	// HTTPMode has Slack deliver signed HTTP requests instead of using Socket Mode.
	HTTPMode bool
	// NoRateLimits switches Slack's rate tiers off, for tests that are not about them.
	NoRateLimits bool
}

// World is the vendors, running, and what the app needs to reach them.
type World struct {
	Slack      *slack.Server
	PagerDuty  *pagerduty.Server
	GitHub     *github.Server
	Okta       *okta.Server
	AWS        *aws.Server
	Cloudflare *cloudflare.Server
	Clock      Clock
	People     []Persona

	SlackURL      string // of the Web API, ending in /api/
	BotToken      string
	AppToken      string
	SigningSecret string

	PagerDutyURL   string            // of the REST API
	EventsURL      string            // of the Events API v2
	PagerDutyToken string            // account-level REST key
	From           string            // e-mail of the user the app acts as
	RoutingKeys    map[string]string // integration keys by the service's name

	GitHubURL   string // of the REST API, ending in a slash
	GitHubToken string
	// GitHubOrgToken is of an owner of Org: what contains may do more than what publishes.
	GitHubOrgToken string

	OktaURL   string
	OktaToken string

	AWSURL    string // of every service
	AWSKeyID  string
	AWSSecret string

	CloudflareURL   string
	CloudflareToken string

	// WebhookSecret signs the webhooks of both PagerDuty and GitHub.
	WebhookSecret string

	servers  []*http.Server
	mu       sync.Mutex // guards what follows
	http     bool
	app      string // base URL of the app, once Connect was called
	manifest []byte
}

// fromEmail is the app's own user at PagerDuty: what it does there is nobody else's doing.
const fromEmail = "tocsin@example.com"

// Start opens the world: its servers on loopback ports of their own. It ends with
// Close, or with ctx.
func Start(ctx context.Context, o Options) (*World, error) {
	if o.Clock == nil {
		return nil, errors.New("start the sandbox: it needs a clock")
	}
	if o.People == nil {
		o.People = People()
	}
	if o.TeamName == "" {
		o.TeamName = "Acme"
	}
	w := &World{ //nolint:gosec // credentials of a world that exists only here
		Clock: o.Clock, People: o.People, http: o.HTTPMode, From: fromEmail, RoutingKeys: map[string]string{},
		PagerDutyToken: "pd-sandbox-key-0001", GitHubToken: "ghp_sandbox0001", WebhookSecret: "sandbox-webhook-secret",
		OktaToken: "00sandbox-okta-token", GitHubOrgToken: "ghp_sandbox0002", AWSKeyID: awsKey, AWSSecret: "sandbox-aws-secret-of-nobody",
		CloudflareToken: "sandbox-cloudflare-token",
	}
	w.Slack = slack.New(slack.Config{TeamName: o.TeamName, Clock: o.Clock, Log: o.Log, NoRateLimits: o.NoRateLimits,
		App: slack.App{SocketMode: !o.HTTPMode}})
	w.PagerDuty = pagerduty.New(pagerduty.Config{Clock: o.Clock, APIToken: w.PagerDutyToken})
	w.GitHub = github.New(github.Config{Clock: o.Clock, Tokens: map[string]string{w.GitHubToken: botLogin, w.GitHubOrgToken: containLogin}})
	w.Okta = okta.New(okta.Config{Token: w.OktaToken, Now: o.Clock.Now})
	w.AWS = aws.New(aws.Config{Keys: map[string]string{w.AWSKeyID: w.AWSSecret}, World: awsAccount(o.Clock.Now()), Now: o.Clock.Now})
	w.Cloudflare = cloudflare.New(cloudflare.Config{Token: w.CloudflareToken, World: cloudflareAccount(), Now: o.Clock.Now})
	app := w.Slack.App()
	w.BotToken, w.AppToken, w.SigningSecret = app.BotToken, app.AppToken, app.SigningSecret

	var bases [6]string
	for i, h := range []http.Handler{w.Slack, w.PagerDuty, w.GitHub, w.Okta, w.AWS, w.Cloudflare} {
		base, err := w.listen(h)
		if err != nil {
			w.Close()
			return nil, err
		}
		bases[i] = base
	}
	w.Slack.SetBaseURL(bases[0])
	w.PagerDuty.SetBaseURL(bases[1])
	w.GitHub.SetBaseURL(bases[2])
	w.SlackURL, w.PagerDutyURL, w.EventsURL, w.GitHubURL, w.OktaURL = bases[0]+"/api/", bases[1], bases[1], bases[2]+"/", bases[3]
	w.AWSURL, w.CloudflareURL = bases[4], bases[5]

	w.populate()
	w.fillPagerDuty()
	w.fillOkta()
	if err := w.fillGitHub(); err != nil {
		w.Close()
		return nil, err
	}
	context.AfterFunc(ctx, w.Close)
	return w, nil
}

// listen serves one vendor on a loopback port of its own.
func (w *World) listen(h http.Handler) (base string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start the sandbox: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.servers = append(w.servers, s)
	go func() { _ = s.Serve(l) }() // ends with Close
	return "http://" + l.Addr().String(), nil
}

// Close ends the world: sockets, timers, deliveries and servers. A second Close is
// harmless.
func (w *World) Close() {
	w.Slack.Close()
	w.PagerDuty.Close()
	w.GitHub.Close()
	for _, s := range w.servers {
		_ = s.Close()
	}
}
