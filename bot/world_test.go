package bot_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// world is a workspace with people, and Tocsin's engine on a real database.
type world struct {
	*slack.Server
	t      *testing.T
	ctx    context.Context
	db     *store.DB
	bot    *bot.Slack
	room   *bot.Room
	api    string // base URL of the Web API
	door   string // base URL of our own door
	engine *engine.Engine

	shaky    *shaky
	evidence *folder
	book     *notebook
	compared int // times
}

type reader struct{ *store.DB }

func (r reader) List(ctx context.Context, statuses []incident.Status, limit int) ([]incident.State, error) {
	return r.DB.List(ctx, store.Filter{Statuses: statuses, Limit: limit})
}

// directory joins the plan's people with the workspace's.
type directory struct {
	plan *plan.Plan
	w    *world
}

func (d directory) BySlack(ctx context.Context, id string) (incident.Person, error) {
	m, err := d.w.bot.Member(ctx, id)
	if bot.IsUnknownMember(err) {
		return incident.Person{}, incident.Refuse("unknown-person", "I do not know "+id+".", "")
	}
	if err != nil {
		return incident.Person{}, err
	}
	p, ok := d.plan.BySlack(id)
	if !ok {
		p = incident.Person{ID: incident.PersonID(id), Name: incident.Seal(m.Name), Zone: m.Zone}
	}
	p.Slack, p.Standing = id, m.Standing
	return p, nil
}

func (d directory) ByName(ctx context.Context, text string) (incident.Person, error) {
	p, ok := d.plan.ByID(incident.PersonID(strings.ToLower(text)))
	if !ok {
		m, err := d.w.bot.MemberByName(ctx, text)
		if err != nil {
			return p, incident.Refuse("unknown-person", "I do not know "+text+".", "")
		}
		p.Slack = m.ID
	}
	return d.BySlack(ctx, p.Slack)
}

// pager accepts every page and tells nobody.
type pager struct{}

func (pager) Perform(_ context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	if e, ok := t.Effect.(incident.Page); ok {
		return incident.PageTaken{Page: e.Page, People: e.Rung.People}, nil
	}
	return nil, nil
}

