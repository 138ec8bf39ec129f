package gate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"
)

const (
	packetQdiscBypass = 20
	bigOption         = 3 * 4096
)

// bypass is an intruder who asks for the option that leads past tc, and a program that sets
// an option longer than a page.
func bypass(json.RawMessage) error {
	before, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(before) }()
	return containtest.Answer(func(struct{}) (any, error) {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			return nil, err
		}
		defer func() { _ = unix.Close(fd) }()
		got := map[string]string{"bypass": "set", "long": "set"}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, packetQdiscBypass, 1); err != nil {
			got["bypass"] = err.Error()
		}
		long := strings.Repeat("\x00", bigOption)
		if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, long); err != nil {
			got["long"] = err.Error()
		}
		return got, nil
	})
}

func TestNoOptionLeadsRoundTheGate(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	p := g.host.Start(t, g.cgroup, "bypass", nil)
	try := func(bypass string) {
		t.Helper()
		var got map[string]string
		p.Ask(struct{}{}, &got)
		if got["bypass"] != bypass || got["long"] != "set" {
			t.Errorf("options: %v; the bypass should be %q", got, bypass)
		}
	}
	try("set")
	a.Ask(order{Isolate: -1}, nil)
	try(unix.EPERM.Error())
	// What it opened before it keeps, and the proof names it.
	proof := g.prove(a, gate.Probe{Why: gate.HostHeld})
	if !slices.ContainsFunc(proof.Gaps, func(gap string) bool { return strings.Contains(gap, fmt.Sprintf("process %d ", p.PID())) }) {
		t.Errorf("the proof does not name the intruder's packet socket: %+v", proof)
	}
	a.Ask(order{Release: true}, nil)
	try("set")
}

// Whoever tries learns at once, and what stays on the machine works.
func TestAnErrnoAtOnce(t *testing.T) {
	g := newGround(t)
	a := g.agent(t)
	p := g.host.Start(t, g.cgroup, "dial", nil)
	a.Ask(order{Isolate: -1}, nil)
	for addr, want := range map[string]error{
		"tcp 198.18.1.2:7002":        unix.EPERM,
		"tcp [fd00:1::2]:7002":       unix.EPERM,
		"udp 198.18.1.2:53":          unix.EPERM, // no DNS either
		"tcp [::ffff:198.18.1.2]:80": unix.EPERM,
		"tcp 198.18.2.2:7443":        nil, // the control channel
		"tcp 198.18.2.2:22":          unix.EPERM,
		"tcp 127.0.0.1:1":            unix.ECONNREFUSED,
		"tcp [::1]:1":                unix.ECONNREFUSED,
	} {
		var got string
		p.Ask(addr, &got)
		if wanted := errno(want); got != wanted {
			t.Errorf("%s: %q, not %q", addr, got, wanted)
		}
	}
}

func errno(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func dial(json.RawMessage) error {
	return containtest.Answer(func(addr string) (any, error) {
		network, to, _ := strings.Cut(addr, " ")
		began := time.Now()
		c, err := net.DialTimeout(network, to, 3*time.Second)
		if err == nil {
			return "", c.Close()
		}
		if took := time.Since(began); took > time.Second {
			return nil, err
		}
		var no syscall.Errno
		errors.As(err, &no)
		return errno(no), nil
	})
}

// Somebody on the wire takes the control channel's address: it may not call the host, only
// answer it.
func TestTheControlChannelIsNoDoorIn(t *testing.T) {
	g := newGround(t)
	listening := g.host.Start(t, g.cgroup, "accept", nil)
	if err := listening.Hear(nil); err != nil {
		t.Fatal(err)
	}
	a := g.agent(t)
	g.hangUp()
	call := func() error {
		var err error
		g.server.On(func() {
			d := net.Dialer{Timeout: 300 * time.Millisecond, LocalAddr: &net.TCPAddr{Port: int(control.Port())}}
			var c net.Conn
			if c, err = d.Dial("tcp", "198.18.2.1:7002"); err == nil {
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		})
		return err
	}
	if err := call(); err != nil {
		t.Fatalf("before: %v", err)
	}
	a.Ask(order{Isolate: -1}, nil)
	if err := call(); err == nil {
		t.Error("a connection came in from the control channel's address and port")
	}
}

func accept(json.RawMessage) error {
	l, err := net.Listen("tcp", ":7002")
	containtest.Say("listening", err)
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			_ = c.Close()
		}
	}
	return err
}
