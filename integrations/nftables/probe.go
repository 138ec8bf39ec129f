//go:build linux

package nftables

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// effect is what became of a packet.
type effect int

const (
	untried effect = iota // no way there
	refused               // by the packet filter
	left
)

// tryToReach lets the kernel judge a packet to the address, on its way out. The packet
// lives for one hop only, so that it goes nowhere should the filter let it pass. What the
// filter drops on its way out is reported to the sender as EPERM.
func tryToReach(ctx context.Context, to netip.Addr) effect {
	d := net.Dialer{Timeout: 2 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if failed := c.Control(func(fd uintptr) { err = oneHop(int(fd), to.Is6()) }); failed != nil {
			return failed
		}
		return err
	}}
	const discard = 9 // RFC 863
	conn, err := d.DialContext(ctx, "udp", netip.AddrPortFrom(to, discard).String())
	if err != nil {
		return judged(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte{0})
	return judged(err)
}

func judged(err error) effect {
	switch {
	case err == nil:
		return left
	case errors.Is(err, unix.EPERM):
		return refused
	}
	return untried
}

func oneHop(fd int, six bool) error {
	if six {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 1)
}
