package gate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "probe-packet" {
		if err := gate.ProbePacket(os.Args[2:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	containtest.Play(map[string]func(json.RawMessage) error{"agent": agent, "bypass": bypass, "dial": dial, "accept": accept, "measure": measure, "tunnel": tunnel})
	os.Exit(m.Run())
}

// order is what a test tells the agent; one field at a time.
type order struct {
	Isolate time.Duration `json:",omitempty"` // negative: for ever
	Release bool          `json:",omitempty"`
	Block   []netip.Prefix
	Until   map[netip.Prefix]time.Duration
	Ports   []gate.Port
	Cut     map[uint64]gate.Container
	Prove   *gate.Probe
	Destroy bool
	Report  bool
}

var control = netip.MustParseAddrPort("198.18.2.2:7443")

// agent is as much of an agent as a gate needs: it opens it and sets what it is told.
func agent(args json.RawMessage) error {
	var place gate.Place
	if err := json.Unmarshal(args, &place); err != nil {
		return err
	}
	g, err := gate.Open(place, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	containtest.Say("open", err)
	if err != nil {
		return err
	}
	return containtest.Answer(func(o order) (any, error) {
		w := gate.Wanted{Control: []gate.Opening{{Peer: control, Proto: gate.TCP}}}
		switch {
		case o.Prove != nil:
			o.Prove.Command = []string{"/proc/self/exe", "probe-packet"}
			return g.Prove(*o.Prove)
		case o.Report:
			return g.Report(), nil
		case o.Destroy:
			return g.Destroy(gate.Sockets{Spare: []gate.Opening{{Peer: control, Proto: gate.TCP}}})
		case o.Release:
		case o.Isolate < 0:
			w.Host = gate.Forever
		case o.Isolate > 0:
			w.Host = gate.After(o.Isolate)
		}
		w.Containers, w.Ports = o.Cut, map[gate.Port]gate.Until{}
		block := map[netip.Prefix]gate.Until{}
		for _, p := range o.Block {
			block[p] = gate.Forever
		}
		for p, d := range o.Until {
			block[p] = gate.After(d)
		}
		for _, p := range o.Ports {
			w.Ports[p] = gate.Forever
		}
		return "set", errors.Join(g.Set(w), g.Block(block))
	})
}

// ground is a host with a neighbour, a network behind it, and a control channel:
//
//	inner ── host ── peer
//	           └──── server
type ground struct {
	host, peer, server, inner *containtest.Host
	ear                       *containtest.Ear // of peer
	cgroup                    string
	place                     gate.Place
	line                      *containtest.Process
	hangUp                    func() // the server listens no more
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{cgroup: containtest.Cgroup(t)}
	g.place = gate.Place{Cgroup: g.cgroup, Pins: containtest.Pins(t), OnlyOwnNet: true}
	g.host, g.peer = containtest.NewHost(t, "host"), containtest.NewHost(t, "peer")
	g.server, g.inner = containtest.NewHost(t, "server"), containtest.NewHost(t, "inner")
	plug := containtest.Plugged
	containtest.Wire(t, plug(g.host, "topeer", "198.18.1.1/24", "fd00:1::1/64"), plug(g.peer, "tohost", "198.18.1.2/24", "fd00:1::2/64"))
	containtest.Wire(t, plug(g.host, "toserver", "198.18.2.1/24"), plug(g.server, "tohost", "198.18.2.2/24"))
	containtest.Wire(t, plug(g.host, "toinner", "198.18.3.1/24", "fd00:3::1/64"), plug(g.inner, "tohost", "198.18.3.2/24", "fd00:3::2/64"))
	g.inner.Via(t, "198.18.3.1", "fd00:3::1")
	g.peer.Via(t, "198.18.1.1", "fd00:1::1")
	g.host.Forwards(t)
	g.ear = g.peer.Listen(t)
	g.hangUp = g.server.Accept(t, containtest.ControlPort)
	return g
}

// every way of talking there is, as the peer hears it.
var every = []string{"udp4", "udp6", "tcp4", "tcp6", "new4", "new6", "icmp4", "icmp6", "raw4", "raw6", "frame4", "forward4", "forward6"}

var peerAddrs = []netip.Addr{netip.MustParseAddr("198.18.1.2"), netip.MustParseAddr("fd00:1::2")}

// talk lets the host, and the network behind it, say everything to the peer, and keeps up the
// control channel.
func (g *ground) talk(t *testing.T) {
	t.Helper()
	frame := &containtest.Frame{Interface: "topeer", To: g.peer.Hardware(t, "tohost"),
		From: netip.MustParseAddr("198.18.1.1"), At: netip.MustParseAddr("198.18.1.2")}
	g.host.Start(t, g.cgroup, "talk", containtest.Talk{To: peerAddrs, Frame: frame})
	g.host.Start(t, g.cgroup, "talk", containtest.Talk{To: peerAddrs, Ways: []string{"connected"}})
	g.inner.Start(t, "", "talk", containtest.Talk{To: peerAddrs, Ways: []string{"forward"}})
	g.line = g.host.Start(t, g.cgroup, "call", containtest.Call{To: control})
}

func (g *ground) agent(t *testing.T) *containtest.Process {
	t.Helper()
	a := g.host.Start(t, g.cgroup, "agent", g.place)
	if err := a.Hear(nil); err != nil {
		t.Fatalf("start the agent: %v", err)
	}
	return a
}

// replaced kills the agent that many times while it takes over, each time step later: at moments that are not
// ours to choose. The one that comes in the end has taken over.
func (g *ground) replaced(t *testing.T, a *containtest.Process, times int, step time.Duration) *containtest.Process {
	t.Helper()
	for wait := range times {
		a.Kill()
		a = g.host.Start(t, g.cgroup, "agent", g.place)
		time.Sleep(time.Duration(wait) * step)
	}
	a.Kill()
	return g.agent(t)
}

// alive fails the test when the control channel was interrupted since the last time.
func (g *ground) alive(t *testing.T) {
	t.Helper()
	var l containtest.Line
	g.line.Ask(struct{}{}, &l)
	if l.Answers == 0 || l.Dials != 1 {
		t.Errorf("the control channel was interrupted: %+v", l)
	}
	t.Logf("control channel: %d answers, longest gap %v", l.Answers, l.Longest)
}

const settle = 30 * time.Millisecond // what was on the wire when the gate closed has arrived

func peersOf(texts ...string) (addrs []netip.Addr) {
	for _, text := range texts {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs
}

// detach takes a program off the cgroup, as somebody with root can.
func (g *ground) detach(t *testing.T, hook string) {
	t.Helper()
	pins, err := filepath.Glob(filepath.Join(g.place.Pins, "gate-*", "links", "*", hook))
	if err != nil || len(pins) != 1 {
		t.Fatalf("links named %s: %v, %v", hook, pins, err)
	}
	l, err := link.LoadPinnedLink(pins[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := l.Detach(); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) index(t *testing.T, name string) (index int) {
	t.Helper()
	g.host.Try(t, func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			index = i.Index
		}
		return err
	})
	return index
}
