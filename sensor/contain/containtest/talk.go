package containtest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What is said, and in which way. A listener tells them apart by port or protocol.
const (
	PortUDP     = 7001
	PortTCP     = 7002 // one connection, kept and written to
	PortNew     = 7003 // a new connection each time
	PortFrame   = 7004 // UDP in a frame written by hand, past all sockets
	PortForward = 7005 // UDP that comes from behind the host
	ProtoRaw    = 253  // RFC 3692: for experiments
	ControlPort = 7443
)

// betweenWords is long enough for a slow machine to do something else too: an emulated
// processor is told so by its environment.
var betweenWords = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("TOCSIN_TEST_PAUSE")); err == nil {
		return d
	}
	return 4 * time.Millisecond
}()

// Talk is what a talker does, all at once, until it is killed.
type Talk struct {
	To    []netip.Addr // each is spoken to in every way there is for its family
	Ways  []string     // only these, or all
	Frame *Frame       // and frames, through this interface

	// Every is the pause between two words of one way; a few milliseconds if not set.
	Every time.Duration
}

func pause(every time.Duration) time.Duration {
	if every == 0 {
		return betweenWords
	}
	return every
}

// Frame is where frames are written to.
type Frame struct {
	Interface string
	To        net.HardwareAddr
	From, At  netip.Addr // IPv4
}

var ownRoles = map[string]func(json.RawMessage) error{"talk": talk, "call": call, "idle": idle}

// idle does nothing, and reads until it is told no more.
func idle(json.RawMessage) error {
	return Answer(func(struct{}) (any, error) { return "idle", nil })
}

func talk(args json.RawMessage) error {
	var t Talk
	if err := json.Unmarshal(args, &t); err != nil {
		return err
	}
	wants := func(way string) bool {
		if len(t.Ways) == 0 {
			return true
		}
		for _, w := range t.Ways {
			if w == way {
				return true
			}
		}
		return false
	}
	for _, to := range t.To {
		for way, say := range map[string]func(netip.Addr) func() error{
			"udp": sayUDP, "tcp": sayTCP, "new": sayNew, "icmp": sayICMP, "raw": sayRaw, "forward": sayForward, "connected": sayConnected,
		} {
			if wants(way) && (way != "forward" && way != "connected" || len(t.Ways) > 0) {
				keepSaying(say(to), pause(t.Every))
			}
		}
	}
	if t.Frame != nil {
		keepSaying(sayFrame(*t.Frame), pause(t.Every))
	}
	return Answer(func(struct{}) (any, error) { return "talking", nil })
}

// keepSaying goes on whatever comes of it.
func keepSaying(say func() error, every time.Duration) {
	go func() {
		for {
			if say() != nil {
				time.Sleep(every)
			}
			time.Sleep(every)
		}
	}()
}

func sayUDP(to netip.Addr) func() error { return datagrams(netip.AddrPortFrom(to, PortUDP)) }

func sayForward(to netip.Addr) func() error { return datagrams(netip.AddrPortFrom(to, PortForward)) }

func datagrams(to netip.AddrPort) func() error {
	c, err := net.ListenUDP("udp", nil)
	return func() error {
		if err != nil {
			return err
		}
		_, err := c.WriteToUDPAddrPort([]byte("still here"), to)
		return err
	}
}

// sayConnected connects once and then writes: no call names an address any more.
func sayConnected(to netip.Addr) func() error {
	var c net.Conn
	return func() (err error) {
		if c == nil {
			if c, err = net.Dial("udp", netip.AddrPortFrom(to, PortUDP).String()); err != nil {
				c = nil
				return err
			}
		}
		_, err = c.Write([]byte("still here"))
		return err
	}
}

