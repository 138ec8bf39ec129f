package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/engine"
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

	orders  orders
	door    *httptest.Server
	outside map[string]*httptest.Server // by vendor
	log     *os.File
	calls   *http.Client
	pending atomic.Int64 // deliveries to the app that are not acknowledged yet

	timeline []string // as check read it

	// calling is held for reading by whoever carries a call out, so that no call of
	// a dead process is carried out once the next one lives.
	calling sync.RWMutex

	// mu guards everything that follows.
	mu     sync.Mutex
	tally  map[string]int // by kind of boundary
	spared []string

	// life guards everything that follows.
	life       sync.Mutex
	generation atomic.Int64
	victim     *victim
	closed     bool
	kills      int
}

// victim is one life of the process.
type victim struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	said chan string // answers
	gone chan struct{}
}

func newRig(t *testing.T, strike func(boundary) blow, commits bool) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, clock: clock.NewFast(time.Now(), crashFactor), strike: strike,
		outside: map[string]*httptest.Server{}, tally: map[string]int{},
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
		_ = r.victim.cmd.Process.Kill()
		<-r.victim.gone
	}
	r.victim = nil
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

// begin starts the process; life is held.
func (r *rig) begin() error {
	n := strconv.FormatInt(r.generation.Add(1), 10)
	o := r.orders
	o.Start = r.clock.Now()
	o.Slack, o.PagerDuty, o.GitHub = r.outside["slack"].URL+"/g"+n+"/api/", r.outside["pagerduty"].URL+"/g"+n, r.outside["github"].URL+"/g"+n+"/"
	r.mu.Lock()
	o.Spared = append([]string{}, r.spared...)
	r.mu.Unlock()
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+string(text))
	cmd.Stderr = r.log
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	v := &victim{cmd: cmd, in: in, said: make(chan string, 16), gone: make(chan struct{})}
	r.victim = v
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if kind, ok := strings.CutPrefix(lines.Text(), "offer "); ok {
				r.mu.Lock()
				r.spared = append(r.spared, kind)
				r.tally["after the commit of "+kind]++
				r.mu.Unlock()
				go r.kill(v)
				continue
			}
			select {
			case v.said <- lines.Text():
			default:
			}
		}
		_ = cmd.Wait()
		close(v.gone)
	}()
	select {
	case said := <-v.said:
		if said == "ready" {
			return nil
		}
	case <-v.gone:
	case <-time.After(30 * time.Second):
	}
	_ = cmd.Process.Kill()
	return errors.New("Tocsin did not start again")
}

// kill ends the life of v with SIGKILL, lets the leases of the dead run out and
// starts the next. A life that ended already is left alone.
func (r *rig) kill(v *victim) {
	r.life.Lock()
	defer r.life.Unlock()
	if r.victim != v || r.closed {
		return
	}
	r.generation.Add(1) // what the dead one still has on the wire is not carried out
	_ = v.cmd.Process.Kill()
	<-v.gone
	r.calling.Lock()
	r.calling.Unlock() //nolint:staticcheck // waited for what is being carried out
	r.kills++
	r.clock.Advance(engine.Lease + time.Second)
	if err := r.begin(); err != nil {
		r.t.Error(err)
		r.closed = true
	}
}

// killed is how often it was killed and started again.
func (r *rig) killed() int {
	r.life.Lock()
	defer r.life.Unlock()
	return r.kills
}

func (r *rig) living() *victim {
	r.life.Lock()
	defer r.life.Unlock()
	return r.victim
}

// tell says a line to the process and returns its answer; "" when it died meanwhile.
func (r *rig) tell(line string) string {
	v := r.living()
	if _, err := fmt.Fprintln(v.in, line); err != nil {
		return ""
	}
	select {
	case said := <-v.said:
		return said
	case <-v.gone:
	case <-time.After(20 * time.Second):
	}
	return ""
}

// advance moves the clock of the world and of the process.
func (r *rig) advance(d time.Duration) {
	r.life.Lock()
	defer r.life.Unlock()
	r.clock.Advance(d)
	_, _ = fmt.Fprintln(r.victim.in, "advance "+d.String())
	select {
	case <-r.victim.said:
	case <-r.victim.gone:
	case <-time.After(5 * time.Second):
	}
}
