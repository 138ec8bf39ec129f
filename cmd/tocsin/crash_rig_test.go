package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
)

// crashFactor is how much faster than real time a crash run lives: the app's own
// budgets (a message a second in a room) must not be what the run waits for.
const crashFactor = 30

// rig is a world in this process and one Tocsin in another, which is killed.
type rig struct {
	t      *testing.T
	world  *sandbox.World
	clock  *clock.Fast
	strike func(boundary) blow // called with mu held

	// thorough plays what needs the vendors' rarer methods, too.
	thorough bool

	orders  orders
	door    *httptest.Server
	outside map[string]*httptest.Server // by vendor
	log     *os.File
	calls   *http.Client
	pending atomic.Int64 // deliveries to the app that are not acknowledged yet
	flying  atomic.Int64 // calls of the app that are not answered yet

	startTook atomic.Int64 // nanoseconds from the orders to the first word, the last time

	timeline []string          // as check read it
	toBeSaid map[string]string // bodies of what counts as said, by effect

	// calling is held for reading by whoever carries a call out, so that no call of
	// a dead process is carried out once the next one lives.
	calling sync.RWMutex

	// mu guards everything that follows.
	mu     sync.Mutex
	tally  map[string]int // by kind of boundary
	spared []string

	heir  chan heir                    // the one that is ready to take over; always one, or one on its way
	early func() (time.Duration, bool) // whether, and after how long, to kill one that is still starting; may be nil

	// life guards everything that follows.
	life       sync.Mutex
	generation atomic.Int64
	victim     *victim
	closed     bool
	kills      int
}

func newRig(t *testing.T, strike func(boundary) blow, commits bool) *rig {
	t.Helper()
	dir := crashDir(t)
	r := &rig{t: t, heir: make(chan heir, 1), clock: clock.NewFast(time.Now(), crashFactor), strike: strike,
		outside: map[string]*httptest.Server{}, tally: map[string]int{}, toBeSaid: map[string]string{},
		calls: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	var err error
	if r.log, err = os.Create(filepath.Join(dir, "victim.log")); err != nil {
		t.Fatal(err)
	}
	w, err := sandbox.Start(t.Context(), sandbox.Options{Clock: r.clock, HTTPMode: true, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	r.world = w
	for vendor, to := range map[string]string{"slack": w.SlackURL, "pagerduty": w.PagerDutyURL, "github": w.GitHubURL} {
		base := "http://" + strings.Split(strings.TrimPrefix(to, "http://"), "/")[0]
		r.outside[vendor] = httptest.NewServer(r.outward(vendor, base))
	}
	w.Slack.SetBaseURL(r.outside["slack"].URL)
	r.door = httptest.NewServer(http.HandlerFunc(r.inward))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.orders = orders{Factor: crashFactor, Database: filepath.Join(dir, "tocsin.db"), Listen: l.Addr().String(),
		BotToken: w.BotToken, SigningSecret: w.SigningSecret, PagerDutyToken: w.PagerDutyToken, From: w.From,
		GitHubToken: w.GitHubToken, WebhookSecret: w.WebhookSecret, Keys: w.RoutingKeys, Commits: commits}
	_ = l.Close()
	t.Cleanup(r.close)
	go r.rear()
	r.life.Lock()
	err = r.begin()
	r.life.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", URL: r.door.URL})
	if err == nil {
		err = errors.Join(w.Install(manifest), w.Connect(r.door.URL))
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) close() {
	r.life.Lock()
	r.closed = true
	if r.victim != nil {
		r.victim.end()
	}
	r.victim = nil
	if next := <-r.heir; next.err == nil {
		next.end()
	}
	r.life.Unlock()
	r.world.Close()
	r.door.CloseClientConnections()
	for _, s := range r.outside {
		s.CloseClientConnections()
		s.Close()
	}
	r.door.Close()
	_ = r.log.Close()
}
