package app

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

// Verdict is how bad a finding is.
type Verdict string

// The verdicts. Warned works, but not as well as it could; Failed does not work.
const (
	Fine   Verdict = "ok"
	Warned Verdict = "warn"
	Failed Verdict = "fail"
)

// Finding is one thing the doctor looked at.
type Finding struct {
	Area    string  `json:"area"` // "Slack", "database"
	What    string  `json:"what"` // what was looked at
	Verdict Verdict `json:"verdict"`
	Says    string  `json:"says"`          // what was found, in a sentence
	Fix     string  `json:"fix,omitempty"` // what to do; "" when fine
}

// patience bounds each check; whoever does not answer by then is a finding.
const patience = 5 * time.Second

// doctor examines one configuration. Its checks stand alone: none needs another to
// have gone well, so that one vendor's outage hides nothing else.
type doctor struct {
	config config.Config
	parts  Parts
	clock  clock.Clock
	plan   *plan.Plan // nil: broken, or none
	broken error
	free   func(folder string) (bytes uint64, err error)
}

// check is a group of findings that are found together.
type check struct {
	area string
	do   func(ctx context.Context) []Finding
}

// Examine looks whether Tocsin could serve with this configuration. It writes nothing
// anywhere, pages nobody, posts nothing, and returns its findings in an order that
// does not depend on who answered first. No secret of the configuration is in them.
func Examine(ctx context.Context, c config.Config, p Parts) []Finding {
	d := &doctor{config: c, parts: p, clock: p.Clock, free: freeBytes}
	if d.clock == nil {
		d.clock = clock.Real{}
	}
	d.plan, d.broken = plan.Load(planFolder(c, p))
	checks := []check{
		{"configuration", d.configuration},
		{"plan", d.agreed},
		{"database", d.database},
		{"disk", d.disk},
		{"key", d.key},
		{"Redis", d.redis},
		{"clock", d.skew},
		{"Slack", d.slackApp},
		{"Slack", d.slackDoor},
		{"Slack", d.slackSocket},
		{"Slack", d.slackAnnounce},
		{"PagerDuty", d.pager},
		{"PagerDuty", d.pagerPlan},
		{"GitHub", d.github},
		{"containment", d.contains},
		{"feeds", d.feeds},
	}
	all := make([][]Finding, len(checks))
	var wg sync.WaitGroup
	for i, one := range checks {
		wg.Go(func() { all[i] = bounded(ctx, one) })
	}
	wg.Wait()
	out := slices.Concat(all...)
	hide := hider(c)
	for i := range out {
		out[i].Says, out[i].Fix = hide.Replace(out[i].Says), hide.Replace(out[i].Fix)
	}
	return out
}

// Healthy reports whether nothing failed; warnings do not count.
func Healthy(all []Finding) bool {
	return !slices.ContainsFunc(all, func(f Finding) bool { return f.Verdict == Failed })
}

// bounded gives a check its time. One that does not heed its context is left behind.
func bounded(ctx context.Context, c check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make(chan []Finding, 1)
	go func() { found <- c.do(ctx) }()
	select {
	case list := <-found:
		for i := range list {
			list[i].Area = c.area
		}
		return list
	case <-ctx.Done():
		// A check that heeds its context says better what it was waiting for.
		select {
		case list := <-found:
			for i := range list {
				list[i].Area = c.area
			}
			return list
		case <-time.After(200 * time.Millisecond):
			return []Finding{{c.area, "answer", Failed, fmt.Sprintf("There was none within %s.", patience), "See whether it can be reached from this machine."}}
		}
	}
}

func fine(what, says string, args ...any) Finding {
	return Finding{What: what, Verdict: Fine, Says: fmt.Sprintf(says, args...)}
}

func warn(what, says, fix string) Finding {
	return Finding{What: what, Verdict: Warned, Says: says, Fix: fix}
}

func fail(what, says, fix string) Finding {
	return Finding{What: what, Verdict: Failed, Says: says, Fix: fix}
}

func planFolder(c config.Config, p Parts) fs.FS {
	switch {
	case p.Plan != nil:
		return p.Plan
	case c.PlanDir != "":
		return os.DirFS(c.PlanDir)
	}
	return templates.DefaultPlan()
}

// hider replaces every secret of a configuration: the last net under errors that
// repeat what they were given.
func hider(c config.Config) *strings.Replacer {
	var values []string
	for _, s := range c.Secrets() {
		values = append(values, s.Reveal())
	}
	for _, address := range []string{c.Database, c.Redis} {
		if u, err := url.Parse(address); err == nil && u.User != nil {
			password, _ := u.User.Password()
			values = append(values, password, u.Redacted(), address)
		}
	}
	// The longest first, or a secret that begins another would leave its rest behind.
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, v := range values {
		if len(v) >= 4 {
			pairs = append(pairs, v, "[hidden]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// slackFor is a Slack surface for looking only.
func (d *doctor) slackFor() (*bot.Slack, error) {
	return bot.New(bot.Config{
		API: d.config.Slack.URL, BotToken: bot.Secret(d.config.Slack.BotToken.Reveal()),
		AppToken: bot.Secret(d.config.Slack.AppToken.Reveal()), Room: &bot.Room{}, Log: slog.New(slog.DiscardHandler),
	})
}
