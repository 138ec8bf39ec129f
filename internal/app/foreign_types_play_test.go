package app

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
)

// typedStories are played for what is said between Tocsin and Slack in them, the longest
// first. Together they have nearly every shape of payload that all stories have.
var typedStories = []string{
	"drill_scenario", "attack_foreign", "evidence", "secret_posted", "contain_takeover", "pager_form", "declare_form", "whole_incident", "declare_shortcut",
	"contain_form", "postmortem_private", "contain_command_line", "signals_declare", "mention", "update", "attack_room_deleted",
	"note_timeline", "capture_room", "postmortem_items", "role_handover", "join_observe", "contain_okta", "capture_redact", "postmortem_form",
	"sev", "phase_tasks", "signals_hunt", "slack_limits", "pushpin", "exclude", "home", "task_owner",
}

// typedAtOnce is how many stories are played at a time: they wait more than they work.
const typedAtOnce = 8

// playTyped plays the stories and returns what Slack and Tocsin said to each other.
func playTyped(t *testing.T) []specimen {
	t.Helper()
	var mu sync.Mutex
	var out []specimen
	var all sync.WaitGroup
	free := make(chan struct{}, typedAtOnce)
	for _, name := range typedStories {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			t.Run(name, func(t *testing.T) {
				said := between(t, name)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, said...)
			})
		})
	}
	all.Wait()
	return out
}

// between plays one story with a wire on either side of Tocsin.
func between(t *testing.T, name string) []specimen {
	t.Helper()
	file := filepath.Join("..", "..", "cmd", "tocsin", "testdata", "script", name+".txtar")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := story.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	d, web, door := wiredDemo(ctx, t)
	if err := d.Play(ctx, s, nil); err != nil {
		t.Fatal(err)
	}
	return specimens(name, web.all(), door.all())
}

// opening lets one demo open at a time: the port for its sensors is free when it is asked
// for, and must still be when it is listened on.
var opening sync.Mutex

// wiredDemo is a demo in which Slack delivers by HTTP, with a wire to Slack and one
// from it.
func wiredDemo(ctx context.Context, t *testing.T) (d *Demo, web, door *wire) {
	t.Helper()
	d = &Demo{ctx: ctx, hosts: map[string]*demoHost{}, Clock: clock.NewFast(time.Now(), 1), remove: t.TempDir(),
		running: []*replica{{address: "127.0.0.1:0"}}}
	d.options = DemoOptions{HTTPMode: true, Patience: 30 * time.Second, Database: filepath.Join(d.remove, "tocsin.db")}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	opening.Lock()
	defer opening.Unlock()
	var err error
	d.World, err = sandbox.Start(ctx, sandbox.Options{Clock: d.Clock, HTTPMode: true})
	must(err)
	web = lay(t, &wire{to: strings.TrimSuffix(d.World.SlackURL, "/api/")})
	d.World.SlackURL = web.URL + "/api/"
	d.World.Slack.SetBaseURL(web.URL)
	d.config = d.configure()
	must(d.Begin())
	door = lay(t, &wire{to: d.URL})
	must(d.install())
	must(d.World.Connect(door.URL))
	eventually(t, "hosts can connect", func() bool {
		conn, err := net.Dial("tcp", d.running[0].sensors)
		return err == nil && conn.Close() == nil
	})
	return d, web, door
}
