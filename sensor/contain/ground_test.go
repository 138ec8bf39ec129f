package contain_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "probe-packet" {
		if err := gate.ProbePacket(os.Args[2:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	containtest.Play(map[string]func(json.RawMessage) error{"agent": agent})
	os.Exit(m.Run())
}

var (
	serverKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	control   = netip.MustParseAddrPort("198.18.2.2:7443")
	peer4     = netip.MustParseAddr("198.18.1.2")
	peer6     = netip.MustParseAddr("fd00:1::2")
)

// settings are what an agent starts with.
type settings struct {
	Place   gate.Place
	State   string
	Cgroups string
	Later   time.Duration // how far its clocks are ahead
	Names   map[string][]netip.Addr
}

// order is what a test tells an agent; one field at a time.
type order struct {
	Envelope []byte
	Tick     bool
	Later    time.Duration
	Verify   string
	Code     string
	Holds    bool
	Saw      string
	Addrs    []netip.Addr
}

// done is what it answers.
type done struct {
	Receipt contain.Receipt
	Refused string // code of a refusal
	Proof   gate.Proof
	Holds   []contain.Hold
	Notices []contain.Notice
	Fresh   bool
}

// agent is an agent with everything but eyes: the real gate, the real state, and clocks that
// a test can put forward.
func agent(args json.RawMessage) error {
	var s settings
	if err := json.Unmarshal(args, &s); err != nil {
		return err
	}
	later := s.Later
	var heard []contain.Notice
	h, err := open(s, &later, func(n contain.Notice) { heard = append(heard, n) })
	containtest.Say("open", err)
	if err != nil {
		return err
	}
	return containtest.Answer(func(o order) (any, error) {
		heard = nil
		var d done
		var err error
		switch {
		case o.Envelope != nil:
			d.Receipt, err = h.Take(context.Background(), o.Envelope)
		case o.Code != "":
			d.Receipt, err = h.Free(o.Code)
		case o.Verify != "":
			d.Proof, err = h.Verify(o.Verify)
		case o.Saw != "":
			d.Fresh, err = h.Saw(o.Saw, nil, o.Addrs, time.Minute)
		case o.Holds:
			d.Holds = h.Holds()
		case o.Tick:
			later += o.Later
			h.Tick(context.Background())
		}
		var no *directive.Refusal
		if errors.As(err, &no) {
			d.Refused, err = no.Code, nil
		}
		d.Notices = heard
		return d, err
	})
}

func open(s settings, later *time.Duration, tell func(contain.Notice)) (*contain.Hands, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	g, err := gate.Open(s.Place, log)
	if err != nil {
		return nil, err
	}
	limits := directive.DefaultLimits()
	limits.Control = []netip.AddrPort{control}
	return contain.New(contain.Config{
		Gate: g, State: s.State, Cgroups: s.Cgroups, Limits: limits, Tell: tell, Log: log,
		Reach:   reach,
		Resolve: func(_ context.Context, domain string) ([]netip.Addr, error) { return s.Names[domain], nil },
		Keep: func(_ context.Context, id string) (io.WriteCloser, error) {
			return os.Create(filepath.Join(s.State, id+".tar"))
		},
		Probe: []string{"/proc/self/exe", "probe-packet"},
		Now:   func() time.Time { return time.Now().Add(*later) },
		Boot: func() time.Duration {
			var t unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
			return time.Duration(t.Nano()) + *later
		},
	})
}

// reach says one byte over the control channel and waits for it to come back.
func reach(ctx context.Context) error {
	d := net.Dialer{Timeout: 300 * time.Millisecond}
	c, err := d.DialContext(ctx, "tcp", control.String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
	b := []byte{1}
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err = c.Read(b)
	return err
}

// ground is a host with a neighbour and a control channel, and a server that signs.
type ground struct {
	host, peer, server *containtest.Host
	ear                *containtest.Ear
	cgroup             string
	settings           settings
	hangUp             func()
	seq                uint64
}

func newGround(t testing.TB) *ground {
	t.Helper()
	g := &ground{cgroup: containtest.Cgroup(t)}
	g.settings = settings{State: filepath.Join(t.TempDir(), "state"), Cgroups: containtest.Root(t)}
	g.settings.Place = gate.Place{Cgroup: g.cgroup, Pins: containtest.Pins(t), OnlyOwnNet: true}
	g.host, g.peer, g.server = containtest.NewHost(t, "host"), containtest.NewHost(t, "peer"), containtest.NewHost(t, "server")
	plug := containtest.Plugged
	containtest.Wire(t, plug(g.host, "topeer", "198.18.1.1/24", "fd00:1::1/64"), plug(g.peer, "tohost", "198.18.1.2/24", "fd00:1::2/64"))
	containtest.Wire(t, plug(g.host, "toserver", "198.18.2.1/24"), plug(g.server, "tohost", "198.18.2.2/24"))
	g.host.Via(t, "198.18.1.2", "fd00:1::2")
	g.ear = g.peer.Listen(t)
	g.hangUp = g.server.Accept(t, int(control.Port()))
	if err := contain.Enrol(g.settings.State, "acme", "web-3", serverKey.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	return g
}

var every = []string{"udp4", "udp6", "tcp4", "tcp6", "new4", "new6", "icmp4", "icmp6", "raw4", "raw6", "frame4"}

func (g *ground) talk(t testing.TB, cgroup string) *containtest.Process {
	t.Helper()
	frame := &containtest.Frame{Interface: "topeer", To: g.peer.Hardware(t, "tohost"), From: netip.MustParseAddr("198.18.1.1"), At: peer4}
	return g.host.Start(t, cgroup, "talk", containtest.Talk{To: []netip.Addr{peer4, peer6}, Frame: frame})
}

func (g *ground) agent(t testing.TB) *containtest.Process {
	t.Helper()
	a := g.host.Start(t, g.cgroup, "agent", g.settings)
	if err := a.Hear(nil); err != nil {
		t.Fatalf("start the agent: %v", err)
	}
	return a
}

// signed is a directive of the server's, the next in number.
func (g *ground) signed(t testing.TB, kind directive.Kind, change func(*directive.Directive)) []byte {
	t.Helper()
	g.seq++
	d := directive.Directive{V: 1, ID: fmt.Sprint("D-", g.seq), Workspace: "acme", Host: "web-3", Incident: "INC-0042", Approval: "A-7", Kind: kind, Seq: g.seq,
		NotBefore: time.Now().Add(-time.Minute).UnixMilli(), Expires: time.Now().Add(24 * time.Hour).UnixMilli()}
	if kind.Holds() || kind == directive.Extend {
		d.TTL, d.OnExpiry = time.Hour.Milliseconds(), directive.Ask
	}
	if kind == directive.Isolate {
		d.Isolate = &directive.IsolateOf{}
	}
	if change != nil {
		change(&d)
	}
	env, err := directive.Sign(serverKey, d)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// ask fails the test when the agent does not do it.
func ask(t *testing.T, a *containtest.Process, o order) (d done) {
	t.Helper()
	a.Ask(o, &d)
	if d.Refused != "" {
		t.Fatalf("refused: %s", d.Refused)
	}
	return d
}

func release(id string) func(*directive.Directive) {
	return func(d *directive.Directive) { d.Hold = &directive.HoldOf{ID: id} }
}

const settle = 30 * time.Millisecond
