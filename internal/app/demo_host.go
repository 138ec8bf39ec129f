package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/judge"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

// demoHost is a host of the demo's world with a sensor in this process: the real link, the
// real judge and, where it watches, the real kernel. It obeys nobody, or with hands whose gate is
// no kernel's: a demo must not be able to cut this machine off.
type demoHost struct {
	name  string
	link  *link.Link
	judge *judge.Judge
	watch bool // it is this machine, seen through its kernel

	mu   sync.Mutex // guards what follows: what is fed is judged by one goroutine at a time
	seq  uint64
	stop []func()
}

// join enrols a host and connects it. watch has it see this machine through the kernel;
// otherwise its events are fed to it, and it has no processes of its own. One that obeys has hands.
func (d *Demo) join(ctx context.Context, name string, watch, obeys bool) (_ *demoHost, err error) {
	dir, err := os.MkdirTemp("", "tocsin-host-")
	if err != nil {
		return nil, fmt.Errorf("make a place for a host: %w", err)
	}
	h := &demoHost{name: name, judge: judge.New(d.Clock.Now), watch: watch}
	h.stop = append(h.stop, func() { _ = os.RemoveAll(dir) })
	defer func() {
		if err != nil {
			h.leave()
		}
	}()
	server, token, err := d.SensorToken(ctx, name)
	if err != nil {
		return nil, err
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	machine := sha256.Sum256([]byte("tocsin demo " + name))
	id, err := link.Enrol(ctx, link.Enrolment{Server: server, Token: token, Host: name, Dir: filepath.Join(dir, "link"),
		Machine: hex.EncodeToString(machine[:]), Version: "demo", Kernel: strings.TrimSpace(string(kernel))})
	if err != nil {
		return nil, fmt.Errorf("enrol %s: %w", name, err)
	}
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), Log: d.options.Log})
	if err != nil {
		return nil, err
	}
	h.stop = append(h.stop, func() { _ = sp.Close() })
	look := memory.Options{}
	if !watch {
		look.Proc = filepath.Join(dir, "proc")
		if err := os.Mkdir(look.Proc, 0o700); err != nil {
			return nil, err
		}
	}
	conf := link.Config{Dir: filepath.Join(dir, "link"), Identity: id, Spool: sp, Memory: memory.New(look),
		Install: map[string]func([]byte) error{"sigma": h.judge.Sigma, "intel": h.judge.Intel},
		Version: "demo", Kernel: strings.TrimSpace(string(kernel)), Boot: "demo", Profile: "normal", Log: d.options.Log}
	if obeys {
		if err := h.obeying(&conf, dir); err != nil {
			return nil, err
		}
	}
	if h.link, err = link.New(conf); err != nil {
		return nil, err
	}
	if watch {
		if err := h.open(d); err != nil {
			return nil, err
		}
	}
	h.run(func(ctx context.Context) { _ = h.link.Run(ctx) })
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return h, d.SensorReady(ctx, name)
}

// SensorToken is where a sensor enrols, and a token for one host.
func (d *Demo) SensorToken(ctx context.Context, host string) (server, token string, err error) {
	a := d.App()
	if a == nil {
		return "", "", errHalted
	}
	token, _, err = a.MakeSensorToken(ctx, host, "the demo", 10*time.Minute)
	to := d.running[d.came%len(d.running)]
	d.came++
	return to.sensors, token, err
}

// SensorReady waits until a host has what it judges by, for what it sees before passes unjudged, and
// until every replica reaches it.
func (d *Demo) SensorReady(ctx context.Context, host string) error {
	for {
		if d.App() == nil {
			return errHalted
		}
		ready := true
		for _, r := range d.running {
			if r.app != nil {
				is, _ := r.app.sensors.fleet.Host(host)
				ready = ready && is.Connected && len(is.Behind) == 0
			}
		}
		if ready {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s did not connect and take its rules: %w", host, ctx.Err())
		}
	}
}

// Signals are the events that rules matched, as they come from the hosts.
func (d *Demo) Signals(ctx context.Context) (<-chan fleet.Seen, error) {
	a := d.App()
	if a == nil {
		return nil, errHalted
	}
	return a.sensors.fleet.Signals(ctx, func(e *event.Event) bool { return e.Rule != "" }), nil
}

// open attaches to the kernel. What this process does itself is not watched.
func (h *demoHost) open(d *Demo) error {
	a, err := agent.Open(agent.Options{Host: h.name, Profile: bpf.Normal, Judge: h.judge, Sink: h.link, Log: d.options.Log})
	if err != nil {
		return fmt.Errorf("watch this machine: %w", err)
	}
	h.stop = append(h.stop, func() { _ = a.Close() })
	h.run(func(ctx context.Context) { _ = a.Run(ctx) })
	return nil
}

// run does something until the host leaves.
func (h *demoHost) run(f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	h.stop = append(h.stop, func() { cancel(); <-done })
}

// leave ends the sensor.
func (h *demoHost) leave() {
	for len(h.stop) > 0 {
		last := len(h.stop) - 1
		h.stop[last]()
		h.stop = h.stop[:last]
	}
}

// feed gives the sensor an event as if its kernel had told of it: judged, remembered, sent.
func (h *demoHost) feed(ctx context.Context, e event.Event) error {
	if h.watch {
		return errors.New("this host sees for itself")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	e.Host, e.At, e.Seq = h.name, time.Now().UTC(), h.seq
	lane := agent.Bulk
	if v := h.judge.Judge(&e); v.Rule != "" {
		e.Rule, lane = v.Rule, agent.Priority
	}
	return h.link.Take(ctx, lane, []event.Event{e})
}

// sent waits until the server has taken what was to be sent; not for ever, for it may be gone.
func (h *demoHost) sent(ctx context.Context) error {
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); {
		waiting := uint64(0)
		for _, k := range h.link.Health().Kinds {
			waiting += k.Waiting
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// door is where hosts come to: a port of loopback, and the same after a restart. It stays open from
// here on: somebody else would take it.
func (r *replica) door() (net.Listener, error) {
	at := r.sensors
	if at == "" {
		at = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("open a port for sensors: %w", err)
	}
	r.sensors = l.Addr().String()
	return l, nil
}

// WatchHere has this machine watched through its own kernel, as this-machine, until the demo
// ends. It says in a sentence that it is, or why it is not.
func (d *Demo) WatchHere(ctx context.Context) string {
	h, err := d.join(ctx, here, true, false)
	if err != nil {
		if a := d.App(); a != nil {
			_, _ = a.RevokeSensor(ctx, here) // it may have enrolled before the kernel said no
		}
		why, _, _ := strings.Cut(err.Error(), "\n")
		said := "This machine is not watched: " + why + "."
		if err := d.replay(ctx); err != nil {
			return said + " Nor can a recording be shown: " + err.Error() + "."
		}
		return said + "\n  What the host \"" + recorded + "\" shows was RECORDED on another. In a room: /signals live " + recorded + " exec connect"
	}
	d.hosts[here] = h
	return "This machine is watched. In a room: /signals live " + here + " exec connect"
}
