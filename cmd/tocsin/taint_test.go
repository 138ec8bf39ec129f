package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/templates"
)

// mayCarry is the whole rule of a confidential incident: what was said of it goes into
// its room, or to somebody who was brought in, alone. Nothing else carries a word of
// it: no other channel, no vendor, no answer to an outsider.
func (u uttered) mayCarry(room string, broughtIn []string) bool {
	return u.Channel != "" && u.Channel == room || u.Person != "" && slices.Contains(broughtIn, u.Person)
}

// aWholeLife is a confidential incident from its declaration to its publication. Every
// word beginning with zqx is a marker; so are the names of Zelda, who is brought in,
// and of Mallory, who is excluded.
const aWholeLife = `
alice types '/incident declare p1 zqxtitle at the bank private type:insider asset:zqxasset.example exclude:@mallory'
channel inc-0001* has alice
alice goes to #inc-0001*
pagerduty paged bob
slack answers 503 to chat.postMessage 2 times
slack cuts calls to chat.update once
bob acknowledges in pagerduty
channel inc-0001* has bob
alice types '/incident role take commander'
channel inc-0001* has message 'Commander: @alice'
slack loses answers to chat.postMessage once
alice types '/incident update zqxupdate: the key is AKIAZQXSECRET2345ABC'
channel inc-0001* has message 'zqxupdate'
alice types '/incident note at yesterday 22:10 zqxnote of the guard'
alice types '/incident scope host zqxhost.example, zqxhosttwo confirmed note:zqxscopenote'
alice types '/incident scope indicator zqxindicator[.]example suspected'
slack limits chat.postMessage once
alice types '/incident task add zqxtask by tonight owner:@bob due:+2h'
channel inc-0001* has message 'zqxtask'
alice types '/incident join @zelda'
channel inc-0001* has zelda
bob goes to #inc-0001*
bob says 'zqxsaid, see zqxfile.pdf'
slack cuts calls to conversations.history once
bob reacts :pushpin: to 'zqxsaid'
bob writes 'zqxpagernote' in pagerduty
alice clicks 'Post update'
alice fills Update 'zqxform was filled in'
alice submits
channel inc-0001* has message 'zqxform'
alice types '/incident title zqxretitled'
alice types '/incident sev p2 zqxreason'
alice types '/incident times impact yesterday 22:00 zqxwhen'
alice types '/incident timeline'
alice sees 'zqxnote'
alice types '/incident catchup'
alice opens home
bob opens home
strangers
pagerduty limits 'POST /incidents' once
pagerduty answers 500 3 times
alice types '/incident page @carol'
pagerduty paged carol
strangers
carol acknowledges in pagerduty
all is quiet
alice types '/incident page policy zqxpagewhy'
bob acknowledges in pagerduty
alice types '/incident exclude @zelda'
wait 1m
channel inc-0001* lacks zelda
alice types '/incident update zqxlate after zelda left'
zelda types '/incident status INC-0001'
zelda sees 'There is no INC-0001.'
zelda opens home
wait 3h
alice types '/incident task done 1'
alice types '/incident resolve zqxresolved'
channel inc-0001* has message 'Resolved'
alice types '/postmortem edit impact zqximpact'
alice types '/postmortem item add zqxitem owner:@bob'
channel inc-0001* has message 'zqxitem'
alice types '/postmortem edit'
alice sees 'zqximpact'
alice types '/incident timeline 1'
alice types '/incident timeline 2'
alice types '/incident timeline 3'
github answers 502 2 times
github loses answers to 'POST /repos/{owner}/{repo}/issues' once
alice types '/postmortem publish'
published
strangers
alice types '/incident reopen zqxreopen'
channel inc-0001* has message 'zqxreopen'
alice types '/incident resolve zqxagain'
alice types '/incident close waive zqxwaived'
all is quiet
wait 2d
strangers
`

