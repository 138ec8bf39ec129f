package fleet_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

// world is a server and a host with an honest agent: the real link, the real verification of
// directives, real files and processes; only the kernel's gate is a table.
type world struct {
	t       *testing.T
	server  *server
	host    *host
	disturb func()
	look    func() any

	mu           sync.Mutex // guards what follows
	changes      int
	lying        bool
	status, left int
	liar         *directive.Ledger
}

func newWorld(t *testing.T, with setup) *world {
	w := &world{t: t, server: serve(t)}
	with.wrap = func(h link.Hands) link.Hands { return &watched{h, w} }
	w.host = join(t, w.server, "web-3", with)
	w.look = func() any { return w.host.held() }
	return w
}

func (w *world) Changes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes
}

func (w *world) Look() any { return w.look() }

func (w *world) Disturb() {
	w.disturb()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes++
}

func (w *world) Lie() {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.host.hands.Ledger()
	w.lying, w.liar = true, &l
}

// Fail of everything is an agent that is gone; of writes, hands that do not obey.
func (w *world) Fail(status, n int, writes bool) {
	w.mu.Lock()
	w.status, w.left = status, n
	w.mu.Unlock()
	if !writes && status != 0 {
		w.host.stop()
		eventually(w.t, "the host is away", func() bool { h, _ := w.server.Host("web-3"); return !h.Connected })
	}
}

func (w *world) Secrets() []string {
	return []string{hex.EncodeToString(orderKey.Seed()), hex.EncodeToString(authorityKey.Seed()), "PRIVATE KEY"}
}

// watched hands count what they really did, and refuse or lie when the world says so.
type watched struct {
	link.Hands
	w *world
}

func (h *watched) Take(ctx context.Context, envelope []byte) (contain.Receipt, error) {
	w := h.w
	w.mu.Lock()
	status, lying := 0, w.lying
	if w.left != 0 {
		if status = w.status; w.left > 0 {
			w.left--
		}
	}
	w.mu.Unlock()
	switch {
	case status == http.StatusForbidden:
		return contain.Receipt{}, &directive.Refusal{Code: directive.Limited, Why: "it is not allowed on this host"}
	case status == http.StatusTooManyRequests:
		return contain.Receipt{}, &link.Busy{After: 3e9}
	case status != 0:
		return contain.Receipt{}, errors.New("the kernel says no")
	}
	if lying { // it verifies as it should, says yes, and does nothing
		w.mu.Lock()
		defer w.mu.Unlock()
		d, err := w.liar.Accept(envelope, w.host.conf.Limits, w.host.clock.Now())
		return contain.Receipt{ID: d.ID, Kind: d.Kind, Done: contain.Held}, err
	}
	r, err := h.Hands.Take(ctx, envelope)
	if r.Kind == directive.Block {
		w.host.hands.Tick(ctx) // the second in which the resolver is asked
	}
	if err == nil && r.Done != contain.Already {
		w.mu.Lock()
		w.changes++
		w.mu.Unlock()
	}
	return r, err
}

// theirs is what another incident holds of the same.
func (w *world) theirs(d directive.Directive) func() {
	return func() {
		d.ID = "theirs"
		w.host.by(w.t, w.server, d)
	}
}

// instead lets go of what is held and holds it for another incident.
func (w *world) instead(d directive.Directive, otherwise func()) func() {
	return func() {
		all := w.host.hands.Holds()
		if len(all) == 0 && otherwise != nil {
			otherwise()
			return
		}
		for _, h := range all {
			w.host.by(w.t, w.server, directive.Directive{ID: "let-go", Kind: directive.Release, Hold: &directive.HoldOf{ID: h.Directive.ID}})
		}
		w.theirs(d)()
	}
}