func begin(t *testing.T, socket bool) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{t: t, ctx: ctx}
	w.Server = slack.New(slack.Config{NoRateLimits: true})
	vendor := httptest.NewServer(w.Server)
	w.SetBaseURL(vendor.URL)
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	w.db, err = store.Open(ctx, filepath.Join(t.TempDir(), "t.db"), "test", store.Options{Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w.shaky, w.evidence, w.book = &shaky{DB: w.db}, &folder{}, &notebook{}
	quiet := slog.New(slog.DiscardHandler)
	w.engine = engine.New(w.db, func() incident.Rules { return p }, clock.Real{}, quiet)
	w.room = &bot.Room{Asker: w.engine, Reader: reader{w.db}, Directory: directory{p, w}, Plan: p, Now: time.Now, Log: quiet}
	app := w.App()
	w.api = vendor.URL + "/api/"
	w.bot, err = bot.New(bot.Config{
		API: w.api, BotToken: bot.Secret(app.BotToken), AppToken: bot.Secret(app.AppToken), SigningSecret: bot.Secret(app.SigningSecret),
		Room: w.room, AnnounceChannel: func() string { return "incidents" }, Captures: w.shaky, Log: quiet,
		Evidence: w.evidence, EvidenceLimit: 1 << 10, Requests: w.book,
		Known: func(account string) (incident.PersonID, bool) {
			who, ok := p.BySlack(account)
			return who.ID, ok
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(w.bot.Handler())
	w.door = door.URL
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", SocketMode: socket, URL: door.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.InstallManifest(manifest); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"U0ALICE01": "alice", "U0BOB0001": "bob", "U0CAROL01": "carol", "U0DAVE001": "dave", "U0ERIN001": "erin", "U0MALL001": "mallory"} {
		w.AddUser(slack.User{ID: id, Name: name, RealName: strings.ToUpper(name[:1]) + name[1:], Email: name + "@example.com", TZ: "Europe/Berlin"})
	}
	w.AddUser(slack.User{ID: "U0GUEST01", Name: "guest", Guest: true})
	w.AddChannel("general", false, "alice", "bob", "carol", "mallory", "guest")
	w.AddChannel("incidents", false, "alice", "bob", "erin")
	runner := &engine.Runner{Engine: w.engine, Owner: "t", Workers: 4, Urgent: 2, Poll: 20 * time.Millisecond, Performers: map[string]engine.Performer{"page": pager{}, "tell_pager": pager{}, "call_off_drills": pager{}}}
	for _, k := range bot.Kinds() {
		runner.Performers[k] = w.bot
	}
	done := make(chan struct{}, 2)
	go func() { _ = runner.Run(ctx); done <- struct{}{} }()
	go func() {
		if socket {
			_ = w.bot.RunSocket(ctx)
		}
		done <- struct{}{}
	}()
	t.Cleanup(func() {
		w.bot.Drain(ctx)
		cancel()
		<-done
		<-done
		door.Close()
		w.Close()
		vendor.Close()
		_ = w.db.Close()
	})
	if socket {
		w.wait("a socket", func() bool { return w.Sockets() > 0 })
	}
	return w
}

// wait looks until something is so; what happens here is another goroutine's work.
func (w *world) wait(what string, so func() bool) {
	w.t.Helper()
	for range 600 {
		if so() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("never came: %s", what)
}

func (w *world) types(who, where, line string) {
	w.t.Helper()
	if err := w.Slash(w.ctx, who, where, line); err != nil {
		w.t.Fatalf("%s types %s: %v", who, line, err)
	}
}

// channel is the sidebar entry of a channel whose name begins so.
func (w *world) channel(who, prefix string) (slack.ChannelView, bool) {
	for _, c := range w.View(who, slack.ViewOptions{}).Channels {
		if strings.HasPrefix(c.Name, prefix) {
			return c, true
		}
	}
	return slack.ChannelView{}, false
}

func (w *world) roomOf(who, prefix string) slack.ChannelView {
	w.t.Helper()
	var c slack.ChannelView
	w.wait("room "+prefix+" for "+who, func() bool {
		var ok bool
		c, ok = w.channel(who, prefix)
		return ok && c.Member
	})
	return c
}

func (w *world) sees(who, where, text string) slack.MessageView {
	w.t.Helper()
	var m slack.MessageView
	w.wait(who+" sees "+text+" in "+where, func() bool {
		for _, x := range w.View(who, slack.ViewOptions{Channel: where}).Messages {
			if strings.Contains(x.Text, text) || strings.Contains(plainJSON(x.Blocks), text) {
				m = x
				return true
			}
		}
		return false
	})
	return m
}

func plainJSON(b []byte) string {
	var v any
	if json.Unmarshal(b, &v) != nil {
		return ""
	}
	var out strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case string:
			out.WriteString(v + "\n")
		}
	}
	walk(v)
	return out.String()
}

// press finds a button by its label in a message and clicks it.
func (w *world) press(who, where string, m slack.MessageView, label string) error {
	w.t.Helper()
	var blocks []struct {
		BlockID  string `json:"block_id"`
		Elements []struct {
			ActionID string `json:"action_id"`
			Text     struct {
				Text string `json:"text"`
			} `json:"text"`
		} `json:"elements"`
	}
	var loose []json.RawMessage
	if err := json.Unmarshal(m.Blocks, &loose); err != nil {
		w.t.Fatal(err)
	}
	for _, raw := range loose {
		var b = blocks
		if json.Unmarshal([]byte("["+string(raw)+"]"), &b) != nil {
			continue
		}
		for _, e := range b[0].Elements {
			if e.Text.Text == label {
				return w.Click(w.ctx, who, slack.Click{Channel: where, MessageTS: m.TS, BlockID: b[0].BlockID, ActionID: e.ActionID, Confirmed: true})
			}
		}
	}
	w.t.Fatalf("no button %q in %s", label, m.Blocks)
	return nil
}

func (w *world) load(id incident.ID) incident.State {
	w.t.Helper()
	s, err := w.db.Load(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
