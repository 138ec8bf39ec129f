package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/page"
)

// DemoOptions say how the world is made. The zero value is what `tocsin demo` wants.
type DemoOptions struct {
	Speed    float64 // of the clock; 0 takes 1
	Database string  // "" makes a temporary one, removed at the end
	Redis    string
	Replicas int  // that share the database and Slack; 0 takes 1
	HTTPMode bool // Slack delivers signed HTTP requests instead of using Socket Mode
	// NoRateLimits switches Slack's rate tiers off, for stories that are not about them.
	NoRateLimits bool
	// Kubernetes is a cluster of somebody else's to contain in; the zero value: none.
	Kubernetes config.Kubernetes
	// Patience is how long a story waits for what it expects, in real time; 0: 10 s.
	Patience time.Duration
	Log      *slog.Logger
}

// Demo is Tocsin with a world around it: honest vendors in this process, nobody else.
type Demo struct {
	World *sandbox.World
	Clock *clock.Fast
	// URL is where Tocsin listens.
	URL string

	options DemoOptions
	config  config.Config
	ctx     context.Context // of the world; the app's own ends earlier at a restart
	running []*replica
	remove  string               // temporary folder
	hosts   map[string]*demoHost // with a sensor, by name
	came    int                  // hosts so far: they go to the replicas in turn
	feed    *demoFeed
}

// replica is one Tocsin of several. It comes back at the address it had.
type replica struct {
	address string
	sensors string // where hosts reach it; "" nowhere
	app     *App
	halt    func() error // nil while it is halted
}

// StartDemo opens the world and starts Tocsin in it. It ends with Close.
func StartDemo(ctx context.Context, o DemoOptions) (_ *Demo, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Demo{options: o, ctx: ctx, hosts: map[string]*demoHost{}, Clock: clock.NewFast(time.Now(), max(1, o.Speed))}
	defer func() {
		if err != nil {
			_ = d.Close() // the first error tells more
		}
	}()
	if d.options.Database == "" || strings.HasPrefix(d.options.Database, "postgres") { // of the latter only evidence is on this machine
		if d.remove, err = os.MkdirTemp("", "tocsin-demo-"); err != nil {
			return nil, fmt.Errorf("make a place for the database: %w", err)
		}
	}
	if d.options.Database == "" {
		d.options.Database = filepath.Join(d.remove, "tocsin.db")
	}
	d.World, err = sandbox.Start(ctx, sandbox.Options{Clock: d.Clock, Log: o.Log, HTTPMode: o.HTTPMode, NoRateLimits: o.NoRateLimits})
	if err != nil {
		return nil, fmt.Errorf("open the world: %w", err)
	}
	for range max(1, o.Replicas) {
		d.running = append(d.running, &replica{address: "127.0.0.1:0"})
	}
	d.config = d.configure()
	if !o.HTTPMode { // before anybody asks for a socket: each refusal counts against the tier
		if err := d.install(); err != nil {
			return nil, err
		}
	}
	if err := d.Begin(); err != nil {
		return nil, err
	}
	if o.HTTPMode { // the manifest names the address
		if err := d.install(); err != nil {
			return nil, err
		}
	}
	if err := d.World.Connect(d.URL); err != nil {
		return nil, fmt.Errorf("connect the vendors: %w", err)
	}
	return d, d.awake(ctx)
}

func (d *Demo) install() error {
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", SocketMode: !d.options.HTTPMode, URL: d.URL})
	if err != nil {
		return fmt.Errorf("make the app's manifest: %w", err)
	}
	if err := d.World.Install(manifest); err != nil {
		return fmt.Errorf("install the app: %w", err)
	}
	return nil
}

// configure is the configuration an operator would write for this world.
func (d *Demo) configure() config.Config {
	w := d.World
	c := config.Config{
		Workspace: "demo", Database: d.options.Database, Redis: d.options.Redis, LogLevel: "info",
		Slack: config.Slack{URL: w.SlackURL, BotToken: config.NewSecret(w.BotToken), SigningSecret: config.NewSecret(w.SigningSecret)},
		PagerDuty: config.PagerDuty{Token: config.NewSecret(w.PagerDutyToken), From: w.From, Service: sandbox.ServicePrimary, Keys: map[string]config.Secret{},
			WebhookSecrets: []config.Secret{config.NewSecret(w.WebhookSecret)}, URL: w.PagerDutyURL, EventsURL: w.EventsURL},
		Vendors: config.Vendors{
			Okta:         config.Okta{URL: w.OktaURL, Token: config.NewSecret(w.OktaToken)},
			AWS:          demoAWS(w),
			Kubernetes:   d.options.Kubernetes,
			Cloudflare:   config.Cloudflare{URL: w.CloudflareURL, Token: config.NewSecret(w.CloudflareToken), Zones: []string{sandbox.Zone}},
			GitHubOrg:    config.GitHubOrg{Org: sandbox.Org, Token: config.NewSecret(w.GitHubOrgToken)},
			SlackContain: config.SlackContain{On: true},
		},
		GitHub: config.GitHub{Token: config.NewSecret(w.GitHubToken), URL: w.GitHubURL, WebhookSecret: config.NewSecret(w.WebhookSecret)},
	}
	if !d.options.HTTPMode {
		c.Slack.AppToken = config.NewSecret(w.AppToken)
	}
	if strings.HasPrefix(c.Database, "postgres") {
		c.Key = config.NewSecret(strings.Repeat("5a", 32)) // of a sandbox that holds nothing
		c.Fleet.Key, c.Fleet.Authority = config.NewSecret(strings.Repeat("5b", 32)), config.NewSecret(strings.Repeat("5c", 32))
		c.Evidence = filepath.Join(d.remove, "evidence")
	}
	if c.Redis != "" {
		c.Workspace = "demo-" + rand.Text()[:8] // others may use the same Redis
	}
	for name, key := range w.RoutingKeys {
		c.PagerDuty.Keys[name] = config.NewSecret(key)
	}
	return c
}