func sayTCP(to netip.Addr) func() error {
	var c net.Conn
	return func() (err error) {
		if c == nil {
			d := net.Dialer{Timeout: time.Second}
			if c, err = d.Dial("tcp", netip.AddrPortFrom(to, PortTCP).String()); err != nil {
				c = nil
				return err
			}
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err = c.Write([]byte("still here")); err != nil {
			_ = c.Close()
			c = nil
		}
		return err
	}
}

func sayNew(to netip.Addr) func() error {
	return func() error {
		d := net.Dialer{Timeout: 200 * time.Millisecond}
		c, err := d.Dial("tcp", netip.AddrPortFrom(to, PortNew).String())
		if err != nil {
			return err
		}
		_ = c.(*net.TCPConn).SetLinger(0) // no ports left waiting behind a thousand of these
		return c.Close()
	}
}

func sayICMP(to netip.Addr) func() error {
	network, echo := "ip4:icmp", []byte{8, 0, 0, 0, 0, 1, 0, 1}
	if to.Is6() {
		network, echo = "ip6:ipv6-icmp", []byte{128, 0, 0, 0, 0, 1, 0, 1}
	} else {
		binary.BigEndian.PutUint16(echo[2:], checksum(echo))
	}
	return packets(network, to, echo)
}

func sayRaw(to netip.Addr) func() error {
	network := fmt.Sprintf("ip4:%d", ProtoRaw)
	if to.Is6() {
		network = fmt.Sprintf("ip6:%d", ProtoRaw)
	}
	return packets(network, to, []byte("still here"))
}

func packets(network string, to netip.Addr, what []byte) func() error {
	c, err := net.ListenPacket(network, "")
	return func() error {
		if err != nil {
			return err
		}
		_, err := c.WriteTo(what, &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()})
		return err
	}
}

func sayFrame(f Frame) func() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return func() error { return err }
	}
	i, err := net.InterfaceByName(f.Interface)
	if err != nil {
		return func() error { return err }
	}
	frame := append(append(append([]byte(nil), f.To...), i.HardwareAddr...), 0x08, 0x00)
	frame = append(frame, ip4(f.From, f.At, PortFrame)...)
	// It claims to be ARP to whoever believes the address and not the frame.
	to := &unix.SockaddrLinklayer{Protocol: 0x0608, Ifindex: i.Index, Halen: 6}
	copy(to.Addr[:], f.To)
	return func() error { return unix.Sendto(fd, frame, 0, to) }
}

func ip4(from, to netip.Addr, port uint16) []byte {
	p := make([]byte, 20+8+4)
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], from.AsSlice())
	copy(p[16:], to.AsSlice())
	binary.BigEndian.PutUint16(p[10:], checksum(p[:20]))
	binary.BigEndian.PutUint16(p[20:], port)
	binary.BigEndian.PutUint16(p[22:], port)
	binary.BigEndian.PutUint16(p[24:], 12)
	return p
}

func checksum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// Call keeps up the control channel: one connection, a byte there and back, over and over.
type Call struct {
	To    netip.AddrPort
	Every time.Duration // as in Talk
}

// Line is how the control channel fares.
type Line struct {
	Answers int           // since the last time this was asked
	Longest time.Duration // between two answers, up to now
	Dials   int           // connections made in all
}

func call(args json.RawMessage) error {
	var c Call
	if err := json.Unmarshal(args, &c); err != nil {
		return err
	}
	var answers, dials, longest, last atomic.Int64
	last.Store(time.Now().UnixNano())
	go func() {
		for ; ; time.Sleep(pause(c.Every)) {
			conn, err := net.DialTimeout("tcp", c.To.String(), time.Second)
			if err != nil {
				continue
			}
			dials.Add(1)
			for b := make([]byte, 1); ; time.Sleep(pause(c.Every)) {
				_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
				if _, err := conn.Write(b); err != nil {
					break
				}
				if _, err := conn.Read(b); err != nil {
					break
				}
				now := time.Now().UnixNano()
				longest.Store(max(longest.Load(), now-last.Load()))
				last.Store(now)
				answers.Add(1)
			}
			_ = conn.Close()
		}
	}()
	return Answer(func(struct{}) (any, error) {
		gap := max(longest.Swap(0), time.Now().UnixNano()-last.Load())
		return Line{Answers: int(answers.Swap(0)), Longest: time.Duration(gap), Dials: int(dials.Load())}, nil
	})
}
