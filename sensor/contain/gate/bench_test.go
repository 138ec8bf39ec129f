package gate_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"golang.org/x/sys/unix"
)

// measured is a figure: what, and the times it took, sorted.
type measured struct {
	What  string
	Took  []time.Duration
	Aim   string
	Leaks int // packets that passed after the gate was closed
}

func (m measured) at(p int) time.Duration { return m.Took[min(len(m.Took)*p/100, len(m.Took)-1)] }

// BenchmarkAimGate measures in a process of its own, in a namespace and a cgroup of its own,
// and prints each figure beside what SENSOR.md says. -benchtime does not matter to it.
func BenchmarkAimGate(b *testing.B) {
	host := containtest.NewHost(b, "host")
	peer := containtest.NewHost(b, "peer")
	containtest.Wire(b, containtest.Plugged(host, "topeer", "198.18.1.1/24"), containtest.Plugged(peer, "tohost", "198.18.1.2/24"))
	place := gate.Place{Cgroup: containtest.Cgroup(b), Pins: containtest.Pins(b), OnlyOwnNet: true}
	p := host.Start(b, place.Cgroup, "measure", place)
	for {
		var m measured
		if err := p.Hear(&m); err != nil {
			b.Fatal(err)
		}
		if m.What == "" {
			break
		}
		line := fmt.Sprintf("%-58s p50 %10v  p99 %10v  (n=%d)", m.What, m.at(50), m.at(99), len(m.Took))
		if m.Aim != "" {
			line += "  aim: " + m.Aim
		}
		b.Log(line)
		if m.Leaks > 0 {
			b.Errorf("%s: %d packets passed", m.What, m.Leaks)
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)

func measure(args json.RawMessage) error {
	var place gate.Place
	if err := json.Unmarshal(args, &place); err != nil {
		return err
	}
	send, err := sender()
	if err != nil {
		return err
	}
	report := func(m measured) {
		slices.Sort(m.Took)
		containtest.Say(m, nil)
	}
	report(cost("a datagram, without a gate", send))

	open := measured{What: "load, attach 7 hooks and 1 interface", Aim: "0.16 ms per cgroup hook"}
	var g *gate.Gate
	for range 20 {
		if g != nil {
			if err := g.Remove(); err != nil {
				return err
			}
		}
		began := time.Now()
		if g, err = gate.Open(place, quiet); err != nil {
			return err
		}
		open.Took = append(open.Took, time.Since(began))
	}
	report(open)
	report(cost("a datagram, gate open", send))

	flip := measured{What: "map flip to first refused datagram", Aim: "1.0 µs p50, 3.8 µs p99 (measured before)"}
	whole := measured{What: "Set to first refused datagram"}
	for m, set := range map[*measured]func(gate.Until) error{
		&flip:  g.Flip,
		&whole: func(u gate.Until) error { return g.Set(gate.Wanted{Host: u}) },
	} {
		for range 1000 {
			if err := set(0); err != nil {
				return err
			}
			if err := send(); err != nil {
				return fmt.Errorf("gate open: %w", err)
			}
			began := time.Now()
			if err := set(gate.Forever); err != nil {
				return err
			}
			if err := send(); !errors.Is(err, unix.EPERM) {
				m.Leaks++
			}
			m.Took = append(m.Took, time.Since(began))
		}
		if err := set(0); err != nil {
			return err
		}
	}
	report(flip)
	report(whole)
	if err := measureBlocks(g, send, report); err != nil {
		return err
	}
	over := measured{What: "take-over with 65,000 networks held"}
	for range 5 {
		_ = g.Close()
		began := time.Now()
		if g, err = gate.Open(place, quiet); err != nil {
			return err
		}
		over.Took = append(over.Took, time.Since(began))
	}
	report(over)
	if err := g.Remove(); err != nil {
		return err
	}
	report(measured{})
	return nil
}

func measureBlocks(g *gate.Gate, send func() error, report func(measured)) error {
	block := map[netip.Prefix]gate.Until{}
	for i := range 65_000 {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000+uint32(i)*251)
		block[netip.PrefixFrom(netip.AddrFrom4(a), 32-i%5).Masked()] = gate.Forever
	}
	began := time.Now()
	if err := g.Block(block); err != nil {
		return err
	}
	report(measured{What: fmt.Sprintf("blocking %d networks", len(block)), Took: []time.Duration{time.Since(began)}})
	report(cost("a datagram, 65,000 networks blocked", send))
	one := measured{What: "one more network to first refused datagram"}
	peer := netip.MustParsePrefix("198.18.1.2/32")
	for range 20 {
		began := time.Now()
		block[peer] = gate.Forever
		if err := g.Block(block); err != nil {
			return err
		}
		if err := send(); !errors.Is(err, unix.EPERM) {
			one.Leaks++
		}
		one.Took = append(one.Took, time.Since(began))
		delete(block, peer)
		if err := g.Block(block); err != nil {
			return err
		}
	}
	report(one)
	return nil
}

// sender sends a datagram on a connected socket: only the packet programs see it.
func sender() (func() error, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{198, 18, 1, 2}, Port: 9}); err != nil {
		return nil, err
	}
	what := []byte("x")
	return func() error {
		_, err := unix.Write(fd, what)
		if errors.Is(err, unix.ECONNREFUSED) { // nobody listens over there
			_, err = unix.Write(fd, what)
		}
		return err
	}, nil
}

func cost(what string, send func() error) measured {
	m := measured{What: what}
	for range 20_000 {
		began := time.Now()
		_ = send()
		m.Took = append(m.Took, time.Since(began))
	}
	return m
}
