package containtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Ear counts what arrives on the wires of a host, below everything that could hide it: at
// AF_PACKET, every frame that is not outgoing.
type Ear struct {
	name string
	take func() map[string]int // what arrived since the last time
}

// Afar is the ear of a host that is elsewhere and tells, when asked, what it heard since the
// last time.
func Afar(name string, take func() map[string]int) *Ear { return &Ear{name: name, take: take} }

// Listen begins counting, and answers the talkers: it accepts their connections, as a
// process of that host would.
func (h *Host) Listen(t testing.TB) *Ear {
	t.Helper()
	c := &counter{seen: map[string]int{}}
	h.Try(t, func() (err error) {
		c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0x0300)
		if err != nil {
			return err
		}
		return unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	})
	h.Accept(t, PortTCP)
	h.Accept(t, PortNew)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c.listen(stop)
	}()
	t.Cleanup(func() { close(stop); <-done; _ = unix.Close(c.fd) })
	return Afar(h.Name, c.take)
}

// Accept takes every connection to the port and gives back what is said, until stopped.
func (h *Host) Accept(t testing.TB, port int) (stop func()) {
	t.Helper()
	var l net.Listener
	h.Try(t, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf(":%d", port))
		return err
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	stop = func() { _ = l.Close() }
	t.Cleanup(stop)
	return stop
}

type counter struct {
	fd   int
	mu   sync.Mutex // guards seen
	seen map[string]int
}

func (c *counter) listen(stop chan struct{}) {
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			continue // nothing came in a tenth of a second
		}
		if l, ok := from.(*unix.SockaddrLinklayer); ok && l.Pkttype != unix.PACKET_OUTGOING {
			what := Kind(buf[:n])
			c.mu.Lock()
			c.seen[what]++
			c.mu.Unlock()
		}
	}
}

func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = map[string]int{}
	return seen
}

// Heard is what arrived since the last time this was asked, by kind, without what neighbours
// need to find each other.
func (e *Ear) Heard() map[string]int {
	seen := e.take()
	maps.DeleteFunc(seen, func(what string, _ int) bool { return strings.HasPrefix(what, "neighbour") })
	return seen
}

// Until waits until each of the kinds was heard, and fails the test when that takes longer.
func (e *Ear) Until(t testing.TB, most time.Duration, kinds ...string) {
	t.Helper()
	all := map[string]int{}
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for k, n := range e.Heard() {
			all[k] += n
		}
		if !slices.ContainsFunc(kinds, func(k string) bool { return all[k] == 0 }) {
			return
		}
	}
	t.Fatalf("%s heard %v within %v, not all of %q", e.name, all, most, kinds)
}

// Silence fails the test for whatever arrives during the time.
func (e *Ear) Silence(t testing.TB, during time.Duration) {
	t.Helper()
	time.Sleep(during)
	if heard := e.Heard(); len(heard) > 0 {
		t.Errorf("%s should hear nothing, and heard %v", e.name, heard)
	}
}

// Kind names a frame: the way it was said, and the family.
func Kind(frame []byte) string {
	if len(frame) < 14 {
		return "short"
	}
	body := frame[14:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0806:
		return "neighbour arp"
	case 0x0800:
		if len(body) < 20 {
			return "short"
		}
		return kind("4", body[9], body[int(body[0]&15)*4:])
	case 0x86dd:
		if len(body) < 40 {
			return "short"
		}
		if body[6] == 0 { // hop-by-hop: MLD
			return "neighbour mld"
		}
		return kind("6", body[6], body[40:])
	}
	return fmt.Sprintf("ethertype %x", frame[12:14])
}

func kind(family string, proto byte, body []byte) string {
	if len(body) < 4 {
		return "short"
	}
	port := func() int { return int(binary.BigEndian.Uint16(body[2:])) }
	switch {
	case proto == 58 && body[0] >= 133 && body[0] <= 136:
		return "neighbour nd"
	case proto == 1 && body[0] == 0, proto == 58 && body[0] == 129:
		return "reply" + family
	case proto == 1 || proto == 58:
		return "icmp" + family
	case proto == ProtoRaw:
		return "raw" + family
	case proto == 6 && len(body) >= 20 && body[13]&4 != 0:
		return "reset" + family
	case proto == 6 && port() == PortTCP:
		return "tcp" + family
	case proto == 6 && port() == PortNew:
		return "new" + family
	case proto == 17 && port() == PortUDP:
		return "udp" + family
	case proto == 17 && port() == PortFrame:
		return "frame" + family
	case proto == 17 && port() == PortForward:
		return "forward" + family
	}
	return fmt.Sprintf("proto %d port %d over IPv%s", proto, port(), family)
}

// Hardware is the address of an interface.
func (h *Host) Hardware(t testing.TB, name string) (addr net.HardwareAddr) {
	t.Helper()
	h.Try(t, func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			addr = i.HardwareAddr
		}
		return err
	})
	return addr
}

// Addr is an address, or the test's author made a mistake.
func Addr(text string) netip.Addr { return netip.MustParseAddr(text) }
