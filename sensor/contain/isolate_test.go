package contain_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest/agent"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"

	"github.com/vishvananda/netlink"
)

// From the signed order to proof to release, with an agent that is killed in between.
func TestAHostIsIsolatedProvedAndReleased(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)

	order1 := g.signed(t, directive.Isolate, nil)
	d := ask(t, a, order{Envelope: order1})
	if d.Receipt.Done != contain.Held || d.Receipt.Sockets == nil || d.Receipt.Sockets.Closed < 2 {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	time.Sleep(settle)
	g.ear.Heard()
	if d := ask(t, a, order{Tick: true}); len(d.Notices) != 1 || d.Notices[0].What != contain.Reached {
		t.Errorf("notices: %+v", d.Notices)
	}
	a.Kill()
	a = g.agent(t) // it is told nothing: it remembers
	if p := ask(t, a, order{Verify: "D-1"}).Proof; p.Standing != gate.InEffect {
		t.Errorf("proof: %+v", p)
	}
	g.ear.Silence(t, 300*time.Millisecond)
	var again done
	a.Ask(order{Envelope: order1}, &again)
	if again.Refused != directive.Replayed {
		t.Errorf("the same order again: %+v", again)
	}
	if d := ask(t, a, order{Envelope: g.signed(t, directive.Release, release("D-1"))}); d.Receipt.Done != contain.Released {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	g.ear.Until(t, 10*time.Second, every...)
	if err := a.Try(order{Verify: "D-1"}, nil); err == nil || !strings.Contains(err.Error(), contain.ErrNotHeld.Error()) {
		t.Errorf("proof after the release: %v", err)
	}
}

// An intruder cuts the control channel's wire once the first minute is over. The host stays
// cut off, for as long as it takes, and a code at its console lets it go, once.
func TestCuttingTheWireFreesNobody(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	time.Sleep(settle)
	g.ear.Heard()
	ask(t, a, order{Tick: true})
	g.host.Try(t, func() error {
		l, err := netlink.LinkByName("toserver")
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(l)
	})
	for range 20 {
		if d := ask(t, a, order{Tick: true, Later: time.Minute}); len(d.Notices) > 0 {
			t.Errorf("notices: %+v", d.Notices)
		}
	}
	a.Kill()
	g.settings.Later = 20 * time.Minute
	a = g.agent(t)
	ask(t, a, order{Tick: true, Later: 10 * time.Minute})
	g.ear.Silence(t, 500*time.Millisecond)
	// After its time it asks, and stays.
	d := ask(t, a, order{Tick: true, Later: time.Hour})
	if len(d.Notices) != 1 || d.Notices[0].What != contain.Over {
		t.Errorf("notices: %+v", d.Notices)
	}
	g.ear.Silence(t, 300*time.Millisecond)

	var nonce [8]byte
	_, _ = rand.Read(nonce[:])
	mint := func(hold string) string {
		return directive.MintCode(agent.Key, "acme", "web-3", hold, time.Now().Add(3*time.Hour), nonce)
	}
	var wrong done
	a.Ask(order{Code: mint("D-9")}, &wrong)
	if wrong.Refused != directive.BadCode {
		t.Errorf("a code for another hold: %+v", wrong)
	}
	code := mint("D-1")
	if d := ask(t, a, order{Code: code}); d.Receipt.Done != contain.Released || d.Receipt.ID != "D-1" {
		t.Errorf("receipt: %+v", d.Receipt)
	}
	g.ear.Until(t, 10*time.Second, "udp4", "icmp6", "raw4", "frame4")
	a.Ask(order{Code: code}, &wrong)
	if wrong.Refused != directive.BadCode {
		t.Errorf("the code again: %+v", wrong)
	}
}

// The control channel does not live through the isolation: within the first minute, and not
// before it was tried for a while, it is rolled back.
func TestRolledBackInTheFirstMinute(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.hangUp()
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	time.Sleep(settle)
	g.ear.Heard()
	for range 4 {
		if d := ask(t, a, order{Tick: true, Later: 10 * time.Second}); len(d.Notices) > 0 {
			t.Errorf("too early: %+v", d.Notices)
		}
	}
	g.ear.Silence(t, 100*time.Millisecond)
	d := ask(t, a, order{Tick: true, Later: 8 * time.Second})
	if len(d.Notices) != 1 || d.Notices[0].What != contain.RolledBack {
		t.Fatalf("notices: %+v", d.Notices)
	}
	g.ear.Until(t, 10*time.Second, "udp4", "icmp6", "raw4", "frame4")
}

// The agent is killed within the first minute, before it has tested anything, and comes back
// after it: too late for a roll-back.
func TestKilledInTheFirstMinute(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.hangUp()
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	a.Kill()
	time.Sleep(settle)
	g.ear.Heard()
	g.settings.Later = 61 * time.Second
	a = g.agent(t)
	if d := ask(t, a, order{Tick: true}); len(d.Notices) != 1 || d.Notices[0].What != contain.Stays {
		t.Errorf("notices: %+v", d.Notices)
	}
	ask(t, a, order{Tick: true, Later: time.Minute})
	g.ear.Silence(t, 300*time.Millisecond)
}

// Two incidents hold the same host, one of them for a short time only and letting somebody in.
// The end of one does not free it, and nobody is let in whom the other does not let in.
func TestTwoHoldsOnOneHost(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, func(d *directive.Directive) {
		d.TTL, d.OnExpiry = 300, directive.LetGo
		d.Isolate.Open = []directive.Opening{{Peer: mustAddrPort("198.18.1.2:7001"), Proto: "udp"}}
	})})
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, 500*time.Millisecond)
	if d := ask(t, a, order{Tick: true}); !told(d, contain.Ended) {
		t.Errorf("notices: %+v", d.Notices)
	}
	g.ear.Silence(t, 200*time.Millisecond)
	ask(t, a, order{Envelope: g.signed(t, directive.Release, release("D-1"))})
	g.ear.Until(t, 10*time.Second, "udp4", "icmp6")
}

