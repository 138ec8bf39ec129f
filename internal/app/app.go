// Package app is the wiring: it lists every part of the server once, in start order;
// stop is the reverse. Nothing is decided here.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/mask"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/coord"
	"github.com/tocsin-ir/tocsin/templates"
)

// Parts are what serve and demo have different.
type Parts struct {
	Clock clock.Clock // nil: the machine's
	Plan  fs.FS       // nil: Config.PlanDir, or the default plan
	Log   *slog.Logger
}

// App is a running server. Its zero value is of no use; see New.
type App struct {
	config config.Config
	clock  clock.Clock
	log    *slog.Logger

	db     *store.DB
	coord  coord.Coordinator
	plan   *plan.Current
	engine *engine.Engine
	people *people
	mask   *mask.Mask
	room   *bot.Room
	slack  *bot.Slack
	pager  *pagerduty.Pager  // nil: not configured
	github *github.Publisher // nil: not configured
	runner *engine.Runner

	registry *prometheus.Registry
	metrics  *metrics

	strangers struct {
		sync.Mutex
		ids map[string]bool // PagerDuty incidents that are none of ours
	}

	planTrouble string // what was last said of a broken plan; the sweep's own

	stop []func() // in reverse
}

// New puts the parts together, in start order. It opens the database and reads the
// plan, and calls no vendor. The error names the step.
func New(ctx context.Context, c config.Config, p Parts) (_ *App, err error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	a := &App{config: c, clock: p.Clock, log: p.Log}
	if a.clock == nil {
		a.clock = clock.Real{}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	for _, step := range []struct {
		name string
		do   func(context.Context, Parts) error
	}{
		{"open the database", a.openStore},
		{"join the other replicas", a.openCoord},
		{"read the plan", a.openPlan},
		{"start counting", a.openMetrics},
		{"start the engine", a.openEngine},
		{"set up Slack", a.openSlack},
		{"set up PagerDuty", a.openPager},
		{"set up GitHub", a.openGitHub},
		{"set up the runner", a.openRunner},
	} {
		if err := step.do(ctx, p); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return a, nil
}

// Close lets go of everything, last opened first.
func (a *App) Close() {
	for len(a.stop) > 0 {
		last := len(a.stop) - 1
		a.stop[last]()
		a.stop = a.stop[:last]
	}
}

func (a *App) onStop(f func()) { a.stop = append(a.stop, f) }

func (a *App) openStore(ctx context.Context, _ Parts) error {
	key, from, err := masterKey(a.config)
	if err != nil {
		return err
	}
	a.db, err = store.Open(ctx, a.config.Database, a.config.Workspace, store.Options{Key: key, Now: a.clock.Now})
	if err != nil {
		return err
	}
	a.log.Info("database is open", "engine", engineOf(a.config.Database), "key", from)
	a.onStop(func() {
		if err := a.db.Close(); err != nil {
			a.log.Error("close the database", "error", err)
		}
	})
	return nil
}

func engineOf(url string) string {
	if strings.HasPrefix(url, "postgres") {
		return "postgres"
	}
	return "sqlite"
}

func (a *App) openCoord(context.Context, Parts) error {
	if a.config.Redis == "" {
		a.coord = coord.Local(a.clock)
		return nil
	}
	o, err := redis.ParseURL(a.config.Redis)
	if err != nil {
		return errors.New("the Redis URL is not one: redis://[user:password@]host:port[/db]")
	}
	client := redis.NewClient(o)
	a.coord = coord.Redis(client, a.clock)
	a.onStop(func() { _, _ = a.coord.Close(), client.Close() })
	return nil
}

func (a *App) openPlan(ctx context.Context, p Parts) error {
	folder := p.Plan
	switch {
	case folder != nil:
	case a.config.PlanDir != "":
		folder = os.DirFS(a.config.PlanDir)
	default:
		folder = templates.DefaultPlan()
	}
	var err error
	a.plan, err = plan.NewCurrent(ctx, folder, keeper{a.db})
	return err
}

func (a *App) openMetrics(context.Context, Parts) error {
	a.registry = prometheus.NewRegistry()
	a.metrics = newMetrics(a.registry)
	a.registry.MustRegister(newOwing(a), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return nil
}

func (a *App) openEngine(context.Context, Parts) error {
	a.engine = engine.New(a.db, func() incident.Rules { return a.plan.Now() }, a.clock, a.log)
	a.engine.Observer = a.metrics
	a.engine.Woken = func() { a.coord.Publish(context.Background(), a.shared("work")) }
	a.people = newPeople(a.plan.Now, a.clock.Now, a.log)
	return nil
}

func (a *App) openSlack(context.Context, Parts) error {
	a.room = &bot.Room{
		Asker: a.engine, Reader: reader{a.db}, Directory: a.people, Contacts: a, Plan: agreed{a.plan},
		Now: a.clock.Now, Prefix: a.plan.Now().Settings().Command, Log: a.log,
	}
	var err error
	a.slack, err = bot.New(bot.Config{
		API: a.config.Slack.URL, BotToken: bot.Secret(a.config.Slack.BotToken.Reveal()),
		AppToken: bot.Secret(a.config.Slack.AppToken.Reveal()), SigningSecret: bot.Secret(a.config.Slack.SigningSecret.Reveal()),
		Room: a.room, AnnounceChannel: func() string { return a.plan.Now().Settings().Announce },
		Budget: slackBudget{a.coord, a.shared("slack/"), a.metrics}, Client: a.metrics.client("slack", 10*time.Second), Log: a.log,
	})
	a.people.slack = a.slack
	return err
}

func (a *App) openPager(context.Context, Parts) error {
	c := a.config.PagerDuty
	if !c.Token.IsSet() && len(c.Keys) == 0 {
		a.log.Warn("PagerDuty is not configured: rungs that need it will say so")
		return nil
	}
	services := map[string]pagerduty.Secret{}
	for name, key := range c.Keys {
		services[name] = pagerduty.Secret(key.Reveal())
	}
	var secrets []pagerduty.Secret
	for _, s := range c.WebhookSecrets {
		secrets = append(secrets, pagerduty.Secret(s.Reveal()))
	}
	var err error
	a.pager, err = pagerduty.New(pagerduty.Config{
		APIToken: pagerduty.Secret(c.Token.Reveal()), BaseURL: c.URL, EventsURL: c.EventsURL, From: c.From, RESTService: c.Service,
		Services: services, WebhookSecrets: secrets, Clock: a.clock, Budget: a.pagerBudget, Cache: a.db, People: a.people.byPager,
		HTTP: a.metrics.client("pagerduty", 10*time.Second),
	})
	return err
}

func (a *App) openRunner(context.Context, Parts) error {
	a.runner = &engine.Runner{
		Engine: a.engine, Owner: "tocsin-" + rand.Text()[:10], Workers: 8, Urgent: 4,
		Performers: map[string]engine.Performer{},
	}
	for _, kind := range bot.Kinds() {
		a.runner.Performers[kind] = a.slack
	}
	a.runner.Performers["page"] = slackOnly{}
	if a.pager != nil {
		a.runner.Performers["page"], a.runner.Performers["tell_pager"] = a.pager, a.pager
	}
	if a.github != nil {
		a.runner.Performers["publish"], a.runner.Performers["file_item"] = a.github, a.github
	}
	return nil
}

// Run serves until ctx ends or a part fails for good, then stops in reverse order.
func (a *App) Run(ctx context.Context) error {
	listener, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return a.Serve(ctx, listener)
}

// Serve is Run on a listener that is there already.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	server := &http.Server{Handler: a.routes(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	run("http", func(context.Context) error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	run("runner", a.runner.Run)
	run("wake-ups", a.listen)
	run("sweeps", a.sweeps)
	if a.config.Slack.AppToken.IsSet() {
		run("socket mode", a.slack.RunSocket)
	} else {
		run("history", func(ctx context.Context) error { a.slack.FillGaps(ctx); return nil }) // a socket does it whenever it connects
	}
	a.log.Info("serving", "address", listener.Addr().String(), "plan", a.plan.Now().Digest())
	<-ctx.Done()
	// Doors close first, so that nothing new is taken on; what is under way finishes.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	_ = server.Shutdown(closing)
	a.slack.Drain(closing)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// listen wakes the runner when another replica owes something.
func (a *App) listen(ctx context.Context) error {
	for range a.coord.Listen(ctx, a.shared("work")) {
		a.engine.Wake()
	}
	return nil
}

// routes are the doors for vendors and for whoever watches over us.
func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.db.Ping(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second}))
	if a.config.Slack.SigningSecret.IsSet() {
		mux.Handle("/slack/", a.slack.Handler())
	}
	if a.pager != nil && len(a.config.PagerDuty.WebhookSecrets) > 0 {
		mux.Handle("/pagerduty/webhook", a.pager.Hook(a.hearPagerDuty))
	}
	if a.github != nil && a.config.GitHub.WebhookSecret.IsSet() {
		mux.Handle("/github/webhook", a.github.Hook(a.hearGitHub))
	}
	return mux
}

