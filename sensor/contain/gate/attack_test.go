package gate_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// An intruder kills the agent again and again while the host keeps trying to talk; the agent
// is started again each time and takes over. Not one packet gets out.
func TestKillingTheAgentOpensNothing(t *testing.T) {
	for name, noTCX := range map[string]bool{"tcx": false, "clsact": true} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			g.place.NoTCX = noTCX
			g.talk(t)
			a := g.agent(t)
			g.ear.Until(t, 10*time.Second, every...)
			a.Ask(order{Isolate: -1}, nil)
			time.Sleep(settle)
			g.ear.Heard()

			for range 5 {
				a.Kill()
				time.Sleep(50 * time.Millisecond)
				a = g.agent(t)
				a.Ask(order{Isolate: -1}, nil) // as it restores what it holds
				time.Sleep(50 * time.Millisecond)
			}
			a = g.replaced(t, a, 8, 5*time.Millisecond)
			g.ear.Silence(t, 200*time.Millisecond)
			g.alive(t)

			a.Ask(order{Release: true}, nil)
			g.ear.Until(t, 10*time.Second, every...)
		})
	}
}

// A hold that ends by itself does so with the agent dead, on time; until then nothing passes.
func TestAHoldEndsInTheKernel(t *testing.T) {
	g := newGround(t)
	g.talk(t)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	const held = 2 * time.Second
	began := time.Now()
	a.Ask(order{Isolate: held}, nil)
	a.Kill()
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, held-time.Since(began)-20*time.Millisecond)
	g.ear.Until(t, 10*time.Second, every...)
	if took := time.Since(began); took < held {
		t.Errorf("the hold ended after %v, before its %v were over", took, held)
	} else {
		t.Logf("everything was heard again %v after the end", took-held)
	}
}

// What somebody plugs in later is covered too, and from its first packet for whoever has a socket.
func TestALaterInterfaceIsCovered(t *testing.T) {
	g := newGround(t)
	g.line = g.host.Start(t, g.cgroup, "call", containtest.Call{To: control})
	a := g.agent(t)
	a.Ask(order{Isolate: -1}, nil)
	late := containtest.NewHost(t, "late")
	ear := late.Listen(t)
	containtest.Wire(t, containtest.Plugged(g.host, "tolate", "198.18.4.1/24", "fd00:4::1/64"), containtest.Plugged(late, "tohost", "198.18.4.2/24", "fd00:4::2/64"))
	until(t, "the interface is covered", func() bool {
		var r gate.Report
		a.Ask(order{Report: true}, &r)
		for _, l := range r.Links {
			if l.Name == "tolate" {
				return true
			}
		}
		return false
	})
	frame := &containtest.Frame{Interface: "tolate", To: late.Hardware(t, "tohost"), From: containtest.Addr("198.18.4.1"), At: containtest.Addr("198.18.4.2")}
	g.host.Start(t, g.cgroup, "talk", containtest.Talk{To: peersOf("198.18.4.2", "fd00:4::2"), Frame: frame})
	ear.Silence(t, 500*time.Millisecond)
	a.Ask(order{Release: true}, nil)
	ear.Until(t, 10*time.Second, "udp4", "udp6", "frame4", "icmp4", "raw6")
}

// Live connections end at once on this side, in every network namespace, but for the control
// channel and for whoever lives in another cgroup.
func TestLiveSocketsAreDestroyed(t *testing.T) {
	g := newGround(t)
	g.place.OnlyOwnNet = false
	g.talk(t)
	g.inner.Start(t, g.cgroup, "talk", containtest.Talk{To: peerAddrs, Ways: []string{"connected"}})
	other := g.host.Start(t, containtest.Cgroup(t), "call", containtest.Call{To: netip.MustParseAddrPort("198.18.1.2:7002")})
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	a.Ask(order{Isolate: -1}, nil)
	var d gate.Destroyed
	a.Ask(order{Destroy: true}, &d)
	if d.Closed < 6 || d.Left > 0 { // TCP and connected UDP, over IPv4 and IPv6; and UDP of the container's
		t.Errorf("destroyed: %+v", d)
	}
	t.Logf("destroyed: %+v", d)
	g.alive(t)
	a.Ask(order{Release: true}, nil)
	var l containtest.Line
	other.Ask(struct{}{}, &l)
	if l.Dials != 1 {
		t.Errorf("somebody in another cgroup lost their connection: %+v", l)
	}
}

// Verify tries to get out, and tells three answers apart.
func TestProofIsTried(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	prove := func() (p gate.Proof) {
		t.Helper()
		a.Ask(order{Prove: &gate.Probe{Why: gate.HostHeld}}, &p)
		return p
	}
	if p := prove(); p.Standing != gate.NotInEffect {
		t.Errorf("nothing is held, and the proof says %+v", p)
	}
	a.Ask(order{Isolate: -1}, nil)
	// The host has no default route: what goes to nobody's address is refused by routing, and
	// no packet reaches the gate. Its interfaces and calls are tried all the same.
	p := prove()
	if p.Standing != gate.InEffect {
		t.Errorf("held, and the proof says %+v", p)
	}
	t.Logf("%+v", p)
	g.host.Via(t, "198.18.1.2", "fd00:1::2")
	p = prove()
	for _, tried := range p.Tried {
		if !tried.Refused && !strings.Contains(tried.Said, "down") {
			t.Errorf("not refused: %+v", tried)
		}
	}
	if p.Standing != gate.InEffect || len(p.Tried) < 7 {
		t.Errorf("held, and the proof says %+v", p)
	}
	g.detach(t, "egress")
	if p := prove(); p.Standing != gate.NotInEffect || len(p.Gaps) == 0 {
		t.Errorf("the program was taken off, and the proof says %+v", p)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within five seconds", what)
}