// strangers ask, guess and forge: one who is excluded, an executive nobody told, a guest.
const strangers = `
mallory types '/incident status INC-0001' in general
mallory types '/incident list all' in general
mallory types '/incident timeline INC-0001' in general
mallory types '/incident join INC-0001' in general
mallory types '/incident INC-0001 note i guess' in general
mallory types '/incident merge INC-0001 into INC-0002' in general
mallory types '/incident related INC-0001' in general
mallory types '/postmortem show INC-0001' in general
mallory mentions tocsin 'status INC-0001' in general
mallory mentions tocsin 'INC-0001 catchup' in general
mallory opens home
erin types '/incident status' in general
erin types '/incident list' in general
erin types '/incident INC-0001 contacts' in general
erin types '/incident INC-0001 scope' in general
erin types '/incident INC-0001 exclude @alice' in general
erin mentions tocsin 'INC-0001 plan show' in general
erin opens home
gus types '/incident status INC-0001' in general
gus mentions tocsin 'status INC-0001' in general
gus opens home
somebody posts 'command=%2Fincident&text=status+INC-0001&user_id=U0ALICE01&team_id=T0SANDBOX&channel_id=C1&trigger_id=9.1' to /slack/command forged
somebody posts 'command=%2Fincident&text=status+INC-0001&user_id=U0ALICE01&team_id=T0ELSEWHERE&channel_id=C1&trigger_id=9.2' to /slack/command signed
all is quiet
`

// A word of a confidential incident reaches its room and those brought in, and nobody
// else, whatever breaks on the way: not another channel, a vendor, a log, a graph, an
// outsider's question, nor the database file in the clear.
func TestNoWordOfAConfidentialIncidentGetsOut(t *testing.T) {
	for visibility, repo := range map[string]string{
		"private": "acme/security-incidents", "public": "acme/website", "internal": "acme/everybody",
	} {
		t.Run(visibility, func(t *testing.T) {
			t.Parallel()
			published := "channel inc-0001* has message 'not published'"
			if visibility == "private" {
				published = "channel inc-0001* has message 'The post-mortem is published'"
			}
			b := newBank(t, repo)
			b.play(strings.NewReplacer("published\n", published+"\n", "strangers\n", strangers).Replace(aWholeLife))
			b.search()
		})
	}
}

// bank is a world with a wire tapped on every side of Tocsin.
type bank struct {
	t     *testing.T
	world *sandbox.World
	tap   *tap
	url   string // of Tocsin itself
	db    string
	log   strings.Builder
	stop  func()
}

func newBank(t *testing.T, repo string) *bank {
	b := &bank{t: t, tap: newTap(t), db: filepath.Join(t.TempDir(), "tocsin.db")}
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: &b.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	time1 := clock.NewFast(time.Now(), 10)
	people := append(sandbox.People(), sandbox.Persona{Name: "zelda", RealName: "Zelda Quixotic", Title: "Guard", Email: "quixotic@example.com",
		Zone: "Europe/Berlin", Slack: "U0ZELDA01"})
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: time1, HTTPMode: true, NoRateLimits: true, People: people})
	b.must(err)
	b.world = w
	t.Cleanup(w.Close)
	b.must(w.GitHub.AddRepo(github.Repo{Name: "acme/everybody", Internal: true, Push: []string{"tocsin-bot", "alice"}}))
	slackURL := b.tap.outward("slack", strings.TrimSuffix(w.SlackURL, "/api/"))
	w.Slack.SetBaseURL(slackURL)
	pager := b.tap.outward("pagerduty", w.PagerDutyURL)
	c := config.Config{
		Workspace: "demo", Database: b.db, LogLevel: "debug",
		Slack: config.Slack{URL: slackURL + "/api/", BotToken: config.NewSecret(w.BotToken), SigningSecret: config.NewSecret(w.SigningSecret)},
		PagerDuty: config.PagerDuty{Token: config.NewSecret(w.PagerDutyToken), From: w.From, Service: sandbox.ServicePrimary, Keys: map[string]config.Secret{},
			WebhookSecrets: []config.Secret{config.NewSecret(w.WebhookSecret)}, URL: pager, EventsURL: pager},
		GitHub: config.GitHub{Token: config.NewSecret(w.GitHubToken), URL: b.tap.outward("github", strings.TrimSuffix(w.GitHubURL, "/")) + "/",
			WebhookSecret: config.NewSecret(w.WebhookSecret)},
	}
	for name, key := range w.RoutingKeys {
		c.PagerDuty.Keys[name] = config.NewSecret(key)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.New(ctx, c, app.Parts{Clock: time1, Plan: publishing(t, repo), Log: log})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	b.url = "http://" + l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	b.stop = func() {
		cancel()
		b.must(<-done)
		a.Close()
	}
	door := b.tap.inward(b.url)
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", URL: door})
	b.must(err)
	b.must(w.Install(manifest))
	b.must(w.Connect(door))
	return b
}

