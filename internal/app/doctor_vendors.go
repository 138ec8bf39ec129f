package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
)

// askAgain is what to do when a vendor did not answer.
const askAgain = "See whether it can be reached from this machine, and its address in the configuration."

// slackApp looks at the bot token: whose it is, and what it may.
func (d *doctor) slackApp(ctx context.Context) []Finding {
	if !d.config.Slack.BotToken.IsSet() {
		return nil // said already
	}
	s, err := d.slackFor()
	if err != nil {
		return []Finding{fail("bot token", upper(err.Error())+".", "")}
	}
	in, err := s.Installation(ctx)
	if err != nil {
		return []Finding{slackRefused("bot token", err)}
	}
	out := []Finding{fine("bot token", "It is of workspace %s (%s).", in.Team, in.TeamID)}
	if len(in.Scopes) == 0 {
		return append(out, warn("scopes", "Slack did not say which were granted.", "Compare them with what `tocsin manifest` prints."))
	}
	var missing []string
	for _, scope := range bot.Scopes() {
		if !slices.Contains(in.Scopes, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		out = append(out, fail("scopes", "Missing: "+strings.Join(missing, ", ")+".", "Install the app again from the manifest that `tocsin manifest` prints."))
	} else {
		out = append(out, fine("scopes", "All %d that are needed are granted.", len(bot.Scopes())))
	}
	if extra := without(in.Scopes, bot.Scopes()); len(extra) > 0 {
		out = append(out, warn("scopes", "Granted and never used: "+strings.Join(extra, ", ")+".", "Take them away: what a stolen token cannot do need not be feared."))
	}
	if unheard := bot.Unheard(in.Scopes); len(unheard) > 0 {
		return append(out, fail("events", "Cannot come, for want of scopes: "+strings.Join(unheard, ", ")+".", "Install the app again from the manifest that `tocsin manifest` prints."))
	}
	return append(out, fine("events", "The scopes allow all %d. Whether they are subscribed to only the app's page in Slack shows; the manifest does it.", len(bot.Events())))
}

func without(have, want []string) []string {
	var extra []string
	for _, s := range have {
		if !slices.Contains(want, s) {
			extra = append(extra, s)
		}
	}
	return extra
}

// slackRefused turns what Slack said into a finding. bot's errors end in the fix.
func slackRefused(what string, err error) Finding {
	text := err.Error()
	if i := strings.LastIndex(text, "slack "); i >= 0 {
		text = text[i+len("slack "):]
	}
	parts := strings.SplitN(text, ": ", 3) // method, code, fix
	fix := askAgain
	if len(parts) == 3 {
		fix = upper(parts[2]) + "."
	}
	if len(parts) < 2 {
		return fail(what, "Slack could not be asked: "+text+".", fix)
	}
	switch parts[1] {
	case "unreachable", "context deadline exceeded", "context canceled":
		return fail(what, "Slack cannot be reached.", askAgain)
	}
	return fail(what, fmt.Sprintf("Slack says %s to %s.", parts[1], parts[0]), fix)
}

// Slack's signing secrets are 32 hex digits.
var signingSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (d *doctor) slackDoor(context.Context) []Finding {
	const what = "signing secret"
	s := d.config.Slack
	switch {
	case !s.SigningSecret.IsSet() && s.AppToken.IsSet():
		return []Finding{fine(what, "None, and none is needed: requests come over Socket Mode.")}
	case !s.SigningSecret.IsSet():
		return nil // said already
	case !signingSecret.MatchString(s.SigningSecret.Reveal()):
		return []Finding{fail(what, "It is not 32 hex digits, so it is none.", "Copy it again from Basic Information of the app; it is not the verification token.")}
	}
	return []Finding{fine(what, "It has the right form; only a request proves it.")}
}

func (d *doctor) slackSocket(ctx context.Context) []Finding {
	const what = "Socket Mode"
	token := d.config.Slack.AppToken
	if !token.IsSet() {
		return nil
	}
	if !strings.HasPrefix(token.Reveal(), "xapp-") {
		return []Finding{fail(what, "TOCSIN_SLACK_APP_TOKEN is not an app-level token: it begins with xapp-.", "Make one with the scope connections:write in Basic Information of the app.")}
	}
	if !d.config.Slack.BotToken.IsSet() {
		return nil
	}
	s, err := d.slackFor()
	if err == nil {
		err = s.TrySocket(ctx)
	}
	if err != nil {
		f := slackRefused(what, err)
		if strings.Contains(f.Says, "invalid_auth") || strings.Contains(f.Says, "missing_scope") || strings.Contains(f.Says, "not_allowed_token_type") {
			f.Fix = "Make an app-level token with the scope connections:write in Basic Information of the app."
		}
		return []Finding{f}
	}
	return []Finding{fine(what, "Slack gives a connection.")}
}

func (d *doctor) slackAnnounce(ctx context.Context) []Finding {
	if d.plan == nil || d.plan.Settings().Announce == "" || !d.config.Slack.BotToken.IsSet() {
		return nil
	}
	name := d.plan.Settings().Announce
	const what = "announcements"
	s, err := d.slackFor()
	if err != nil {
		return nil // said already
	}
	trouble, err := s.TryChannel(ctx, name)
	switch {
	case errors.Is(err, bot.ErrNoChannel):
		return []Finding{fail(what, "No channel "+name+" can be seen.", "Make it, invite the app if it is private, or change `announce` in settings.yaml.")}
	case err != nil:
		return []Finding{slackRefused(what, err)}
	case trouble != "":
		return []Finding{fail(what, "Nothing can be posted in "+name+". "+trouble, "Change that, or `announce` in settings.yaml.")}
	}
	return []Finding{fine(what, "%s is there and can be posted in.", name)}
}

func (d *doctor) pager(ctx context.Context) []Finding {
	c := d.config.PagerDuty
	if !c.Token.IsSet() && len(c.Keys) == 0 {
		return nil // pagerPlan says whether the plan needs it
	}
	services := map[string]pagerduty.Secret{}
	for name, key := range c.Keys {
		services[name] = pagerduty.Secret(key.Reveal())
	}
	var secrets []pagerduty.Secret
	for _, s := range c.WebhookSecrets {
		secrets = append(secrets, pagerduty.Secret(s.Reveal()))
	}
	p, err := pagerduty.New(pagerduty.Config{APIToken: pagerduty.Secret(c.Token.Reveal()), BaseURL: c.URL, EventsURL: c.EventsURL,
		From: c.From, RESTService: c.Service, Services: services, WebhookSecrets: secrets, Clock: d.clock})
	if err != nil {
		return []Finding{fail("settings", upper(err.Error())+".", "Correct it in the configuration.")}
	}
	var out []Finding
	for _, f := range p.Check(ctx) {
		out = append(out, finding(f.OK, f.What, f.Says, f.Fix))
	}
	if slices.ContainsFunc(out, func(f Finding) bool { return f.What == "API token" && f.Verdict != Fine }) {
		return out // it would be refused again
	}
	return append(out, d.rotas(ctx, p)...)
}

// rotas looks whether the schedules the plan names can be asked about.
func (d *doctor) rotas(ctx context.Context, p *pagerduty.Pager) []Finding {
	if d.plan == nil || !d.config.PagerDuty.Token.IsSet() {
		return nil
	}
	var out []Finding
	for _, id := range d.plan.Schedules() {
		if err := p.RefreshOnCall(ctx, []string{id}, nil); err != nil {
			out = append(out, fail("schedule "+id, "Who is on call cannot be found out.", "See that the schedule exists and the token may read it."))
			continue
		}
		out = append(out, fine("schedule "+id, "Who is on call can be found out."))
	}
	return out
}

// pagerPlan compares what the plan pages with what there are keys for.
func (d *doctor) pagerPlan(context.Context) []Finding {
	if d.plan == nil {
		return nil
	}
	var out []Finding
	for _, name := range d.plan.Services() {
		if !d.config.PagerDuty.Keys[name].IsSet() {
			out = append(out, fail("service "+name, "The plan pages it, the configuration has no key for it.", "Add "+name+"=<key> to TOCSIN_PAGERDUTY_KEYS."))
		}
	}
	if n := len(d.plan.Services()); n > 0 && len(out) == 0 {
		out = append(out, fine("plan", "There is a key for each of the %d services it pages.", n))
	}
	return out
}

func (d *doctor) github(ctx context.Context) []Finding {
	repo := ""
	if d.plan != nil {
		repo = d.plan.Settings().PostMortem.Repository
	}
	c := d.config.GitHub
	if !c.Token.IsSet() && c.App == 0 {
		if d.plan == nil {
			return nil // what the plan wants is not known
		}
		if repo == "" {
			return []Finding{fine("post-mortems", "They stay in the room: neither the plan nor the configuration names GitHub.")}
		}
		return []Finding{fail("post-mortems", "The plan publishes to "+repo+", but no token or app is configured.", "Set TOCSIN_GITHUB_TOKEN, or TOCSIN_GITHUB_APP and what goes with it.")}
	}
	conf := github.Config{
		Token: github.Secret(c.Token.Reveal()), BaseURL: c.URL, AllowPublic: c.AllowPublic, Clock: d.clock,
		Repo: func(incident.State) (string, string, error) {
			return "", "", errors.New("nothing is published by a doctor")
		},
		Render: func(context.Context, incident.Task, github.Facts) (github.Document, error) {
			return github.Document{}, nil
		},
		Mask: func(text string) (string, []string) { return text, nil },
	}
	if c.App != 0 {
		conf.App = &github.App{ID: c.App, Installation: c.Installation, Key: github.Secret(c.AppKey.Reveal())}
	}
	if c.WebhookSecret.IsSet() {
		conf.WebhookSecret = []github.Secret{github.Secret(c.WebhookSecret.Reveal())}
	}
	p, err := github.New(conf)
	if err != nil {
		return []Finding{fail("settings", upper(err.Error())+".", "Correct it in the configuration.")}
	}
	var repos []string
	if repo != "" {
		repos = append(repos, repo)
	}
	var out []Finding
	for _, f := range p.Check(ctx, repos...) {
		out = append(out, finding(f.OK, f.What, f.Says, f.Fix))
	}
	if repo == "" && d.plan != nil {
		out = append(out, warn("post-mortems", "A token is configured, but the plan names no repository.", "Set postmortem.repository in settings.yaml."))
	}
	return out
}

// softer are findings of the integrations that leave Tocsin working: it does not hear
// what people do over there.
var softer = []string{"webhook secret", "GitHub webhook secret", "priority for "}

func finding(ok bool, what, says, fix string) Finding {
	if ok {
		return fine(what, "%s", says)
	}
	if slices.ContainsFunc(softer, func(s string) bool { return strings.HasPrefix(what, s) }) {
		return warn(what, says, fix)
	}
	return fail(what, says, fix)
}
