// Package app is the wiring: it lists every part of the server once, in start order;
// stop is the reverse. Nothing is decided here.
package app

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/containment"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/mask"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/coord"
	"github.com/tocsin-ir/tocsin/templates"
)

// Parts are what serve and demo have different.
type Parts struct {
	Clock clock.Clock    // nil: the machine's
	Plan  fs.FS          // nil: Config.PlanDir, or the default plan
	Trust *x509.CertPool // of feeds of indicators; nil: whom the machine trusts
	Log   *slog.Logger
	// Sensors is where hosts come to; nil: what Config.Fleet.Listen names is opened.
	Sensors net.Listener
}

// App is a running server. Its zero value is of no use; see New.
type App struct {
	config config.Config
	parts  Parts
	clock  clock.Clock
	log    *slog.Logger

	db     *store.DB
	coord  coord.Coordinator
	plan   *plan.Current
	engine *engine.Engine
	people *people
	mask   *mask.Mask
	room   *bot.Room
	drills *drills
	slack  *bot.Slack
	pager  *pagerduty.Pager  // nil: not configured
	github *github.Publisher // nil: not configured
	runner *engine.Runner

	sensors   sensors
	catalogue *actions.Catalogue
	crew      *containment.Crew
	kept      evidence.Store // nil: no place for evidence

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
	a := &App{config: c, parts: p, clock: p.Clock, log: p.Log}
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
		{"read the scenarios of drills", a.openDrills},
		{"set up PagerDuty", a.openPager},
		{"set up GitHub", a.openGitHub},
		{"set up the sensors", a.openFleet},
		{"set up containment", a.openContainment},
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
	shared, hangUp, err := coord.Dial(a.config.Redis, a.clock)
	if err != nil {
		return err
	}
	a.coord = shared
	a.onStop(func() { _ = a.coord.Close(); hangUp() })
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

func (a *App) openSlack(ctx context.Context, _ Parts) error {
	a.room = &bot.Room{
		Asker: a.engine, Reader: reader{a.db}, Directory: a.people, Contacts: a, Plan: agreed{a.plan}, Secrets: new(pasted),
		Now: a.clock.Now, Prefix: a.plan.Now().Settings().Command, Log: a.log,
	}
	kept, err := a.openEvidence(ctx)
	if err != nil {
		return err
	}
	a.slack, err = bot.New(bot.Config{
		API: a.config.Slack.URL, BotToken: bot.Secret(a.config.Slack.BotToken.Reveal()),
		AppToken: bot.Secret(a.config.Slack.AppToken.Reveal()), SigningSecret: bot.Secret(a.config.Slack.SigningSecret.Reveal()),
		Room: a.room, AnnounceChannel: func() string { return a.plan.Now().Settings().Announce },
		Budget: slackBudget{a.coord, a.shared("slack/"), a.metrics, new(line), a.clock.Now}, Client: a.metrics.client("slack", 10*time.Second),
		Requests: requests{a.db}, Captures: a.db, Known: a.people.known, CaptureLag: a.metrics.captured,
		Evidence: kept, EvidenceLimit: fileLimit(a.config), Log: a.log,
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
	a.runner.Performers[incident.KindOf(incident.DestroyContents{})] = destroyer{a.kept}
	a.runner.Performers[incident.KindOf(incident.ScoreDrill{})] = a.drills
	a.runner.Performers[incident.KindOf(incident.CallOffDrills{})] = a.drills
	for _, kind := range []string{"plan_action", "enforce", "release", "prolong"} {
		a.runner.Performers[kind] = a.crew
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

// shared is a name in what the replicas share: two workspaces on one Redis do not
// spend each other's budgets.
func (a *App) shared(name string) string { return a.config.Workspace + "/" + name }

// Busy reports whether something is due or under way right now, as far as this process
// knows.
func (a *App) Busy(ctx context.Context) bool {
	next, err := a.NextDue(ctx)
	return a.runner.Busy() || a.slack.Busy() || err == nil && !next.IsZero() && !next.After(a.clock.Now())
}

// NextDue is when something is owed next; zero when nothing is.
func (a *App) NextDue(ctx context.Context) (time.Time, error) { return a.db.NextDue(ctx) }

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
