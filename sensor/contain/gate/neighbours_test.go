package gate_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/vishvananda/netlink"
)

// The network of the containers has a filter of its own, which lets frames out without asking
// anybody after it. Before Linux 6.6 the last that comes is the first that is asked: the gate
// is in front whoever came first, and stays there when somebody comes later.
func TestSomebodyElsesFilterIsBehind(t *testing.T) {
	for _, first := range []string{"theirs", "ours"} {
		t.Run(first+" first", func(t *testing.T) {
			g := newGround(t)
			g.place.NoTCX = true
			g.talk(t)
			if first == "theirs" {
				g.host.LetOut(t, "topeer", containtest.Pass(t))
			}
			a := g.agent(t)
			g.ear.Until(t, 10*time.Second, every...)
			a.Ask(order{Isolate: -1}, nil)
			if first == "ours" {
				g.host.LetOut(t, "topeer", containtest.Pass(t))
				time.Sleep(200 * time.Millisecond) // it is pushed back as soon as it is seen
			}
			time.Sleep(settle)
			g.ear.Heard()
			g.ear.Silence(t, 300*time.Millisecond)
			a = g.replaced(t, a, 5, 30*time.Millisecond)
			g.ear.Silence(t, 300*time.Millisecond)
			g.alive(t)
			a.Ask(order{Release: true}, nil)
			g.ear.Until(t, 10*time.Second, every...)
		})
	}
}

// A filter of another kind has the best priority there is: the gate comes second. What has a
// socket is silent; that the rest may not be is said by the report, and found out by the proof.
func TestAFilterInFrontIsSaid(t *testing.T) {
	g := newGround(t)
	g.place.NoTCX = true
	g.talk(t)
	g.host.LetOut(t, "topeer", &netlink.U32{ClassId: netlink.MakeHandle(1, 1)})
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	a.Ask(order{Isolate: -1}, nil)
	time.Sleep(settle)
	g.ear.Heard()
	time.Sleep(300 * time.Millisecond)
	heard := g.ear.Heard()
	for _, what := range []string{"frame4", "forward4", "forward6"} {
		delete(heard, what)
	}
	if len(heard) > 0 {
		t.Errorf("sockets are heard: %v", heard)
	}
	var r gate.Report
	a.Ask(order{Report: true}, &r)
	if len(r.Missing) != 1 || !strings.Contains(r.Missing[0].Why, "u32") {
		t.Errorf("missing: %+v", r.Missing)
	}
	var p gate.Proof
	a.Ask(order{Prove: &gate.Probe{Why: gate.HostHeld}}, &p)
	if p.Standing != gate.NotInEffect {
		t.Errorf("proof: %+v", p)
	}
}

// No place is left for the gate on an interface. The proof does not say "in effect".
func TestAnInterfaceWithoutAGateIsNoProof(t *testing.T) {
	g := newGround(t)
	g.place.NoTCX = true
	for priority := range uint16(16) {
		g.host.LetOut(t, "topeer", &netlink.U32{FilterAttrs: netlink.FilterAttrs{Priority: priority + 1}, ClassId: netlink.MakeHandle(1, 1)})
	}
	a := g.agent(t)
	a.Ask(order{Isolate: -1}, nil)
	var r gate.Report
	a.Ask(order{Report: true}, &r)
	var p gate.Proof
	a.Ask(order{Prove: &gate.Probe{Why: gate.HostHeld}}, &p)
	if len(r.Missing) != 1 || p.Standing != gate.NotInEffect {
		t.Errorf("missing: %+v\nproof: %+v", r.Missing, p)
	}
}

// Somebody, a service manager say, attached a program alone to a cgroup below: it lets
// everything pass, and takes the gate's place nowhere.
func TestAnExclusiveProgramBelowTakesNothingAway(t *testing.T) {
	g := newGround(t)
	service := g.cgroup + "/service"
	if err := os.Mkdir(service, 0o755); err != nil {
		t.Fatal(err)
	}
	containtest.AttachAlone(t, service)
	g.host.Start(t, service, "talk", containtest.Talk{To: peerAddrs})
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, "udp4", "tcp6", "raw4")
	a.Ask(order{Isolate: -1}, nil)
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 500*time.Millisecond)
}

// Somebody has the cgroup itself for themselves. The gate cannot be, and says who it is.
func TestAnExclusiveProgramInItsPlaceIsNamed(t *testing.T) {
	g := newGround(t)
	containtest.AttachAlone(t, g.cgroup)
	a := g.host.Start(t, g.cgroup, "agent", g.place)
	if err := a.Hear(nil); err == nil || !strings.Contains(err.Error(), "others") {
		t.Errorf("it says: %v", err)
	}
}
