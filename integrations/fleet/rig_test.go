package fleet_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/integrations/fleet/fleettest"
	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

var (
	orderKey     = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	authorityKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
)

// clock is a server's or a host's, and can be set.
type clock struct {
	mu sync.Mutex // guards ahead
	time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.Duration)
}

func (c *clock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Duration = ahead
}

// server is a fleet that is served on loopback.
type server struct {
	*fleet.Fleet
	book  *fleettest.Book
	clock *clock
	at    string
	stop  func()
	door  *door // that replicas come through; nil: none may
	lines *lines
}

func serve(t testing.TB, change ...func(*fleet.Config)) *server {
	t.Helper()
	return serveAs(t, &server{}, change...)
}

func serveAs(t testing.TB, s *server, change ...func(*fleet.Config)) *server {
	t.Helper()
	s.book, s.clock = fleettest.NewBook(), &clock{}
	c := fleet.Config{Workspace: "acme", Book: s.book, Directives: orderKey, Authority: authorityKey, Names: []string{"127.0.0.1"}, Shelf: fleettest.Shelf(t.TempDir()),
		Now: s.clock.Now, Log: quiet()}
	for _, f := range change {
		f(&c)
	}
	if b, ok := c.Book.(*fleettest.Book); ok {
		s.book = b
	}
	var err error
	if s.Fleet, err = fleet.New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	at := "127.0.0.1:0"
	if s.door != nil {
		at = s.door.behind
	}
	s.listen(t, at)
	return s
}

func (s *server) listen(t testing.TB, at string) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s.at = l.Addr().String()
	s.lines = &lines{Listener: l}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx, s.lines); err != nil && !s.lines.dead.Load() {
			t.Error("serve:", err)
		}
	}()
	s.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(s.stop)
}