// Begin starts Tocsin; after Halt it is a restart on the same database and address.
func (d *Demo) Begin() error {
	for _, r := range d.running {
		if err := d.begin(r); err != nil {
			return err
		}
	}
	d.URL = "http://" + d.running[0].address
	return nil
}

func (d *Demo) begin(r *replica) error {
	if r.halt != nil {
		return errors.New("it is running")
	}
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	r.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(d.ctx)
	c := d.config
	door, err := r.door()
	if err != nil {
		cancel()
		return errors.Join(err, listener.Close())
	}
	c.Fleet.Listen = r.sensors
	c.Fleet.Names = []string{"127.0.0.1"}
	if len(d.running) > 1 {
		c.Fleet.Peer = c.Fleet.Listen
	}
	if err := d.openFeed(&c); err != nil {
		cancel()
		return errors.Join(err, listener.Close(), door.Close())
	}
	parts := d.parts()
	parts.Sensors = door
	a, err := New(ctx, c, parts)
	if err != nil {
		cancel()
		return errors.Join(err, listener.Close(), door.Close())
	}
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, listener) }()
	r.app = a
	r.halt = func() error {
		cancel()
		err := <-done
		a.Close()
		r.app, r.halt = nil, nil
		return err
	}
	return nil
}

// Halt stops Tocsin as an operator would. The world goes on.
func (d *Demo) Halt() error {
	var errs []error
	for _, r := range d.running {
		if r.halt != nil {
			errs = append(errs, r.halt())
		}
	}
	return errors.Join(errs...)
}

// App is the first running server; nil while all are halted.
func (d *Demo) App() *App {
	for _, r := range d.running {
		if r.app != nil {
			return r.app
		}
	}
	return nil
}

// awake waits until Slack can reach Tocsin.
func (d *Demo) awake(ctx context.Context) error {
	if d.options.HTTPMode {
		return nil
	}
	const patience = 30 * time.Second // a busy machine is slow to connect, not broken
	limit := time.After(patience)
	for {
		if d.World.Slack.Sockets() >= len(d.running) {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			return fmt.Errorf("no Socket Mode connection within %s", patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Restart halts and begins again, and waits until Slack can reach Tocsin.
func (d *Demo) Restart(ctx context.Context) error {
	if err := d.Halt(); err != nil {
		return err
	}
	if err := d.Begin(); err != nil {
		return err
	}
	return d.awake(ctx)
}

// Page is the chat client a newcomer sees.
func (d *Demo) Page() http.Handler {
	var personas []page.Persona
	for _, p := range d.World.People {
		if !p.Deactivated {
			personas = append(personas, page.Persona{Slack: p.Slack, Name: p.RealName, Title: p.Title, PagerDuty: p.PagerDuty, GitHub: p.GitHub})
		}
	}
	var completions []page.Completion
	for _, v := range bot.Verbs("/incident", "/postmortem") {
		completions = append(completions, page.Completion{Text: v.Text, Usage: v.Usage, Help: v.Summary})
	}
	faults := map[string]*fault.Set{"slack": d.World.Slack.Faults(), "pagerduty": d.World.PagerDuty.Faults(), "github": d.World.GitHub.Faults(), "okta": d.World.Okta.Faults(), "cloudflare": d.World.Cloudflare.Faults()}
	if d.config.AWS.Region != "" {
		faults["aws"] = d.World.AWS.Faults()
	}
	return page.New(page.Parts{
		Title: "Tocsin", Slack: d.World.Slack, PagerDuty: d.World.PagerDuty, GitHub: d.World.GitHub, Clock: d.Clock,
		Personas: personas, Completions: completions,
		Faults: faults,
	})
}

// Close ends Tocsin, then the world.
func (d *Demo) Close() error {
	d.leaveHosts()
	err := d.Halt()
	d.closeFeed()
	if d.World != nil {
		d.World.Close()
	}
	if d.remove != "" {
		err = errors.Join(err, os.RemoveAll(d.remove))
	}
	return err
}