// publishing is the demo's plan with another repository for post-mortems.
func publishing(t *testing.T, repo string) fs.FS {
	out := fstest.MapFS{}
	plan := templates.DemoPlan()
	err := fs.WalkDir(plan, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(plan, path)
		out[path] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(text), "acme/security-incidents", repo))}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bank) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bank) play(script string) {
	b.t.Helper()
	s, err := story.Parse("a whole life", []byte("# A whole life.\n"+script))
	b.must(err)
	ctx, cancel := context.WithTimeout(b.t.Context(), 4*time.Minute)
	defer cancel()
	p := &story.Player{World: b.world, Story: s, Patience: 30 * time.Second, Quiet: 700 * time.Millisecond}
	if testing.Verbose() {
		p.Observer = func(step story.Step, took time.Duration) {
			b.t.Logf("%3d %8s  %s", step.Line, took.Round(time.Millisecond), step.Text)
		}
	}
	b.must(p.Run(ctx))
}

var marker = regexp.MustCompile(`zqx[a-z]{4,}|AKIAZQX\w+|(?i:quixotic)|(?i:mallory moss)`)

// search looks at all that came out of Tocsin.
func (b *bank) search() {
	room := ""
	for _, c := range b.world.Slack.View("U0ALICE01", slack.ViewOptions{}).Channels {
		if strings.HasPrefix(c.Name, "inc-0001") {
			room = c.ID
		}
	}
	if room == "" {
		b.t.Fatal("the room is gone")
	}
	said := b.tap.all()
	kinds, inside, heard := map[string]int{}, 0, map[string]bool{}
	for _, u := range said {
		kinds[strings.Fields(u.What)[0]]++
		found := marker.FindAllString(u.Text, -1)
		if len(found) == 0 {
			continue
		}
		u = b.named(u)
		if u.mayCarry(room, []string{"U0ALICE01", "U0BOB0001", "U0CAROL01", "U0ZELDA01"}) {
			inside++
			for _, word := range found {
				heard[strings.ToLower(word)] = true
			}
			if u.Person == "U0ZELDA01" && strings.Contains(u.Text, "zqxlate") {
				b.t.Errorf("%s tells Zelda what was said after she was excluded", u.What)
			}
			continue
		}
		b.t.Errorf("%s (channel %q, person %q) carries %q:\n%.1500s", u.What, u.Channel, u.Person, found, u.Text)
	}
	if kinds["slack"] < 50 || kinds["pagerduty"] < 3 || kinds["github"] < 2 || kinds["answer"] < 50 || inside < 30 {
		b.t.Errorf("too little was said for a whole life: %v, %d with markers", kinds, inside)
	}
	for _, planted := range marker.FindAllString(aWholeLife, -1) {
		if !heard[strings.ToLower(planted)] {
			b.t.Errorf("%q was planted and never said in the room: it proves nothing", planted)
		}
	}
	b.searchGraphs()
	b.stop() // the database is looked at with its write-ahead log and, now, without
	b.searchText("the log", b.log.String())
	b.searchDatabase()
}

// searchGraphs asks what anybody on the network may ask.
func (b *bank) searchGraphs() {
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/", "/slack/command", "/github/webhook"} {
		resp, err := http.Get(b.url + path) //nolint:noctx // loopback
		b.must(err)
		text, err := io.ReadAll(resp.Body)
		b.must(err)
		_ = resp.Body.Close()
		b.searchText(path, fmt.Sprint(resp.Header)+string(text))
	}
	b.searchDatabase()
}

// searchDatabase reads everything that stands beside the database, too.
func (b *bank) searchDatabase() {
	b.t.Helper()
	if _, err := os.Stat(b.db); err != nil {
		b.t.Error(err)
	}
	b.must(filepath.WalkDir(filepath.Dir(b.db), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // put away meanwhile
		}
		b.searchText(path, string(text))
		return err
	}))
}

func (b *bank) searchText(where, text string) {
	b.t.Helper()
	for _, at := range marker.FindAllStringIndex(text, 5) {
		b.t.Errorf("%s has %q: …%q…", where, text[at[0]:at[1]], text[max(0, at[0]-120):min(len(text), at[1]+120)])
	}
}

// named gives the person of a direct message for its channel.
func (b *bank) named(u uttered) uttered {
	for _, p := range b.world.People {
		bot, _ := b.world.Slack.BotUser()
		if u.Channel != "" && b.world.Slack.DM(p.Slack, bot) == u.Channel {
			u.Person = p.Slack
		}
	}
	return u
}
