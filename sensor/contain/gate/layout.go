package gate

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Until is the moment a hold ends: nanoseconds since boot, suspend included, because that is
// the clock a program in the kernel can read and nobody can set. Zero is "not held".
type Until uint64

// Forever is a hold that no clock ends.
const Forever Until = math.MaxUint64

// After is the moment so long from now; never Forever, never zero.
func After(d time.Duration) Until { return Until(int64(now()) + max(int64(d), 0) + 1) }

// Left is how long a hold still lasts, zero when it is over. It means nothing for Forever.
func (u Until) Left() time.Duration {
	if n := now(); u > n {
		return time.Duration(u - n)
	}
	return 0
}

// Holds says whether it is not over yet.
func (u Until) Holds() bool { return u == Forever || u > now() }

func now() Until {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // cannot fail: the clock exists since Linux 2.6.39
	return Until(t.Nano())
}

// The numbers of bpf/maps.h.
const (
	gateHost uint32 = iota
	gateLevels
	gateBlock4
	gateBlock6
	gatePorts
	gateLinks
	gateProbe
)

const (
	scopeHost    uint64 = 0
	scopeControl uint64 = math.MaxUint64
	deepest             = 12
)

// Layer is where in the kernel something was refused.
type Layer uint8

// The layers, as in bpf/maps.h.
const (
	Egress  Layer = iota // packets of sockets, going out
	Ingress              // packets for sockets, coming in
	Call                 // connect and sendmsg
	LinkOut              // frames leaving an interface
	LinkIn               // frames arriving at one
	Option               // setsockopt that would lead round the others
	layers
)

// Reason is why it was refused.
type Reason uint8

// The reasons, as in bpf/maps.h.
const (
	_             Reason = iota
	HostHeld             // the host is isolated
	ContainerHeld        // its container is
	LinkCut              // the interface of an isolated container
	AddressBlocked
	PortBlocked
	reasons
)

var (
	layerNames  = [layers]string{"egress", "ingress", "call", "link out", "link in", "option"}
	reasonNames = [reasons]string{"", "host", "container", "link", "address", "port"}
)

func (l Layer) String() string  { return layerNames[l] }
func (r Reason) String() string { return reasonNames[r] }

func slot(l Layer, r Reason) uint32 { return uint32(l)*uint32(reasons) + uint32(r) }

// Protocol numbers of IANA that an opening or a port block may name.
const (
	ICMP   uint8 = 1
	TCP    uint8 = 6
	UDP    uint8 = 17
	ICMPv6 uint8 = 58
)

// Opening is a conversation that stays possible: with a peer's port, or, inbound, by a peer
// with a port of this host. Only whoever may begin it is let begin it.
type Opening struct {
	Peer    netip.AddrPort // inbound: the peer's address and this host's port
	Proto   uint8
	Inbound bool
}

func (o Opening) key(scope uint64) programAllowKey {
	k := programAllowKey{Scope: scope, Addr: o.Peer.Addr().As16(), Port: bigEndian(o.Peer.Port()), Proto: o.Proto}
	if o.Inbound {
		k.Inbound = 1
	}
	return k
}

// Port is a port that is blocked: over there, or, inbound, here.
type Port struct {
	Number  uint16
	Proto   uint8
	Inbound bool
}

func (p Port) key() programPortKey {
	k := programPortKey{Proto: p.Proto, Port: bigEndian(p.Number)}
	if p.Inbound {
		k.Inbound = 1
	}
	return k
}

// bigEndian is a port as it stands in a packet, read as a number of this machine.
func bigEndian(port uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], port)
	return binary.NativeEndian.Uint16(b[:])
}

func lpm4(p netip.Prefix) programLpm4 {
	return programLpm4{Prefixlen: uint32(p.Bits()), Addr: p.Addr().As4()}
}

func lpm6(p netip.Prefix) programLpm6 {
	return programLpm6{Prefixlen: uint32(p.Bits()), Addr: p.Addr().As16()}
}
