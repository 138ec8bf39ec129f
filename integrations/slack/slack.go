// Package slack contains Slack accounts: it takes a user out of channels, and ends their
// sessions where the organisation's plan lets it. The war room itself, what people type
// and read, is package bot; this package knows nothing of rooms and calls the Web API only
// to contain somebody.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// usual is where the Web API is; GovSlack has https://slack-gov.com/api.
const usual = "https://slack.com/api"

// The tiers of the methods (https://docs.slack.dev/apis/web-api/rate-limits). Each method
// has a budget of its own.
var (
	tier2 = actions.Rate{PerMinute: 20, Burst: 5}
	tier3 = actions.Rate{PerMinute: 50, Burst: 10}
	tier4 = actions.Rate{PerMinute: 100, Burst: 20}
)

var tiers = map[string]actions.Rate{
	"auth.test": tier4, "users.info": tier4, "users.lookupByEmail": tier3, "users.conversations": tier3,
	"conversations.kick": tier3, "conversations.invite": tier3,
	"admin.users.session.list": tier3, "admin.users.session.reset": tier2,
}

// Config is what the actions need. Bot is required.
type Config struct {
	Base string         // https://slack.com/api when empty
	Bot  actions.Secret // the bot's token
	// Admin is a token of an organisation's owner or administrator with admin.users:write,
	// as only Slack Enterprise has; without it sessions cannot be ended.
	Admin actions.Secret
	// BreakGlass are accounts that are never touched, by Slack id or e-mail.
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	if u, err := url.Parse(c.Base); c.Base != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http") {
		out = append(out, "Slack's address must be a plain one such as https://slack.com/api.")
	}
	if c.Bot == "" {
		out = append(out, "Slack needs the bot's token.")
	}
	return out
}

// made are the actions, in the order of their files.
var made []func(*slack) actions.Action

// Actions are what can be done to Slack accounts. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	if c.Base == "" {
		c.Base = usual
	}
	s := &slack{conf: c, bot: way(c, c.Bot), admin: way(c, c.Admin)}
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(s))
	}
	return out, nil
}

// slack is one workspace, and one organisation where there is an administrator's token.
type slack struct {
	conf       Config
	bot, admin *rest.Client

	// mu guards everything that follows.
	mu   sync.Mutex
	self identity
}

func way(c Config, token actions.Secret) *rest.Client {
	return &rest.Client{Vendor: "Slack", Base: strings.TrimRight(c.Base, "/"), HTTP: c.HTTP,
		Sign: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(token)) }}
}

// refusal is an error code of Slack, sent with 200.
type refusal struct{ step, code string }

func (r *refusal) Error() string { return fmt.Sprintf("%s: Slack answered %s", r.step, r.code) }

func refused(err error, codes ...string) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range codes {
		if r.code == c {
			return true
		}
	}
	return false
}

// call is one method of the Web API.
type call struct {
	step, method, right string
	query               url.Values // a read
	in                  any        // a write
	out                 any
}

// do makes the call. Slack answers most errors with 200 and a code
// (https://docs.slack.dev/apis/web-api/#responses).
func (s *slack) do(ctx context.Context, by *rest.Client, c call) (http.Header, error) {
	if err := s.conf.Pace.Take(ctx, "slack/"+c.method, tiers[c.method]); err != nil {
		return nil, err
	}
	var body json.RawMessage
	req := rest.Call{Step: c.step, Method: http.MethodGet, Path: "/" + c.method, Query: c.query, Out: &body, Right: c.right}
	if c.in != nil {
		req.Method, req.In, req.Header = http.MethodPost, c.in, http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	}
	h, err := by.Do(ctx, req)
	if err != nil {
		return h, err
	}
	var said struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if json.Unmarshal(body, &said) != nil || !said.OK && said.Error == "" {
		return h, fmt.Errorf("%s: Slack's answer is not the JSON it should be", c.step)
	}
	if !said.OK {
		return h, verdict(c, said.Error, said.Needed, h)
	}
	if c.out != nil && json.Unmarshal(body, c.out) != nil {
		return h, fmt.Errorf("%s: Slack's answer is not the JSON it should be", c.step)
	}
	return h, nil
}

// verdict turns a code into the contract's errors.
func verdict(c call, code, needed string, h http.Header) error {
	code, needed = word(code), word(needed)
	switch code {
	case "missing_scope":
		right := c.right
		if needed != "" {
			right = needed
		}
		return &actions.MissingRight{Right: right, To: c.step}
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return &actions.MissingRight{Right: "a valid token for Slack", To: c.step}
	case "not_allowed_token_type", "not_an_admin", "access_denied", "restricted_action", "no_permission", "feature_not_enabled",
		"not_an_enterprise", "ekm_access_denied", "enterprise_is_restricted", "team_access_not_granted":
		return &actions.MissingRight{Right: c.right, To: c.step}
	case "ratelimited", "rate_limited":
		return incident.Later(&refusal{c.step, code}, rest.Wait(h))
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return &refusal{c.step, code}
	}
	return incident.GiveUp(&refusal{c.step, code})
}

// word keeps what can be a code or a scope and nothing that could be a sentence.
func word(s string) string {
	if len(s) > 60 || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789_.:,") != "" {
		return ""
	}
	return s
}

// identity is who the bot's token is.
type identity struct {
	User string `json:"user_id"`
}

func (s *slack) me(ctx context.Context) (identity, error) {
	s.mu.Lock()
	known := s.self
	s.mu.Unlock()
	if known.User != "" {
		return known, nil
	}
	var got identity
	if _, err := s.do(ctx, s.bot, call{step: "look up Tocsin's own account", method: "auth.test", out: &got}); err != nil {
		return identity{}, err
	}
	s.mu.Lock()
	s.self = got
	s.mu.Unlock()
	return got, nil
}

// soon is when it is worth asking Slack again whether something took effect.
const soon = 15 * time.Second
