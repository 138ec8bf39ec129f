package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// Every story is played in a world of its own. -run 'TestStories/ack$' plays one;
// with -v every step is printed as it comes true.
func TestStories(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			playStory(t, f, data, app.DemoOptions{})
		})
	}
}

// Two replicas on PostgreSQL and Redis play the same stories.
func TestStoriesOnTwoReplicas(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	redis := storetest.Redis(t)
	// How often a rule found something is added up by replicas every 15 s; this story looks at once.
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "signals_unusual.txtar" })
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			playStory(t, f, data, app.DemoOptions{Database: storetest.Postgres(t), Redis: redis, Replicas: 2})
		})
	}
}

// Losing Redis in the middle costs speed and nothing else.
func TestLosingRedis(t *testing.T) {
	redis := storetest.StartRedis(t)
	data, err := os.ReadFile(filepath.Join("testdata", "script", "whole_incident.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		time.Sleep(300 * time.Millisecond) // somewhere in the middle
		redis.Stop()
	}()
	playStory(t, "whole_incident.txtar", data, app.DemoOptions{Database: storetest.Postgres(t), Redis: redis.URL, Replicas: 2})
	<-stopped
}

// The stories that are shipped come true too.
func TestShippedStories(t *testing.T) {
	all, err := stories()
	if err != nil || len(all) < 2 {
		t.Fatal(len(all), err)
	}
	for _, s := range all {
		t.Run(name(s), func(t *testing.T) {
			t.Parallel()
			play(t, s, app.DemoOptions{})
		})
	}
}

func playStory(t *testing.T, file string, data []byte, o app.DemoOptions) {
	t.Helper()
	s, err := story.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	// A story says on a line of its own prose that Slack is to send HTTP requests.
	o.HTTPMode = o.HTTPMode || strings.Contains(s.Prose, "Slack sends signed HTTP requests.")
	play(t, s, o)
}

func play(t *testing.T, s *story.Story, o app.DemoOptions) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	o.Patience = 30 * time.Second // tests share their cores with others
	var log strings.Builder
	o.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := app.StartDemo(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Play(ctx, s, func(step story.Step, took string) {
		if testing.Verbose() {
			t.Logf("%3d %8s  %s", step.Line, took, step.Text)
		}
	})
	if err != nil && testing.Verbose() {
		timeline, _ := d.Timeline(ctx)
		t.Log(timeline)
	}
	if closed := d.Close(); closed != nil {
		t.Error("close:", closed)
	}
	if err != nil {
		if testing.Verbose() {
			t.Log(log.String())
		}
		t.Fatal(err)
	}
}
