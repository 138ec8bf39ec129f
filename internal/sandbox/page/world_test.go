package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// world is a sandbox with two people and whoever else is given, a channel, a tiny app behind signed HTTP, and
// the page in front of it.
type world struct {
	slack   *slack.Server
	pd      *pagerduty.Server
	gh      *github.Server
	clock   *clock.Fast
	page    *httptest.Server
	github  *httptest.Server // its API
	app     *app
	channel string
	service string // of PagerDuty
}

func newWorld(t *testing.T, more ...Persona) *world {
	t.Helper()
	w := &world{clock: clock.NewFast(time.Now(), 1)}
	w.app = &app{}
	listener := httptest.NewServer(w.app)
	t.Cleanup(listener.Close)
	w.slack = slack.New(slack.Config{TeamName: "Acme", Clock: w.clock, NoRateLimits: true, App: slack.App{
		RequestURL: listener.URL, HomeTab: true,
		Scopes:   []string{"commands", "chat:write", "reactions:read", "pins:write"},
		Commands: []slack.Command{{Command: "/incident", Description: "Run an incident", UsageHint: "declare"}},
		Shortcuts: []slack.Shortcut{
			{Name: "Declare an incident", Type: "global", CallbackID: "declare", Description: "Opens a form"},
			{Name: "Add to timeline", Type: "message", CallbackID: "keep", Description: "Keep this message"},
		},
	}})
	t.Cleanup(w.slack.Close)
	api := httptest.NewServer(w.slack)
	t.Cleanup(api.Close)
	w.slack.SetBaseURL(api.URL)
	w.app.base, w.app.token = api.URL, w.slack.App().BotToken
	w.slack.AddUser(slack.User{ID: "UALICE", Name: "alice", RealName: "Alice Martin", Title: "Security engineer"})
	w.slack.AddUser(slack.User{ID: "UBOB", Name: "bob", RealName: "Bob Okafor", Title: "Incident commander"})
	bot, _ := w.slack.BotUser()
	members := []string{"UALICE", "UBOB", bot}
	for _, p := range more {
		w.slack.AddUser(slack.User{ID: p.Slack, Name: p.GitHub, RealName: p.Name, Title: p.Title})
		members = append(members, p.Slack)
	}
	w.channel = w.slack.AddChannel("security", false, members...)
	w.app.channel = w.channel

	w.pd = pagerduty.New(pagerduty.Config{Clock: w.clock})
	t.Cleanup(w.pd.Close)
	w.pd.AddUser(pagerduty.User{ID: "PBOB", Name: "Bob Okafor", Email: "bob@example.com"})
	rung := pagerduty.Rule{Delay: 5 * time.Minute, Targets: []string{"PBOB"}}
	policy := w.pd.AddEscalationPolicy(pagerduty.EscalationPolicy{Name: "Security on-call", Rules: []pagerduty.Rule{rung, rung}})
	w.service = w.pd.AddService(pagerduty.Service{Name: "Security response", PolicyID: policy.ID}).ID

	w.gh = github.New(github.Config{Clock: w.clock, Tokens: map[string]string{"ghp_bob": "bob"}})
	t.Cleanup(w.gh.Close)
	if err := w.gh.AddRepo(github.Repo{Name: "acme/incidents", Private: true, Push: []string{"alice", "bob"}}); err != nil {
		t.Fatal(err)
	}
	w.github = httptest.NewServer(w.gh)
	t.Cleanup(w.github.Close)
	w.page = httptest.NewServer(New(Parts{
		Slack: w.slack, PagerDuty: w.pd, GitHub: w.gh, Clock: w.clock,
		Faults: map[string]*fault.Set{"slack": w.slack.Faults(), "pagerduty": w.pd.Faults(), "github": w.gh.Faults()},
		Personas: append([]Persona{
			{Slack: "UALICE", Name: "Alice Martin", Title: "Security engineer", GitHub: "alice"},
			{Slack: "UBOB", Name: "Bob Okafor", Title: "Incident commander", PagerDuty: "PBOB", GitHub: "bob"},
		}, more...),
		Completions: []Completion{
			{Text: "/incident declare", Usage: "[p1..p4] <title>", Help: "Open a room and page the people on call"},
			{Text: "/incident card", Help: "Show the summary"},
		},
		Hints: []Hint{
			{Title: "Declare", Text: "Press here, then Enter.", Type: "/incident declare"},
			{Title: "Acknowledge", Text: "Answer the page as the person whose phone rings.", Pane: "pagerduty"},
			{Title: "Resolve", Text: "End it in the room and read the post-mortem.", Pane: "github"},
		},
	}))
	t.Cleanup(func() { w.page.CloseClientConnections(); w.page.Close() })
	return w
}