// shared is a name in what the replicas share: two workspaces on one Redis do not
// spend each other's budgets.
func (a *App) shared(name string) string { return a.config.Workspace + "/" + name }

// Engine is the loop, for the command line.
func (a *App) Engine() *engine.Engine { return a.engine }

// Room carries out words, for the command line.
func (a *App) Room() *bot.Room { return a.room }

// keeper keeps plans by digest.
type keeper struct{ db *store.DB }

func (k keeper) SavePlan(ctx context.Context, digest string, files []byte) error {
	return k.db.SavePlan(ctx, digest, files)
}

func (k keeper) Plan(ctx context.Context, digest string) ([]byte, bool, error) {
	return k.db.Plan(ctx, digest)
}

// slackOnly performs pages where no pager is configured: rungs of people are
// messaged directly, any other gives up with the reason.
type slackOnly struct{}

// Perform answers for a rung that names people.
func (slackOnly) Perform(_ context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	p, ok := t.Effect.(incident.Page)
	if !ok {
		return nil, incident.GiveUp(errors.New("no pager is configured"))
	}
	if p.Rung.Service != "" || p.Rung.Policy != "" {
		return nil, incident.GiveUp(fmt.Errorf("PagerDuty is not configured, so %q was not paged; set TOCSIN_PAGERDUTY_KEYS", p.Rung.Name))
	}
	var people []incident.Person
	for _, who := range p.Rung.People {
		if !t.State.IsExcluded(who.ID) {
			people = append(people, who)
		}
	}
	if len(people) == 0 {
		return incident.PageSkipped{Page: p.Page, Why: "nobody on this rung may be paged"}, nil
	}
	return incident.PageTaken{Page: p.Page, People: people}, nil
}
