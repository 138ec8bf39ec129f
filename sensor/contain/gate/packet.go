package gate

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ProbePacket sends one packet that is to be refused, in a process of its own: Prove starts
// the agent's program with these words inside a container. A nil error means that it was sent.
func ProbePacket(words []string) error {
	if len(words) != 4 {
		return fmt.Errorf("send a probe: %d words, not 4", len(words))
	}
	layer, err1 := strconv.ParseUint(words[0], 10, 8)
	mark, err2 := strconv.ParseUint(words[1], 10, 32)
	proto, err3 := strconv.ParseUint(words[2], 10, 8)
	to, err4 := netip.ParseAddrPort(words[3])
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return fmt.Errorf("send a probe: %w", err)
		}
	}
	return send(Layer(layer), uint32(mark), uint8(proto), to)
}

func probeWords(layer Layer, mark uint32, proto uint8, to netip.AddrPort) []string {
	return []string{strconv.Itoa(int(layer)), strconv.FormatUint(uint64(mark), 10), strconv.Itoa(int(proto)), to.String()}
}

func into(cgroup *os.File) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd()), Pdeathsig: syscall.SIGKILL}
}

// send sends a byte with the mark, to live for one hop: for Call through the hook of sendmsg
// or connect, for Egress through a raw socket, which no such hook sees.
func send(layer Layer, mark uint32, proto uint8, to netip.AddrPort) error {
	family, kind := unix.AF_INET, unix.SOCK_DGRAM
	if to.Addr().Is6() && !to.Addr().Is4In6() {
		family = unix.AF_INET6
	}
	what := []byte{0}
	number := int(proto)
	switch {
	case layer == Egress:
		kind, number, what = unix.SOCK_RAW, unix.IPPROTO_ICMP, []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}
		if family == unix.AF_INET6 {
			number, what[0] = unix.IPPROTO_ICMPV6, 128
		}
	case proto == TCP:
		kind = unix.SOCK_STREAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, number)
	if err != nil {
		return fmt.Errorf("open a socket for the probe: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark)); err != nil {
		return fmt.Errorf("mark the probe: %w", err)
	}
	if err := mortal(fd, family); err != nil {
		return fmt.Errorf("shorten the life of the probe: %w", err)
	}
	at := sockaddr(family, to)
	if kind == unix.SOCK_RAW {
		at = sockaddr(family, netip.AddrPortFrom(to.Addr(), 0)) // raw sockets have no ports
	}
	if kind != unix.SOCK_STREAM {
		return unix.Sendto(fd, what, 0, at)
	}
	if err := unix.Connect(fd, at); err != unix.EINPROGRESS { //nolint:errorlint // the bare errno
		return err
	}
	return nil
}

func mortal(fd, family int) error {
	if family == unix.AF_INET {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
}

func sockaddr(family int, to netip.AddrPort) unix.Sockaddr {
	if family == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
}

// frameOfNobody is of a type for experiments, from and to addresses that nobody has.
var frameOfNobody = append([]byte{0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x88, 0xb5}, make([]byte, 46)...)

func sendFrame(index int, mark uint32) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open a packet socket for the probe: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark)); err != nil {
		return fmt.Errorf("mark the probe: %w", err)
	}
	return unix.Sendto(fd, frameOfNobody, 0, &unix.SockaddrLinklayer{Protocol: 0xb588, Ifindex: index})
}