// app answers /incident declare with a modal and everything else with a card.
type app struct{ base, token, channel string }

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		return
	}
	var p struct {
		Type    string `json:"type"`
		Trigger string `json:"trigger_id"`
		User    struct {
			ID string `json:"id"`
		} `json:"user"`
		Actions []struct {
			ID string `json:"action_id"`
		} `json:"actions"`
		View struct {
			State struct {
				Values map[string]map[string]struct {
					Value string `json:"value"`
				} `json:"values"`
			} `json:"state"`
		} `json:"view"`
	}
	if raw := r.Form.Get("payload"); raw != "" && json.Unmarshal([]byte(raw), &p) != nil {
		return
	}
	switch {
	case p.Type == "view_submission" && p.View.State.Values["title"]["title"].Value == "taken":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"response_action":"errors","errors":{"title":"That title is taken."}}`)
	case p.Type == "view_submission":
		_ = a.call("chat.postMessage", fmt.Sprintf(`{"channel":%q,"text":"<@%s> declared *%s*"}`, a.channel, p.User.ID, p.View.State.Values["title"]["title"].Value))
	case p.Type == "block_actions":
		_ = a.call("chat.postMessage", fmt.Sprintf(`{"channel":%q,"text":"<@%s> pressed %s"}`, a.channel, p.User.ID, p.Actions[0].ID))
	case p.Type == "shortcut":
		_ = a.call("views.open", fmt.Sprintf(`{"trigger_id":%q,"view":%s}`, p.Trigger, modalJSON))
	case strings.HasPrefix(r.Form.Get("text"), "declare"):
		_ = a.call("views.open", fmt.Sprintf(`{"trigger_id":%q,"view":%s}`, r.Form.Get("trigger_id"), modalJSON))
	case r.Form.Get("command") != "":
		_ = a.call("chat.postMessage", fmt.Sprintf(`{"channel":%q,"text":"INC-0001","blocks":%s}`, a.channel, cardJSON))
	}
}

func (a *app) call(method, body string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/api/"+method, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || !out.OK {
		return fmt.Errorf("%s: %s %w", method, out.Error, err)
	}
	return nil
}

const modalJSON = `{"type":"modal","callback_id":"declare","title":{"type":"plain_text","text":"Declare an incident"},
"submit":{"type":"plain_text","text":"Declare"},"close":{"type":"plain_text","text":"Cancel"},"blocks":[
{"type":"section","text":{"type":"mrkdwn","text":"A room opens at once. *P1 and P2 page people.*"}},
{"type":"input","block_id":"title","label":{"type":"plain_text","text":"What is happening?"},
 "hint":{"type":"plain_text","text":"One line; the room is named after it."},
 "element":{"type":"plain_text_input","action_id":"title","min_length":5,"max_length":150}},
{"type":"input","block_id":"sev","label":{"type":"plain_text","text":"Severity"},
 "element":{"type":"radio_buttons","action_id":"sev","initial_option":{"text":{"type":"plain_text","text":"P2 high"},"value":"p2"},
  "options":[{"text":{"type":"plain_text","text":"P1 critical"},"value":"p1","description":{"type":"plain_text","text":"Customers are harmed now"}},{"text":{"type":"plain_text","text":"P2 high"},"value":"p2"}]}},
{"type":"input","block_id":"out","optional":true,"label":{"type":"plain_text","text":"Keep out"},"element":{"type":"multi_users_select","action_id":"out"}}]}`

const cardJSON = `[{"type":"header","text":{"type":"plain_text","text":"INC-0001 Credentials in a public gist"}},
{"type":"section","fields":[{"type":"mrkdwn","text":"*Severity*\nP1 critical"},{"type":"mrkdwn","text":"*Commander*\n<@UBOB>"},{"type":"mrkdwn","text":"*Phase*\nInvestigate"},{"type":"mrkdwn","text":"*Update due*\nin 18 min"}]},
{"type":"divider"},
{"type":"section","text":{"type":"mrkdwn","text":"*Checklist* 1 of 2 done\n• ~Revoke the token~ by <@UALICE>\n• Rotate the _database_ password: see <https://example.com/runbook|the runbook>\n> Do not reboot ` + "`web-3`" + `: memory is evidence."}},
{"type":"actions","elements":[{"type":"button","style":"primary","action_id":"ack","text":{"type":"plain_text","text":"Acknowledge"}},
{"type":"button","action_id":"update","text":{"type":"plain_text","text":"Post update"}},
{"type":"static_select","action_id":"sev","placeholder":{"type":"plain_text","text":"Change severity"},"options":[{"text":{"type":"plain_text","text":"P2 high"},"value":"p2"}]},
{"type":"button","style":"danger","action_id":"resolve","text":{"type":"plain_text","text":"Resolve"},"confirm":{"title":{"type":"plain_text","text":"Resolve INC-0001?"},"text":{"type":"plain_text","text":"Two holds are still active."},"confirm":{"type":"plain_text","text":"Resolve it"},"deny":{"type":"plain_text","text":"Not yet"}}}]},
{"type":"context","elements":[{"type":"mrkdwn","text":"Plan *credential-leak* · declared by <@UALICE>"}]}]`
