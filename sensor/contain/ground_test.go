package contain_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
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
	containtest.Play(map[string]func(json.RawMessage) error{"agent": agent.Play})
	os.Exit(m.Run())
}

var (
	control = netip.MustParseAddrPort("198.18.2.2:7443")
	peer4   = netip.MustParseAddr("198.18.1.2")
	peer6   = netip.MustParseAddr("fd00:1::2")
)

type (
	settings = agent.Settings
	order    = agent.Order
	done     = agent.Done
)

// ground is a host with a neighbour and a control channel, and a server that signs.
type ground struct {
	host, peer, server *containtest.Host
	ear                *containtest.Ear
	cgroup             string
	settings           settings
	hangUp             func()
	orders             agent.Server
}

func newGround(t testing.TB) *ground {
	t.Helper()
	g := &ground{cgroup: containtest.Cgroup(t)}
	g.settings = settings{Control: control, State: filepath.Join(t.TempDir(), "state"), Cgroups: containtest.Root(t)}
	g.settings.Place = gate.Place{Cgroup: g.cgroup, Pins: containtest.Pins(t), OnlyOwnNet: true}
	g.host, g.peer, g.server = containtest.NewHost(t, "host"), containtest.NewHost(t, "peer"), containtest.NewHost(t, "server")
	plug := containtest.Plugged
	containtest.Wire(t, plug(g.host, "topeer", "198.18.1.1/24", "fd00:1::1/64"), plug(g.peer, "tohost", "198.18.1.2/24", "fd00:1::2/64"))
	containtest.Wire(t, plug(g.host, "toserver", "198.18.2.1/24"), plug(g.server, "tohost", "198.18.2.2/24"))
	g.host.Via(t, "198.18.1.2", "fd00:1::2")
	g.ear = g.peer.Listen(t)
	g.hangUp = g.server.Accept(t, int(control.Port()))
	agent.Enrol(t, g.settings.State)
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

func (g *ground) signed(t testing.TB, kind directive.Kind, change func(*directive.Directive)) []byte {
	t.Helper()
	return g.orders.Signed(t, kind, change)
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

var release = agent.Release

const settle = 30 * time.Millisecond
