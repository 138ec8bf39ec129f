package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// victimEnv turns the test binary into the server that is killed.
const victimEnv = "TOCSIN_CRASH_VICTIM"

// victimKey wraps the texts of a sandbox that holds nothing.
const victimKey = "5a"

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		if err := beVictim(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(holderEnv); path != "" {
		if err := beHolder(path, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// orders are what a server that will be killed is told.
type orders struct {
	Start    time.Time
	Factor   float64
	Database string
	Listen   string

	Slack, PagerDuty, GitHub string // base URLs

	BotToken, SigningSecret, PagerDutyToken, From, GitHubToken, WebhookSecret string

	Keys map[string]string

	// Commits has the server offer itself after the first commit of every kind of
	// command that is not Spared.
	Commits bool
	Spared  []string
}

// config is the configuration an operator would write.
func (o orders) config() config.Config {
	c := config.Config{
		Workspace: "crash", Database: o.Database, Key: config.NewSecret(strings.Repeat(victimKey, 32)), LogLevel: "info",
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

// beVictim serves until it is killed, or until whoever started it is gone. It takes
// lines on stdin: first its orders; then "advance <duration>" moves the clock, and
// "owing" asks what is owed.
func beVictim(from io.Reader) error {
	in := bufio.NewScanner(from)
	_, _ = fmt.Println("waiting")
	if !in.Scan() {
		return nil // nobody died before the test was over
	}
	var o orders
	if err := json.Unmarshal(in.Bytes(), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	now := clock.NewFast(o.Start, o.Factor)
	said := &lockedWriter{w: os.Stdout}
	log := slog.New(&offering{orders: o, said: said, Handler: slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})})
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a, err := app.New(ctx, o.config(), app.Parts{Clock: now, Plan: templates.DemoPlan(), Log: log})
	if err != nil {
		return err
	}
	db, err := openVictim(ctx, o.Database)
	if err != nil {
		return err
	}
	go func() {
		defer cancel()
		for in.Scan() {
			what, arg, _ := strings.Cut(in.Text(), " ")
			switch what {
			case "advance":
				d, _ := time.ParseDuration(arg) // zero moves nothing
				now.Advance(d)
				_, _ = fmt.Fprintln(said, "advanced")
			case "owing":
				owing, err := db.Owing(ctx, now.Now())
				n := int64(0)
				for _, k := range owing {
					n += k.Due + k.Queued
				}
				if err != nil {
					n = -1
				}
				_, _ = fmt.Fprintln(said, "owing", n)
			}
		}
	}()
	_, _ = fmt.Fprintln(said, "ready")
	return a.Serve(ctx, listener)
}

// openVictim opens the database of a victim beside it.
func openVictim(ctx context.Context, path string) (*store.DB, error) {
	return store.Open(ctx, path, "crash", store.Options{Key: slices.Repeat([]byte{0x5a}, 32)})
}

// offering is a log that offers the process for killing right after a commit: the
// engine says "command" once the commit is done and before anything follows from it.
type offering struct {
	slog.Handler
	orders orders
	said   *lockedWriter

	// mu guards everything that follows.
	mu   sync.Mutex
	seen []string
}

// Handle offers and then never returns, as nothing may follow the commit.
func (h *offering) Handle(ctx context.Context, r slog.Record) error {
	if h.orders.Commits && r.Message == "command" {
		kind := ""
		failed := false
		r.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "kind":
				kind = a.Value.String()
			case "error":
				failed = a.Value.Any() != nil
			}
			return true
		})
		h.mu.Lock()
		fresh := !failed && !slices.Contains(h.orders.Spared, kind) && !slices.Contains(h.seen, kind)
		h.seen = append(h.seen, kind)
		h.mu.Unlock()
		if fresh {
			_, _ = fmt.Fprintln(h.said, "offer", kind)
			select {}
		}
	}
	return h.Handler.Handle(ctx, r)
}
