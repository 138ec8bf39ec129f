package wholehost_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	containtest.Play(map[string]func(json.RawMessage) error{"agent": agent.Play})
	os.Exit(m.Run())
}

var (
	control = netip.MustParseAddrPort("198.18.2.2:7443")
	peer4   = netip.MustParseAddr("198.18.1.2")
	peer6   = netip.MustParseAddr("fd00:1::2")
	inner4  = netip.MustParseAddr("198.18.3.2")
)

// every way in which something leaves the machine: its processes talk, it passes on what others
// say, and its kernel answers those who knock.
var every = []string{"udp4", "udp6", "tcp4", "tcp6", "new4", "new6", "icmp4", "icmp6", "raw4", "raw6", "frame4",
	"forward4", "forward6", "reply4", "reply6", "reset4", "reset6"}

// ground is this machine, seen from inside.
type ground struct {
	machine  *containtest.Host
	ears     map[string]*containtest.Ear
	outside  *containtest.Process
	settings agent.Settings
	orders   agent.Server
	line     *containtest.Process
}

func newGround(t *testing.T) *ground {
	t.Helper()
	machine, root := containtest.Machine(t)
	g := &ground{machine: machine, ears: map[string]*containtest.Ear{}}
	g.settings = agent.Settings{State: t.TempDir(), Cgroups: root, Control: control,
		Place: gate.Place{Cgroup: root, Pins: containtest.Pins(t)}}
	agent.Enrol(t, g.settings.State)
	g.outside = containtest.Over(t, "outside", serial(t))
	for _, w := range wires {
		machine.Rename(t, w.hardware, "to"+w.far)
		containtest.Plugged(machine, "to"+w.far, w.here...).Up(t)
		g.ears[w.far] = containtest.Afar(w.far, func() (heard map[string]int) {
			g.outside.Ask(question{Heard: w.far}, &heard)
			return heard
		})
	}
	machine.Via(t, peer4.String(), peer6.String())
	machine.Forwards(t)
	return g
}

// talk says everything to the peer, something to the server besides the control channel, and
// keeps that up.
func (g *ground) talk(t *testing.T) {
	t.Helper()
	var peer net.HardwareAddr
	g.outside.Ask(question{Hardware: "peer"}, &peer)
	frame := &containtest.Frame{Interface: "topeer", To: peer, From: containtest.Addr("198.18.1.1"), At: peer4}
	start := func(talk containtest.Talk) {
		talk.Every = between
		g.machine.Start(t, "", "talk", talk)
	}
	start(containtest.Talk{To: []netip.Addr{peer4, peer6}, Frame: frame})
	start(containtest.Talk{To: []netip.Addr{peer4, peer6}, Ways: []string{"connected"}})
	// A service, whose manager has a program of its own for it that lets nobody in beside it.
	service := filepath.Join(g.settings.Cgroups, "service")
	if err := os.Mkdir(service, 0o755); err != nil {
		t.Fatal(err)
	}
	containtest.AttachAlone(t, service)
	g.machine.Start(t, service, "talk", containtest.Talk{To: []netip.Addr{inner4}, Every: between})
	start(containtest.Talk{To: []netip.Addr{control.Addr()}, Ways: []string{"udp", "new", "icmp"}})
	g.line = g.machine.Start(t, "", "call", containtest.Call{To: control, Every: between})
}

// serial is the second serial line, as it is: what is written comes out at the other end.
func serial(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/ttyS1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	is, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	is.Iflag, is.Oflag, is.Lflag = 0, 0, 0
	is.Cc[unix.VMIN], is.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, is); err != nil {
		t.Fatal(err)
	}
	return f
}

func (g *ground) agent(t *testing.T) (a *containtest.Process, took time.Duration) {
	t.Helper()
	began := time.Now()
	a = g.machine.Start(t, "", "agent", g.settings)
	if err := a.Hear(nil); err != nil {
		t.Fatalf("start the agent: %v", err)
	}
	took = time.Since(began)
	t.Logf("the agent took %v to start", took.Round(time.Millisecond))
	return a, took
}

// open fails the test when something is not heard outside that should be.
func (g *ground) open(t *testing.T) {
	t.Helper()
	g.ears["peer"].Until(t, 20*time.Second, every...)
	g.ears["server"].Until(t, 20*time.Second, "udp4", "new4", "icmp4")
	g.ears["inner"].Until(t, 20*time.Second, "udp4", "new4", "raw4")
}

// forget is what was on its way, and does not count.
func (g *ground) forget() {
	time.Sleep(settle)
	for _, e := range g.ears {
		e.Heard()
	}
}

// silent fails the test for every frame that leaves the machine, by any of its cards, and when
// the control channel was interrupted.
func (g *ground) silent(t *testing.T, during time.Duration) {
	t.Helper()
	time.Sleep(during)
	for _, e := range g.ears {
		e.Silence(t, 0)
	}
	var l containtest.Line
	g.line.Ask(struct{}{}, &l)
	if l.Answers == 0 || l.Dials != 1 {
		t.Errorf("the control channel was interrupted: %+v", l)
	}
	t.Logf("control channel: %d answers, longest gap %v", l.Answers, l.Longest.Round(time.Millisecond))
}

const settle = 300 * time.Millisecond // on an emulated wire
