//go:build !solo

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/emulation"
)

const (
	watched = "web-9"
	alice   = "U0ALICE01"
)

// patience is for what a busy machine is slow at.
const patience = 90 * time.Second

// battlefield is Tocsin in its sandbox, a room about a host, and the real sensor as that host.
type battlefield struct {
	demo  *app.Demo
	rules *sigma.Set
	room  string // the channel
	book  string // the sensor's accounts, a file
	lost  uint64 // when it was last looked up there

	mu   sync.Mutex // guards seen
	seen []fleet.Seen
}

// watchedBattlefield starts everything; the test is skipped where the kernel cannot be watched.
func watchedBattlefield(t *testing.T) *battlefield {
	t.Helper()
	need(t, os.Geteuid() == 0, "watching takes root")
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	b := &battlefield{}
	b.rules, _ = sigma.Compile(files, sigma.Options{})
	if b.demo, err = app.StartDemo(t.Context(), app.DemoOptions{Speed: 5, NoRateLimits: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.demo.Close(); err != nil {
			t.Error(err)
		}
	})
	b.openRoom(t)
	signals, err := b.demo.Signals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := range signals {
			b.mu.Lock()
			b.seen = append(b.seen, s)
			b.mu.Unlock()
		}
	}()
	b.startSensor(t)
	return b
}

// openRoom declares an incident about the host, so that all that is seen there is told in one place.
func (b *battlefield) openRoom(t *testing.T) {
	t.Helper()
	w := b.demo.World.Slack
	if err := w.Slash(t.Context(), alice, "#general", "/incident declare p3 somebody is on "+watched); err != nil {
		t.Fatal(err)
	}
	comesTrue(t, "a room", func() bool {
		for _, c := range w.View(alice, slack.ViewOptions{}).Channels {
			if strings.HasPrefix(c.Name, "inc-0001") && len(c.Pins) > 0 {
				b.room = c.ID
			}
		}
		return b.room != ""
	})
	if err := w.Slash(t.Context(), alice, b.room, "/incident scope host "+watched+" confirmed"); err != nil {
		t.Fatal(err)
	}
	comesTrue(t, "the incident is about the host", func() bool { return strings.Contains(b.said(), "Host confirmed: "+watched) })
}

// startSensor enrols this machine under the host's name and runs the program.
func (b *battlefield) startSensor(t *testing.T) {
	t.Helper()
	state := t.TempDir()
	b.book = filepath.Join(state, "accounts.json")
	server, token, err := b.demo.SensorToken(t.Context(), watched)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(state, "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said(t, "enroll", "--server", server, "--token", file, "--host", watched, "--state", state)
	cmd := process(t.Context(), "run", "--server", "--state", state, "--watch-only", "--limits", filepath.Join(state, "none"), "--accounts", b.book, "--health", "1s")
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { <-ended; cancel() }()
	if err := b.demo.SensorReady(ctx, watched); err != nil {
		select {
		case <-ended:
			need(t, false, "the sensor cannot watch here: "+log.String())
		default:
			t.Fatal(err)
		}
	}
}

// said is all that is in the room, as the chat client has it.
func (b *battlefield) said() string {
	text, _ := json.Marshal(b.demo.World.Slack.View(alice, slack.ViewOptions{Channel: b.room}).Messages)
	return string(text)
}

// all lists the signals of this machine, whoever raised them.
func (b *battlefield) all() []fleet.Seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

// of lists the signals of a group of processes.
func (b *battlefield) of(cgroup uint64) (list []fleet.Seen) {
	for _, s := range b.all() {
		if s.Event.Container.Cgroup == cgroup {
			list = append(list, s)
		}
	}
	return list
}

// Techniques of ATT&CK are carried out on this machine. The sensor's programs in its kernel see each, a rule of ours
// names it, and it is told in the room of the incident with its number.
func TestTechniquesEndInTheRoom(t *testing.T) {
	b := watchedBattlefield(t)
	all := emulation.Techniques()
	ids := map[string]bool{}
	var carried []string // fewer than all when only some are asked for
	for _, x := range all {
		ids[x.ID] = true
		t.Run(x.ID, func(t *testing.T) {
			b.carryOut(t, x)
			carried = append(carried, x.ID)
		})
	}
	if len(ids) != len(all) || len(ids) < 30 {
		t.Fatalf("%d techniques in %d rows", len(ids), len(all))
	}
	for _, id := range carried {
		if !t.Failed() {
			comesTrue(t, id+" is in the room", func() bool { return b.tells(id) })
		}
	}
}

// carryOut does it, and waits until the rule has named what the processes of just this did. It is done again only when the
// sensor says that it lost something: the machine does other things as well, and may do too many.
func (b *battlefield) carryOut(t *testing.T, x emulation.Technique) {
	for !b.named(t, x) {
		_, lost := sums(b.accounts(t))
		if lost == b.lost {
			t.Fatalf("%s is not seen as %s, and nothing was lost", x.Does, x.Rule)
		}
		t.Logf("once more: %d events were lost", lost-b.lost)
		b.lost = lost
	}
}

func (b *battlefield) named(t *testing.T, x emulation.Technique) bool {
	group, id := cgroup(t, x.ID)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := emulation.Run(ctx, x, group, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < patience/2; time.Sleep(10 * time.Millisecond) {
		if slices.ContainsFunc(b.of(id), func(s fleet.Seen) bool { return slices.Contains(s.Event.Rules(), "sigma/"+x.Rule) }) {
			return true
		}
	}
	for _, s := range b.of(id) {
		t.Log(line(&s.Event, false), s.Event.Rules())
	}
	return false
}

// tells says whether a message of the room has the technique, beside what was seen of it.
func (b *battlefield) tells(technique string) bool {
	var titles []string
	for _, s := range b.all() {
		for _, name := range s.Event.Rules() {
			if r, ok := b.rules.Find(strings.TrimPrefix(name, "sigma/")); ok && slices.Contains(r.Techniques(), technique) {
				titles = append(titles, r.Title)
			}
		}
	}
	for _, m := range b.demo.World.Slack.View(alice, slack.ViewOptions{Channel: b.room}).Messages {
		text := m.Text + string(m.Blocks)
		if strings.Contains(text, technique) && slices.ContainsFunc(titles, func(title string) bool { return strings.Contains(text, title) }) {
			return true
		}
	}
	return false
}

// cgroup makes a group that goes with the test.
func cgroup(t *testing.T, name string) (dir string, id uint64) {
	t.Helper()
	dir, id, err := emulation.Cgroup(fmt.Sprintf("tocsin-test-%d-%s", os.Getpid(), name))
	need(t, err == nil, fmt.Sprint("no cgroup can be made: ", err))
	t.Cleanup(func() {
		for range 200 { // its last process may be ending
			if err = os.Remove(dir); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir, id
}
