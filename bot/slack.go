package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// Config is what the Slack surface needs. API, BotToken, Room and TeamID are required.
type Config struct {
	API           string // base URL of the Web API, "https://slack.com/api/" when empty
	BotToken      Secret // xoxb-
	AppToken      Secret // xapp-, for Socket Mode
	SigningSecret Secret // for signed HTTP
	TeamID        string // "" takes the team the token belongs to
	Room          *Room
	// AnnounceChannel is the id or name of the announcement channel; "" for none.
	AnnounceChannel func() string
	// Budget is asked before every call of the Web API; nil: no budget.
	Budget   Budget
	Requests Requests // nil: a slow request dies with the process
	Captures Captures // nil: what is said in rooms is not captured
	// Known tells at once, asking nobody, who is behind a Slack account; nil: nobody is.
	Known func(account string) (incident.PersonID, bool)
	// Evidence keeps the contents of files, up to EvidenceLimit bytes each; nil: only
	// what they are called is captured.
	Evidence      Evidence
	EvidenceLimit int64
	// CaptureLag is told how long after it happened something was on disk; nil: nobody is.
	CaptureLag func(time.Duration)
	Client     *http.Client // nil: one with a time-out of its own
	Log        *slog.Logger // nil: nothing is logged
}

// Slack is one workspace with the app installed in it. It is safe for concurrent use.
type Slack struct {
	c      Config
	api    *slack.Client
	http   *http.Client
	log    *slog.Logger
	budget Budget

	batch     *batch        // nil: nothing is captured
	fetching  chan struct{} // files being downloaded
	fetched   sync.Map      // by channel, message and file: those asked for now
	wanted    atomic.Int32  // comparisons of the rooms with their history, asked for
	busy      underway
	caught    caught
	connected atomic.Bool // over Socket Mode, right now
	homes     homes
	drawn     drawn // looks
	attached  attached
	unsent    unsent

	mu sync.Mutex // guards everything that follows
	me self
	// ids of channels found by name
	named map[string]string
	// the workspace's accounts, and until when they are believed
	accounts      []slack.User
	accountsUntil time.Time
}

// self is what Slack says we are.
type self struct {
	Team, User, Bot, URL string
}

// callTimeout bounds one call of the Web API; a lease must be longer.
const callTimeout = 10 * time.Second