func quiet() *slog.Logger {
	if os.Getenv("TOCSIN_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

func (s *server) token(t testing.TB, host string) string {
	t.Helper()
	text, _, err := s.MakeToken(t.Context(), host, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func machine(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func (s *server) enrol(t testing.TB, host, dir string) *link.Identity {
	t.Helper()
	id, err := link.Enrol(t.Context(), link.Enrolment{Server: s.at, Token: s.token(t, ""), Host: host, Dir: dir, Machine: machine(host), Version: "1.0", Kernel: "6.12"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// host is a machine with an agent: real link, real spool, real hands; the kernel's gate is a table.
type host struct {
	name  string
	dir   string
	id    *link.Identity
	gate  *table
	hands *contain.Hands
	link  *link.Link
	spool *spool.Spool
	clock *clock
	conf  link.Config
	stop  func()
}

// setup is how a host differs from the usual.
type setup struct {
	proc    string // of /proc; "" is this machine's
	cgroups string
	limits  *directive.Limits
	watches bool // it has no hands
	change  func(*link.Config)
	wrap    func(link.Hands) link.Hands
}

func join(t testing.TB, s *server, name string, with setup) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{name: name, dir: dir, id: s.enrol(t, name, filepath.Join(dir, "link")), gate: &table{}, clock: &clock{}}
	h.open(t, with)
	h.run(t)
	h.connected(t, s)
	return h
}

func (h *host) open(t testing.TB, with setup) {
	t.Helper()
	var err error
	h.spool, err = spool.Open(spool.Options{Dir: filepath.Join(h.dir, "spool"), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.spool.Close() })
	limits := directive.DefaultLimits()
	limits.Control = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:8443")}
	if with.limits != nil {
		limits = *with.limits
	}
	h.conf = link.Config{Dir: filepath.Join(h.dir, "link"), Identity: h.id, Spool: h.spool, Memory: memory.New(memory.Options{Proc: with.proc, Cgroups: with.cgroups}),
		Limits: limits, Version: "1.0", Kernel: "6.12", Boot: "boot-1", Profile: "normal", Now: h.clock.Now, Log: quiet()}
	if !with.watches {
		h.takeHands(t, with, limits)
	}
	if with.change != nil {
		with.change(&h.conf)
	}
	if h.link, err = link.New(h.conf); err != nil {
		t.Fatal(err)
	}
}

func (h *host) takeHands(t testing.TB, with setup, limits directive.Limits) {
	t.Helper()
	state := filepath.Join(h.dir, "hands")
	if _, err := os.Stat(filepath.Join(state, "ledger.json")); err != nil {
		if err := contain.Enrol(state, h.id.Workspace, h.id.Host, h.id.Pinned); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	h.hands, err = contain.New(contain.Config{Gate: h.gate, State: state, Cgroups: with.cgroups, Limits: limits, Now: h.clock.Now, Log: quiet(),
		Keep: func(ctx context.Context, id string) (io.WriteCloser, error) { return h.link.Keep(ctx, id) },
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("198.51.100.7")}, nil
		},
		Tell: func(n contain.Notice) { h.link.Tell(n) }})
	if err != nil {
		t.Fatal(err)
	}
	h.conf.Hands = h.hands
	if with.wrap != nil {
		h.conf.Hands = with.wrap(h.hands)
	}
}

func (h *host) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.link.Run(ctx) }()
	h.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(h.stop)
}

func (h *host) connected(t testing.TB, s *server) {
	t.Helper()
	eventually(t, h.name+" is connected", func() bool { is, _ := s.Host(h.name); return is.Connected && !is.Health.Since.Equal(time.Unix(1, 0)) })
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("never: ", what)
}

// next is what comes from a channel, before a test has waited for too long.
func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// table is the kernel's side of the gate: it holds what it is told, and says what it holds.
type table struct {
	mu     sync.Mutex // guards what follows
	wanted gate.Wanted
	blocks map[netip.Prefix]gate.Until
}

func (g *table) Set(w gate.Wanted) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted = w
	return nil
}

func (g *table) Block(b map[netip.Prefix]gate.Until) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks = b
	return nil
}

func (g *table) Destroy(gate.Sockets) (gate.Destroyed, error) { return gate.Destroyed{}, nil }
func (g *table) Retire() error                                { return nil }

func (g *table) Prove(p gate.Probe) (gate.Proof, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := false
	switch p.Why {
	case gate.HostHeld:
		held = g.wanted.Host != 0
	case gate.ContainerHeld:
		held = len(g.wanted.Containers) > 0
	case gate.AddressBlocked:
		for b := range g.blocks {
			held = held || b.Contains(p.To.Addr())
		}
	}
	if !held {
		return gate.Proof{Standing: gate.NotInEffect}, nil
	}
	return gate.Proof{Standing: gate.InEffect, Tried: []gate.Tried{{What: "a packet", Refused: true}}}, nil
}

// signed is an order as another replica of the server would give it.
func (h *host) signed(t testing.TB, s *server, d directive.Directive) []byte {
	t.Helper()
	seq, err := s.book.Number(t.Context(), h.id.Agent, h.hands.Ledger().Seq)
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.Now()
	d.V, d.Workspace, d.Host, d.Seq, d.Incident, d.Approval = directive.Version, "acme", h.name, seq, "INC-0099", "theirs"
	d.NotBefore, d.Expires = now.UnixMilli(), now.Add(time.Minute).UnixMilli()
	if d.Kind.Holds() {
		d.TTL, d.OnExpiry = time.Hour.Milliseconds(), directive.Ask
	}
	env, err := directive.Sign(orderKey, d)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// by obeys an order of another replica.
func (h *host) by(t testing.TB, s *server, d directive.Directive) {
	t.Helper()
	if _, err := h.hands.Take(t.Context(), h.signed(t, s, d)); err != nil {
		t.Fatal(err)
	}
}

func (h *host) held() (all []string) {
	for _, x := range h.hands.Holds() {
		all = append(all, fmt.Sprint(x.Directive.ID, " ", x.Directive.Kind))
	}
	slices.Sort(all)
	return all
}

func itoa(n int) string { return fmt.Sprint(n) }

// processOf names a process as a directive does.
func processOf(t testing.TB, pid int) *directive.ProcessOf {
	t.Helper()
	k, err := process.Named(pid)
	if err != nil {
		t.Fatal(err)
	}
	return &directive.ProcessOf{PID: uint32(pid), Start: k.Start}
}

// processState is what ps shows; "" when there is none.
func processState(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if state := string(f[0]); state != "Z" && state != "X" {
		return "there"
	}
	return ""
}
