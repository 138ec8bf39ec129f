package app

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// here is what this machine is called in a story.
const here = "this-machine"

// hostHooks are the steps of a story that hosts with a sensor take.
func (d *Demo) hostHooks() map[string]story.Hook {
	return map[string]story.Hook{
		"sensor starts": func(ctx context.Context, args []string) error { return d.joinNamed(ctx, args[0], false) },
		"sensor obeys":  func(ctx context.Context, args []string) error { return d.joinNamed(ctx, args[0], true) },
		"sensor stops": func(_ context.Context, args []string) error {
			h, err := d.host(args[0])
			if err == nil {
				h.leave()
				delete(d.hosts, args[0])
			}
			return err
		},
		"sensor tells": func(ctx context.Context, args []string) error {
			h, err := d.host(args[1])
			if err != nil {
				return err
			}
			e, err := told(args[0])
			if err != nil {
				return err
			}
			if d.App() != nil {
				ready, cancel := context.WithTimeout(ctx, 30*time.Second)
				defer cancel()
				if err := d.SensorReady(ready, h.name); err != nil {
					return err
				}
			}
			if err := h.feed(ctx, e); err != nil || d.App() == nil {
				return err
			}
			return h.sent(ctx)
		},
		"recording starts": func(ctx context.Context, _ []string) error { return d.replay(ctx) },
		"machine joins":    func(ctx context.Context, _ []string) error { return d.joinHere(ctx) },
		"machine runs":     func(ctx context.Context, args []string) error { return d.runHere(ctx, strings.Fields(args[0])) },
	}
}

func (d *Demo) joinNamed(ctx context.Context, name string, obeys bool) error {
	h, err := d.join(ctx, name, false, obeys)
	if err == nil {
		d.hosts[name] = h
	}
	return err
}

func (d *Demo) host(name string) (*demoHost, error) {
	if h := d.hosts[name]; h != nil {
		return h, nil
	}
	return nil, fmt.Errorf("no host %s has joined", name)
}

// told is the event that a step tells of.
func told(text string) (event.Event, error) {
	address, ok := strings.CutPrefix(text, "→")
	if !ok {
		return started(strings.Fields(text)), nil
	}
	to, err := netip.ParseAddrPort(strings.TrimSpace(address))
	return event.Event{Kind: event.Connect, Process: event.Process{Key: event.Key{PID: 4711}, Exe: "/usr/bin/curl", Comm: "curl", User: "www-data", UID: 33},
		Net: &event.NetOf{Proto: "tcp", Remote: to}}, err
}

// started is a program that was started, as the kernel would tell of it.
func started(words []string) event.Event {
	name := filepath.Base(words[0])
	return event.Event{Kind: event.Exec, Process: event.Process{Key: event.Key{PID: 4711, Start: 1}, Exe: words[0], Comm: name[:min(15, len(name))],
		Args: append([]string{name}, words[1:]...), User: "www-data", UID: 33, EUID: 33, Login: ^uint32(0)}, Parent: event.Process{Key: event.Key{PID: 99}, Exe: "/usr/sbin/nginx", Comm: "nginx"}, Exec: &event.ExecOf{}}
}

// joinHere has this machine seen through its own kernel. Where that is not allowed, it is a
// host whose events are fed, unless everything is required (TOCSIN_TEST_REQUIRE_ALL).
func (d *Demo) joinHere(ctx context.Context) error {
	h, err := d.join(ctx, here, true, false)
	if err != nil && os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "" {
		d.options.Log.Warn("this machine is not watched; what it does is fed to its sensor", "error", err)
		h, err = d.join(ctx, here, false, false)
	}
	if err == nil {
		d.hosts[here] = h
	}
	return err
}

// runHere runs a program on this machine, as anybody would.
func (d *Demo) runHere(ctx context.Context, words []string) error {
	h, err := d.host(here)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return err
	}
	if err := exec.CommandContext(ctx, path, words[1:]...).Run(); err != nil { //nolint:gosec // the story says what runs, and stories are ours
		return fmt.Errorf("run %s: %w", words[0], err)
	}
	if h.watch {
		return nil
	}
	return h.feed(ctx, started(append([]string{path}, words[1:]...)))
}

// leaveHosts ends every sensor.
func (d *Demo) leaveHosts() {
	for _, h := range d.hosts {
		h.leave()
	}
	d.hosts = nil
}
