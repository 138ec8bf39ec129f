package gate_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

func (g *ground) prove(a *containtest.Process, p gate.Probe) (proof gate.Proof) {
	a.Ask(order{Prove: &p}, &proof)
	return proof
}

// Blocked networks are silent, over both families and for what is forwarded; everybody else
// goes on, and the control channel does though somebody blocks its address.
func TestABlockedNetworkIsSilent(t *testing.T) {
	g := newGround(t)
	g.talk(t)
	g.server.Accept(t, containtest.PortTCP)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	block := []netip.Prefix{netip.MustParsePrefix("198.18.1.0/24"), netip.MustParsePrefix("fd00:1::/64"), netip.MustParsePrefix("198.18.2.0/24")}
	a.Ask(order{Block: block}, nil)
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 500*time.Millisecond)
	g.alive(t)
	for _, to := range []string{"198.18.1.2:9", "[fd00:1::2]:9"} {
		if p := g.prove(a, gate.Probe{Why: gate.AddressBlocked, To: netip.MustParseAddrPort(to)}); p.Standing != gate.InEffect {
			t.Errorf("%s is blocked, and the proof says %+v", to, p)
		}
	}
	if p := g.prove(a, gate.Probe{Why: gate.AddressBlocked, To: netip.MustParseAddrPort("198.18.3.2:9")}); p.Standing != gate.NotInEffect {
		t.Errorf("another network is not blocked, and the proof says %+v", p)
	}

	a.Ask(order{Block: block[1:2]}, nil) // IPv4 is released, IPv6 stays
	g.ear.Until(t, 10*time.Second, "udp4", "tcp4", "new4", "icmp4", "raw4", "frame4", "forward4")
	g.ear.Heard()
	time.Sleep(200 * time.Millisecond)
	for what, n := range g.ear.Heard() {
		if what[len(what)-1] == '6' {
			t.Errorf("the peer heard %s %d times over a blocked network", what, n)
		}
	}
}

// A short hold on an address inside a network with a long one opens no hole when it ends.
func TestAShortHoldInsideALongOne(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	wide, narrow := netip.MustParsePrefix("198.18.1.0/24"), netip.MustParsePrefix("198.18.1.2/32")
	a.Ask(order{Until: map[netip.Prefix]time.Duration{wide: time.Hour, narrow: time.Millisecond}}, nil)
	g.host.Start(t, g.cgroup, "talk", containtest.Talk{To: peerAddrs[:1]})
	time.Sleep(50 * time.Millisecond)
	g.ear.Silence(t, 300*time.Millisecond)
	a.Ask(order{Release: true}, nil)
	g.ear.Until(t, 10*time.Second, "udp4")
}

func TestABlockedPortIsSilent(t *testing.T) {
	g := newGround(t)
	g.talk(t)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ports := []gate.Port{{Number: containtest.PortUDP, Proto: gate.UDP}, {Number: containtest.PortTCP, Proto: gate.TCP},
		{Number: containtest.PortNew, Proto: gate.TCP}, {Number: containtest.PortForward, Proto: gate.UDP}, {Number: containtest.ControlPort, Proto: gate.TCP}}
	a.Ask(order{Ports: ports}, nil)
	time.Sleep(settle)
	g.ear.Heard()
	time.Sleep(500 * time.Millisecond)
	heard := g.ear.Heard()
	for _, what := range []string{"udp4", "udp6", "tcp4", "tcp6", "new4", "new6", "forward4", "forward6"} {
		if heard[what] > 0 {
			t.Errorf("the peer heard %s %d times", what, heard[what])
		}
	}
	if heard["icmp4"] == 0 || heard["raw6"] == 0 || heard["frame4"] == 0 {
		t.Errorf("what is not blocked should go on: %v", heard)
	}
	g.alive(t)
	if p := g.prove(a, gate.Probe{Why: gate.PortBlocked, To: netip.MustParseAddrPort("198.18.1.2:7002"), Proto: gate.TCP}); p.Standing != gate.InEffect {
		t.Errorf("the port is blocked, and the proof says %+v", p)
	}
}

// One container is cut off, with what runs in cgroups below its own; its neighbour and the
// host do not notice. Frames it writes itself go through an interface of the host's.
func TestAnIsolatedContainerIsSilent(t *testing.T) {
	g := newGround(t)
	cut, other := filepath.Join(g.cgroup, "pod", "cut"), filepath.Join(g.cgroup, "pod", "other")
	below := filepath.Join(cut, "below")
	for _, dir := range []string{below, other} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a := g.agent(t)
	g.host.Start(t, cut, "talk", containtest.Talk{To: peerAddrs[:1]})
	g.host.Start(t, below, "talk", containtest.Talk{To: peerAddrs[1:]})
	g.host.Start(t, other, "talk", containtest.Talk{To: peerAddrs, Ways: []string{"forward"}})
	g.inner.Start(t, cut, "talk", containtest.Talk{Frame: &containtest.Frame{Interface: "tohost", To: g.host.Hardware(t, "toinner"),
		From: containtest.Addr("198.18.3.2"), At: peerAddrs[0]}, To: nil})
	g.line = g.host.Start(t, g.cgroup, "call", containtest.Call{To: control})
	g.ear.Until(t, 10*time.Second, every...)

	id, err := gate.CgroupID(cut)
	if err != nil {
		t.Fatal(err)
	}
	c := gate.Container{Until: gate.Forever, Level: 3, Links: []int{g.index(t, "toinner")}}
	a.Ask(order{Cut: map[uint64]gate.Container{id: c}}, nil)
	time.Sleep(settle)
	g.ear.Heard()
	time.Sleep(500 * time.Millisecond)
	heard := g.ear.Heard()
	if heard["forward4"] == 0 || heard["forward6"] == 0 {
		t.Errorf("its neighbour should go on, and the peer heard %v", heard)
	}
	delete(heard, "forward4")
	delete(heard, "forward6")
	if len(heard) > 0 {
		t.Errorf("the container was heard: %v", heard)
	}
	g.alive(t)
	g.host.Via(t, "198.18.1.2", "fd00:1::2")
	if p := g.prove(a, gate.Probe{Why: gate.ContainerHeld, Cgroup: below}); p.Standing != gate.NotInEffect {
		t.Errorf("the cgroup below is not what is held, and the proof says %+v", p)
	}
	if p := g.prove(a, gate.Probe{Why: gate.ContainerHeld, Cgroup: cut}); p.Standing != gate.InEffect || len(p.Tried) != 4 {
		t.Errorf("the container is held, and the proof says %+v", p)
	}
	a.Ask(order{Release: true}, nil)
	g.ear.Until(t, 10*time.Second, every...)
}
