package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/store/coord"
)

// Slack's rate tiers, requests a minute for each method and workspace.
// Source: https://docs.slack.dev/apis/web-api/rate-limits
var tiers = map[int]coord.Rate{
	1: {Per: time.Minute, N: 1},
	2: {Per: time.Minute, N: 20},
	3: {Per: time.Minute, N: 50},
	4: {Per: time.Minute, N: 100},
}

// Methods that are not of tier 3.
var tierOf = map[string]int{
	"conversations.create": 2, "conversations.archive": 2, "conversations.rename": 2, "conversations.setTopic": 2,
	"conversations.setPurpose": 2, "conversations.list": 2, "pins.add": 2, "pins.remove": 2, "pins.list": 2,
	"bookmarks.add": 2, "bookmarks.list": 2, "reactions.remove": 2, "users.list": 2, "usergroups.list": 2,
	"conversations.members": 4, "chat.postEphemeral": 4, "views.open": 4, "views.publish": 4, "views.push": 4,
	"views.update": 4, "users.info": 4, "files.getUploadURLExternal": 4, "files.completeUploadExternal": 4, "auth.test": 4,
}

// postRate is about one message a second for each channel, short bursts allowed, and
// postsRate what all channels of a workspace share: "several hundred" a minute. That one
// keeps room for pages: busy rooms would use it up together, each within its own bounds.
// Source: https://docs.slack.dev/apis/web-api/rate-limits
var (
	postRate  = coord.Rate{Per: time.Second, N: 1, Burst: 4}
	postsRate = coord.Rate{Per: time.Minute, N: 240, Burst: 40}
)

// PagerDuty: about 120 events a minute for each integration key, 960 REST calls for
// each API key. GitHub: 80 requests that create content a minute, and 900 points, of
// which a read costs one and a write five.
var (
	eventsRate   = coord.Rate{Per: time.Minute, N: 120, Burst: 30}
	restRate     = coord.Rate{Per: time.Minute, N: 960, Burst: 60}
	githubWrites = coord.Rate{Per: time.Minute, N: 80, Burst: 20}
	githubReads  = coord.Rate{Per: time.Minute, N: 500, Burst: 50}
)

var errBudget = errors.New("the vendor's budget is spent")

// slackBudget asks before every call of the Web API.
type slackBudget struct {
	budget  coord.Budget
	prefix  string
	metrics *metrics
	line    *line
	now     func() time.Time
}

// Take takes a token or says how long to wait.
func (b slackBudget) Take(ctx context.Context, method, channel string, rank incident.Rank) error {
	rate := tiers[3]
	if tier, ok := tierOf[method]; ok {
		rate = tiers[tier]
	}
	if method != "chat.postMessage" {
		return b.metrics.waited("slack", method, b.take(ctx, b.key(method, channel), rate, rank))
	}
	err := b.take(ctx, b.key(method, channel), postRate, rank)
	if err == nil {
		err = b.take(ctx, b.prefix+method, postsRate, rank)
	}
	return b.metrics.waited("slack", method, err)
}

// take has what is only shown ask again in turn; what is said is in the line of its
// channel already.
func (b slackBudget) take(ctx context.Context, key string, rate coord.Rate, rank incident.Rank) error {
	err := take(ctx, b.budget, key, rate, rank)
	if wait, ok := incident.LaterBy(err); ok && rank == incident.RankRefresh {
		return incident.Later(errBudget, b.line.after(key, rate, wait, b.now()))
	}
	return err
}

// Penalise is told of every 429.
func (b slackBudget) Penalise(ctx context.Context, method, channel string, wait time.Duration) {
	_ = b.budget.Penalise(ctx, b.key(method, channel), wait) // the caller waits all the same
}

// key: only messages are counted by channel.
func (b slackBudget) key(method, channel string) string {
	if method == "chat.postMessage" {
		return b.prefix + method + "/" + channel
	}
	return b.prefix + method
}

func take(ctx context.Context, b coord.Budget, key string, rate coord.Rate, rank incident.Rank) error {
	wait, err := b.Take(ctx, key, rate, rank)
	if err != nil || wait == 0 {
		return err
	}
	return incident.Later(errBudget, wait)
}

func (a *App) pagerBudget(ctx context.Context, method string, rank incident.Rank) error {
	rate := restRate
	if strings.HasPrefix(method, pagerduty.CostEvents) {
		rate = eventsRate
	}
	return a.metrics.waited("pagerduty", method, take(ctx, a.coord, a.shared(method), rate, rank))
}

func (a *App) githubBudget(ctx context.Context, method string, rank incident.Rank) error {
	rate := githubWrites
	if method == github.CostRead {
		rate = githubReads
	}
	return a.metrics.waited("github", method, take(ctx, a.coord, a.shared(method), rate, rank))
}