// What the plan names stays open, and nothing else of the same peer.
func TestWhatThePlanNamesStaysOpen(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, func(d *directive.Directive) {
		d.Isolate.Open = []directive.Opening{{Peer: mustAddrPort("198.18.1.2:7001"), Proto: "udp"}, {Peer: mustAddrPort("[fd00:1::2]:7003"), Proto: "tcp"}}
	})})
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Until(t, 5*time.Second, "udp4", "new6")
	time.Sleep(300 * time.Millisecond)
	heard := g.ear.Heard()
	delete(heard, "udp4")
	delete(heard, "new6")
	delete(heard, "reset6") // as the talker ends its connections
	if len(heard) > 0 {
		t.Errorf("heard besides: %v", heard)
	}
}

// An isolation that lets go does so in the kernel, with the agent dead.
func TestAHoldThatLetsGo(t *testing.T) {
	g := newGround(t)
	g.talk(t, g.cgroup)
	a := g.agent(t)
	g.ear.Until(t, 10*time.Second, every...)
	const ttl = 1500 * time.Millisecond
	began := time.Now()
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, func(d *directive.Directive) { d.TTL, d.OnExpiry = ttl.Milliseconds(), directive.LetGo })})
	a.Kill()
	time.Sleep(settle)
	g.ear.Heard()
	g.ear.Silence(t, ttl-time.Since(began)-20*time.Millisecond)
	g.ear.Until(t, 10*time.Second, "udp4", "udp6", "icmp4", "raw6", "frame4")
	if time.Since(began) < ttl {
		t.Error("it let go too early")
	}
	a = g.agent(t)
	if d := ask(t, a, order{Tick: true}); !told(d, contain.Ended) {
		t.Errorf("notices: %+v", d.Notices)
	}
}

// The disk is full, by an intruder's doing: the host is isolated all the same.
func TestAFullDiskKeepsNobodyFree(t *testing.T) {
	g := newGround(t)
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		containtest.Missing(t, "no small disk: "+err.Error())
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	g.settings.State = disk + "/state"
	agent.Enrol(t, g.settings.State)
	a := g.agent(t)
	fill(t, disk+"/fill")
	ask(t, a, order{Envelope: g.signed(t, directive.Isolate, nil)})
	if p := ask(t, a, order{Verify: "D-1"}).Proof; p.Standing != gate.InEffect {
		t.Errorf("proof: %+v", p)
	}
}