// New makes the surface; it calls nobody yet.
func New(c Config) (*Slack, error) {
	if c.BotToken == "" {
		return nil, errors.New("slack: no bot token; set it to the xoxb- token of the installed app")
	}
	if c.Room == nil {
		return nil, errors.New("slack: no room to hand words to")
	}
	s := &Slack{c: c, http: c.Client, log: c.Log, budget: c.Budget, named: map[string]string{}}
	if s.http == nil {
		s.http = &http.Client{Timeout: callTimeout}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.budget == nil {
		s.budget = unlimited{}
	}
	s.fetching = make(chan struct{}, downloads)
	if c.Captures != nil {
		s.batch = &batch{to: c.Captures}
		c.Room.Compare, c.Room.Message, c.Room.Files = s.compare, s.message, s.files
	}
	options := []slack.Option{slack.OptionHTTPClient(s.http), slack.OptionLog(log.New(io.Discard, "", 0))}
	if c.API != "" {
		options = append(options, slack.OptionAPIURL(strings.TrimSuffix(c.API, "/")+"/"))
	}
	if c.AppToken != "" {
		options = append(options, slack.OptionAppLevelToken(string(c.AppToken)))
	}
	s.api = slack.New(string(c.BotToken), options...)
	return s, nil
}

// whoami asks Slack once who we are.
func (s *Slack) whoami(ctx context.Context) (self, error) {
	s.mu.Lock()
	me := s.me
	s.mu.Unlock()
	if me.User != "" {
		return me, nil
	}
	var got *slack.AuthTestResponse
	err := s.call(ctx, "auth.test", "", incident.RankAct, func() (err error) {
		got, err = s.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return self{}, fmt.Errorf("ask Slack who we are: %w", err)
	}
	me = self{Team: got.TeamID, User: got.UserID, Bot: got.BotID, URL: strings.TrimSuffix(got.URL, "/") + "/"}
	s.mu.Lock()
	s.me = me
	s.mu.Unlock()
	return me, nil
}

// Check asks Slack who we are and that the token is of the workspace configured.
func (s *Slack) Check(ctx context.Context) error {
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	if s.c.TeamID != "" && me.Team != s.c.TeamID {
		return incident.GiveUp(fmt.Errorf("the bot token belongs to workspace %s, not %s", me.Team, s.c.TeamID))
	}
	return nil
}

// ours reports whether a request comes from our workspace.
func (s *Slack) ours(ctx context.Context, team string) bool {
	want := s.c.TeamID
	if want == "" {
		me, err := s.whoami(ctx)
		if err != nil {
			return false
		}
		want = me.Team
	}
	return team == want
}

// call takes the budget, makes the call, and judges what came back.
func (s *Slack) call(ctx context.Context, method, channel string, rank incident.Rank, f func() error) error {
	if err := s.budget.Take(ctx, method, channel, rank); err != nil {
		return err
	}
	return s.paid(ctx, method, channel, f)
}

// paid is call when the budget is taken already.
func (s *Slack) paid(ctx context.Context, method, channel string, f func() error) error {
	if err := f(); err != nil {
		return s.judge(ctx, method, channel, err)
	}
	return nil
}

// noReply is a wait for a 429 that named none.
const noReply = 30 * time.Second

// judge says whether trying again can help. What the vendor answered is reduced to its
// error code: nothing else of it reaches a person.
func (s *Slack) judge(ctx context.Context, method, channel string, err error) error {
	var slow *slack.RateLimitedError
	code := codeOf(err)
	if errors.As(err, &slow) || code == "ratelimited" || code == "rate_limited" {
		wait := noReply
		if slow != nil && slow.RetryAfter > 0 {
			wait = slow.RetryAfter
		}
		s.budget.Penalise(ctx, method, channel, wait)
		return incident.Later(&said{method, "ratelimited", ""}, wait)
	}
	if code == "" {
		var status slack.StatusCodeError
		if errors.As(err, &status) {
			return &said{method, fmt.Sprintf("http_%d", status.Code), ""}
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("slack %s: %w", method, ctxErr(err))
		}
		return &said{method, "unreachable", ""}
	}
	fix, hopeless := fixes[code]
	no := &said{method, code, fix}
	if hopeless {
		return incident.GiveUp(no)
	}
	return no
}

func ctxErr(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return context.DeadlineExceeded
}

// said is an error Slack answered with.
type said struct{ method, code, fix string }

func (e *said) Error() string {
	text := "slack " + e.method + ": " + e.code
	if e.fix != "" {
		text += ": " + e.fix
	}
	return text
}

// is reports whether Slack answered with one of these codes.
func is(err error, codes ...string) bool {
	var e *said
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.code == c {
			return true
		}
	}
	return false
}

// fixes are the answers that trying again cannot cure, with what does.
var fixes = map[string]string{
	"missing_scope":          "install the app again from the manifest that tocsin manifest prints",
	"invalid_auth":           "the bot token is not valid; put in the one of the installed app",
	"not_authed":             "no token was sent; put in the one of the installed app",
	"account_inactive":       "the app was removed from the workspace; install it again",
	"token_revoked":          "the token was revoked; install the app again",
	"token_expired":          "the token has expired; switch token rotation off in the app's settings",
	"not_allowed_token_type": "this needs the bot token, which begins with xoxb-",
	"no_permission":          "the app may not do that here; ask an administrator of the workspace",
	"restricted_action":      "the workspace does not let the app do that; ask an administrator of the workspace",
	"ekm_access_denied":      "the workspace's keys deny access; ask an administrator of the workspace",
	"org_login_required":     "the workspace is being moved; ask an administrator of the workspace",
	"invalid_blocks":         "Slack refused the form of the message",
	"invalid_arguments":      "Slack refused the request",
	"msg_too_long":           "the message is too long for Slack",
	"msg_blocks_too_long":    "the message is too long for Slack",
	"no_text":                "the message was empty",
	"user_not_found":         "Slack knows no such person",
	"users_not_found":        "Slack knows no such person",
	"user_disabled":          "the account is deactivated",
	"cannot_dm_bot":          "bots cannot be messaged",
	"user_not_visible":       "the person cannot be seen from this workspace",
}

// codeOf is Slack's error code, "" when err is no answer of Slack's.
func codeOf(err error) string {
	var r slack.SlackErrorResponse
	if errors.As(err, &r) {
		return r.Err
	}
	text := err.Error()
	if text == "" || len(text) > 60 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return text
}
