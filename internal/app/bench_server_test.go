package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/templates"
)

// A server in a process of its own, so that its memory is its own.

// serverEnv turns the test binary into that server.
const serverEnv = "TOCSIN_BENCH_SERVER"

// serverOrders are what the server is told.
type serverOrders struct {
	Database string
	Listen   string
	Profile  string // file for its CPU profile; "": none

	Slack, PagerDuty, GitHub string // base URLs; "": nobody is there

	BotToken, SigningSecret, PagerDutyToken, From, GitHubToken, WebhookSecret string

	Keys map[string]string
}

// inWorld fills in a sandbox's addresses and credentials.
func (o serverOrders) inWorld(w *sandbox.World) serverOrders {
	o.Slack, o.PagerDuty, o.GitHub = w.SlackURL, w.PagerDutyURL, w.GitHubURL
	o.BotToken, o.SigningSecret, o.PagerDutyToken, o.From = w.BotToken, w.SigningSecret, w.PagerDutyToken, w.From
	o.GitHubToken, o.WebhookSecret, o.Keys = w.GitHubToken, w.WebhookSecret, w.RoutingKeys
	return o
}

func (o serverOrders) config() config.Config {
	c := config.Config{
		Workspace: benchWorkspace, Database: o.Database, Key: config.NewSecret(strings.Repeat("5a", 32)), LogLevel: "warn",
		Slack: config.Slack{URL: o.Slack, BotToken: config.NewSecret(o.BotToken), SigningSecret: config.NewSecret(o.SigningSecret)},
		PagerDuty: config.PagerDuty{Token: config.NewSecret(o.PagerDutyToken), From: o.From, Service: sandbox.ServicePrimary,
			Keys: map[string]config.Secret{}, WebhookSecrets: []config.Secret{config.NewSecret(o.WebhookSecret)}, URL: o.PagerDuty, EventsURL: o.PagerDuty},
		GitHub: config.GitHub{Token: config.NewSecret(o.GitHubToken), URL: o.GitHub, WebhookSecret: config.NewSecret(o.WebhookSecret)},
	}
	for name, key := range o.Keys {
		c.PagerDuty.Keys[name] = config.NewSecret(key)
	}
	return c
}

// TestBenchServer is no test: it serves until its input ends, when a bench starts it.
func TestBenchServer(t *testing.T) {
	if os.Getenv(serverEnv) == "" {
		t.Skip("it is the server of the benches, which start it")
	}
	var o serverOrders
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		t.Fatal(err)
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			t.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(ctx, o.config(), Parts{Plan: templates.DemoPlan(), Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Serve(ctx, listener); err != nil {
		t.Fatal(err)
	}
	if o.Profile != "" {
		if f, err := os.Create(strings.Replace(o.Profile, "cpu", "heap", 1)); err == nil {
			_ = pprof.WriteHeapProfile(f)
			_ = f.Close()
		}
	}
}

// server is one that was started.
type server struct {
	url string
	cmd *exec.Cmd
	in  io.Closer
	log *os.File
}

func startServer(b *testing.B, o serverOrders) *server {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	o.Listen = l.Addr().String()
	_ = l.Close()
	nobody := "http://127.0.0.1:9/"
	for _, at := range []*string{&o.Slack, &o.PagerDuty, &o.GitHub} {
		if *at == "" {
			*at = nobody
		}
	}
	for _, secret := range []*string{&o.BotToken, &o.SigningSecret} {
		if *secret == "" {
			*secret = "xoxb-nobody"
		}
	}
	log, err := os.Create(filepath.Join(b.TempDir(), "server.log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s := &server{url: "http://" + o.Listen, cmd: cmd, in: in, log: log}
	if err := json.NewEncoder(in).Encode(o); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *server) stop(b *testing.B) {
	b.Helper()
	_ = s.in.Close()
	err := s.cmd.Wait()
	said, _ := os.ReadFile(s.log.Name())
	_ = s.log.Close()
	if err != nil {
		b.Errorf("the server ended with %v: %s", err, said)
	}
}

// complaints are the first lines of what the server warned of.
func (s *server) complaints() string {
	f, err := os.Open(s.log.Name())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	in, n, first := bufio.NewScanner(f), 0, ""
	for in.Scan() {
		if n++; n <= 5 {
			first += in.Text() + "\n"
		}
	}
	return fmt.Sprintf("%d lines, among them:\n%s", n, first)
}

// memory is the peak of what the process held of the machine, in bytes, as Linux
// counts it; 0 elsewhere.
func (s *server) memory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kb << 10
}

func (s *server) worked() time.Duration { return worked(s.cmd.Process.Pid) }

// worked is how long a process has used a processor, as Linux counts it; 0 elsewhere.
func worked(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name may hold spaces
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	const tick = 10 * time.Millisecond // proc(5): fields 14 and 15, in hundredths of a second
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}
