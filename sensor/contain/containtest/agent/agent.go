// Package agent is an agent for tests, with everything but eyes: the real gate, the real state,
// and clocks that a test can put forward. It also is the server that signs what it obeys.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"
)

// Settings are what an agent starts with.
type Settings struct {
	Place   gate.Place
	State   string
	Cgroups string
	Later   time.Duration // how far its clocks are ahead
	Names   map[string][]netip.Addr
	Control netip.AddrPort // whom it reaches its server by
}

// Order is what a test tells an agent; one field at a time.
type Order struct {
	Envelope []byte
	Tick     bool
	Later    time.Duration
	Verify   string
	Code     string
	Holds    bool
	Saw      string
	Addrs    []netip.Addr
	Report   bool
}

// Done is what it answers.
type Done struct {
	Receipt contain.Receipt
	Refused string // code of a refusal
	Proof   gate.Proof
	Holds   []contain.Hold
	Notices []contain.Notice
	Fresh   bool
	Report  gate.Report
	Counts  gate.Refusals
}

// Play is the role of an agent, for containtest.Play: it obeys until it is killed.
func Play(args json.RawMessage) error {
	var s Settings
	if err := json.Unmarshal(args, &s); err != nil {
		return err
	}
	later := s.Later
	var heard []contain.Notice
	h, g, err := open(s, &later, func(n contain.Notice) { heard = append(heard, n) })
	containtest.Say("open", err)
	if err != nil {
		return err
	}
	return containtest.Answer(func(o Order) (any, error) {
		heard = nil
		var d Done
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
		case o.Report:
			d.Report = g.Report()
			d.Counts, err = g.Refused()
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

func open(s Settings, later *time.Duration, tell func(contain.Notice)) (*contain.Hands, *gate.Gate, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	g, err := gate.Open(s.Place, log)
	if err != nil {
		return nil, nil, err
	}
	limits := directive.DefaultLimits()
	limits.Control = []netip.AddrPort{s.Control}
	h, err := contain.New(contain.Config{
		Gate: g, State: s.State, Cgroups: s.Cgroups, Limits: limits, Tell: tell, Log: log,
		Reach:   func(ctx context.Context) error { return reach(ctx, s.Control) },
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
	return h, g, err
}

// reach says one byte over the control channel and waits for it to come back.
func reach(ctx context.Context, control netip.AddrPort) error {
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