func action(t testing.TB, s *server, name string) actions.Action {
	t.Helper()
	for _, a := range s.Actions() {
		if a.Spec().Name == name {
			return a
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// sleeper is a process of this test's own.
func sleeper(t testing.TB) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sleep", "300")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	return c
}

type making = func(t *testing.T) (actions.Action, actiontest.World, actions.Input)

func isolating(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	w := newWorld(t, setup{proc: t.TempDir()})
	w.disturb = w.theirs(directive.Directive{Kind: directive.Isolate, Isolate: &directive.IsolateOf{}})
	return action(t, w.server, "fleet.isolate-host"), w, actions.Input{Target: "web-3", Params: map[string]string{"open": "10.0.0.5:53/udp, in:10.1.1.1:22/tcp"}}
}

func blocking(name, target string, of directive.BlockOf) making {
	return func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
		w := newWorld(t, setup{proc: t.TempDir()})
		w.disturb = w.theirs(directive.Directive{Kind: directive.Block, Block: &of})
		return action(t, w.server, name), w, actions.Input{Target: target}
	}
}

func freezing(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	w := newWorld(t, setup{})
	c := sleeper(t)
	pid := itoa(c.Process.Pid)
	in := actions.Input{Target: "web-3/" + pid}
	w.disturb = w.instead(directive.Directive{Kind: directive.Freeze, Process: processOf(t, c.Process.Pid)}, nil)
	return action(t, w.server, "fleet.freeze-process"), w, in
}

func killing(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	w := newWorld(t, setup{})
	c := sleeper(t)
	w.look = func() any { return processState(c.Process.Pid) }
	return action(t, w.server, "fleet.kill-tree"), w, actions.Input{Target: "web-3/" + itoa(c.Process.Pid)}
}

func quarantining(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	w := newWorld(t, setup{})
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "implant")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("#!/bin/sh\n")
	w.look = func() any {
		b, _ := os.ReadFile(path)
		return []any{string(b), w.host.held()}
	}
	w.disturb = w.instead(directive.Directive{Kind: directive.Quarantine, File: &directive.FileOf{Path: path}}, func() { write("#!/bin/sh\necho more\n") })
	return action(t, w.server, "fleet.quarantine-file"), w, actions.Input{Target: "web-3:" + path}
}

func collecting(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	w := newWorld(t, setup{})
	return action(t, w.server, "fleet.collect"), w, actions.Input{Target: "web-3", Params: map[string]string{"files": "/etc/hostname", "megabytes": "1"}}
}

// cutting needs a folder with the number that the kernel gives a cgroup, and a process in it.
func cutting(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
	proc, tree := t.TempDir(), t.TempDir()
	id := strings.Repeat("ab", 32)
	cgroup := "/system.slice/docker-" + id + ".scope"
	for path, text := range map[string]string{
		filepath.Join(proc, "10/stat"):              "10 (nginx) S 1 " + strings.Repeat("7 ", 30),
		filepath.Join(proc, "10/cgroup"):            "0::" + cgroup + "\n",
		filepath.Join(tree, cgroup, "cgroup.procs"): "",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, setup{proc: proc, cgroups: tree})
	number, err := gate.CgroupID(filepath.Join(tree, cgroup))
	if err != nil {
		t.Fatal(err)
	}
	w.disturb = w.theirs(directive.Directive{Kind: directive.Cut, Cut: &directive.CutOf{Path: cgroup, Cgroup: number}})
	return action(t, w.server, "fleet.isolate-container"), w, actions.Input{Target: "web-3/abab"}
}

func TestActionsKeepTheContract(t *testing.T) {
	bad := netip.MustParsePrefix("198.51.100.7/32")
	for _, c := range []actiontest.Case{
		{Name: "fleet.isolate-host", Make: isolating, Unknown: "web-4"},
		{Name: "fleet.isolate-container", Make: cutting, Unknown: "web-3/cdcd"},
		{Name: "fleet.block-address", Make: blocking("fleet.block-address", "198.51.100.7", directive.BlockOf{Prefixes: []netip.Prefix{bad}}), Unknown: "everywhere"},
		{Name: "fleet.block-domain", Make: blocking("fleet.block-domain", "Evil.example.", directive.BlockOf{Domains: []string{"evil.example"}}), Unknown: "evil"},
		{Name: "fleet.freeze-process", Make: freezing, Unknown: "web-3/no-such-program"},
		{Name: "fleet.kill-tree", Make: killing, Unknown: "web-3/no-such-program",
			NoDisturb: "a process that ended meanwhile is what the deed wants, and one that took its number is another"},
		{Name: "fleet.quarantine-file", Make: quarantining, Unknown: "web-3:/no/such/file"},
		{Name: "fleet.collect", Make: collecting, Unknown: "web-4", NoDisturb: "what others collect is another archive"},
	} {
		actiontest.Conform(t, c)
	}
}
