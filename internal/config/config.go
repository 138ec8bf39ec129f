package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Config is everything that can be set. The tags are read by the command line.
type Config struct {
	Workspace string `help:"Name of the workspace in the database; one process serves one." default:"main" env:"TOCSIN_WORKSPACE"`
	Database  string `help:"SQLite file or postgres:// URL." default:"tocsin.db" env:"TOCSIN_DATABASE"`
	Key       Secret `help:"Key that wraps the keys of sealed text: 64 hex digits, or @file. Without it a key file is made beside the SQLite file." env:"TOCSIN_KEY"`
	AuditKey  Secret `help:"Key that signs heads of the record: 64 hex digits (ed25519 seed), or @file. Without it a key file is made beside the SQLite file." env:"TOCSIN_AUDIT_KEY"`
	Anchor    string `name:"anchor-file" help:"File to append signed heads to, best on another machine." env:"TOCSIN_ANCHOR_FILE"`
	Evidence  string `name:"evidence" help:"Folder, or s3://bucket/prefix?region=…&endpoint=…, for evidence: files shared in rooms and what deeds would destroy, encrypted. Without it a folder beside the SQLite file; with PostgreSQL none." env:"TOCSIN_EVIDENCE"`
	FileLimit int64  `name:"evidence-limit" help:"Bytes that are kept of one file at most; larger files are named only. -1 keeps none." default:"67108864" env:"TOCSIN_EVIDENCE_LIMIT"`
	Redis     string `help:"redis:// URL, for several replicas." env:"TOCSIN_REDIS"`
	PlanDir   string `name:"plan" help:"Folder of the plan; without it the default plan." type:"existingdir" env:"TOCSIN_PLAN"`
	Listen    string `help:"Address for webhooks, signed Slack requests, health and metrics." default:"127.0.0.1:8480" env:"TOCSIN_LISTEN"`
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"TOCSIN_LOG_LEVEL"`

	Slack     Slack     `embed:"" prefix:"slack-"`
	PagerDuty PagerDuty `embed:"" prefix:"pagerduty-"`
	GitHub    GitHub    `embed:"" prefix:"github-"`
	Fleet     Fleet     `embed:"" prefix:"fleet-"`
	Feeds     Feeds     `embed:"" prefix:"feed-"`
	Vendors   `embed:""`
}

// Slack is the workspace.
type Slack struct {
	BotToken      Secret `help:"Bot token, xoxb-…" env:"TOCSIN_SLACK_BOT_TOKEN"`
	AppToken      Secret `help:"App-level token, xapp-…; with it Socket Mode is used." env:"TOCSIN_SLACK_APP_TOKEN"`
	SigningSecret Secret `help:"Signing secret; with it signed HTTP requests are taken at /slack/." env:"TOCSIN_SLACK_SIGNING_SECRET"`
	URL           string `help:"Base URL of the Web API." default:"https://slack.com/api/" env:"TOCSIN_SLACK_URL"`
}

// PagerDuty is the pager.
type PagerDuty struct {
	Token          Secret            `help:"REST API token." env:"TOCSIN_PAGERDUTY_TOKEN"`
	From           string            `help:"E-mail of the PagerDuty user in whose name incidents are made." env:"TOCSIN_PAGERDUTY_FROM"`
	Keys           map[string]Secret `help:"Integration keys (Events API v2) by the name the plan uses: security=…" env:"TOCSIN_PAGERDUTY_KEYS"`
	Service        string            `help:"Id of the service for incidents made through the REST API: for people paged by name and rungs with a policy." env:"TOCSIN_PAGERDUTY_SERVICE"`
	WebhookSecrets []Secret          `help:"Secrets of the webhook subscription; several while one is rotated." env:"TOCSIN_PAGERDUTY_WEBHOOK_SECRETS"`
	URL            string            `help:"Base URL of the REST API." default:"https://api.pagerduty.com" env:"TOCSIN_PAGERDUTY_URL"`
	EventsURL      string            `help:"Base URL of the Events API." default:"https://events.pagerduty.com" env:"TOCSIN_PAGERDUTY_EVENTS_URL"`
}

// GitHub is where post-mortems go.
type GitHub struct {
	Token         Secret `help:"Personal access token." env:"TOCSIN_GITHUB_TOKEN"`
	App           int64  `help:"App id, instead of a token." env:"TOCSIN_GITHUB_APP"`
	Installation  int64  `help:"Installation id of the app." env:"TOCSIN_GITHUB_INSTALLATION"`
	AppKey        Secret `help:"Private key of the app (PEM), or @file." env:"TOCSIN_GITHUB_APP_KEY"`
	WebhookSecret Secret `help:"Webhook secret." env:"TOCSIN_GITHUB_WEBHOOK_SECRET"`
	URL           string `help:"Base URL of the REST API; GitHub Enterprise: https://host/api/v3/" default:"https://api.github.com/" env:"TOCSIN_GITHUB_URL"`
	AllowPublic   bool   `help:"Write post-mortems into public repositories too." env:"TOCSIN_GITHUB_ALLOW_PUBLIC"`
}

// Check says everything that is wrong at once, each with its fix.
func (c Config) Check() error {
	var errs []error
	if !c.Slack.BotToken.IsSet() {
		errs = append(errs, errors.New("no Slack bot token: set TOCSIN_SLACK_BOT_TOKEN (`tocsin manifest` makes the app)"))
	}
	if c.Slack.BotToken.IsSet() && !strings.HasPrefix(c.Slack.BotToken.Reveal(), "xoxb-") {
		errs = append(errs, errors.New("TOCSIN_SLACK_BOT_TOKEN is not a bot token: it begins with xoxb-"))
	}
	if !c.Slack.AppToken.IsSet() && !c.Slack.SigningSecret.IsSet() {
		errs = append(errs, errors.New("no way for Slack to reach us: set TOCSIN_SLACK_APP_TOKEN for Socket Mode or TOCSIN_SLACK_SIGNING_SECRET for HTTP"))
	}
	if c.PagerDuty.Token.IsSet() && c.PagerDuty.From == "" {
		errs = append(errs, errors.New("TOCSIN_PAGERDUTY_TOKEN needs TOCSIN_PAGERDUTY_FROM, the e-mail of a PagerDuty user"))
	}
	if c.GitHub.App != 0 && (c.GitHub.Installation == 0 || !c.GitHub.AppKey.IsSet()) {
		errs = append(errs, errors.New("TOCSIN_GITHUB_APP needs TOCSIN_GITHUB_INSTALLATION and TOCSIN_GITHUB_APP_KEY"))
	}
	if c.Key.IsSet() && len(c.Key.Reveal()) != 64 {
		errs = append(errs, errors.New("TOCSIN_KEY is not 64 hex digits"))
	}
	errs = append(errs, c.Fleet.check())
	for name, u := range map[string]string{"TOCSIN_SLACK_URL": c.Slack.URL, "TOCSIN_PAGERDUTY_URL": c.PagerDuty.URL,
		"TOCSIN_PAGERDUTY_EVENTS_URL": c.PagerDuty.EventsURL, "TOCSIN_GITHUB_URL": c.GitHub.URL} {
		if p, err := url.Parse(u); err != nil || p.Scheme == "" || p.Host == "" {
			errs = append(errs, fmt.Errorf("%s is not a URL: %q", name, u))
		}
	}
	return errors.Join(errs...)
}
