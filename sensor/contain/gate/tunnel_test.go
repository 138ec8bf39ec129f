package gate_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tunnel makes an interface whose packets begin with the IP header, and counts what would go
// into the tunnel.
func tunnel(json.RawMessage) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	req, err := unix.NewIfreq("tun0")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return err
	}
	l, err := netlink.LinkByName("tun0")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr("198.18.9.1/24")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(l, addr); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return err
	}
	var sent atomic.Int64
	go func() {
		for b := make([]byte, 2048); ; {
			n, err := unix.Read(fd, b)
			if err != nil {
				return
			}
			if n > 20 && b[0]>>4 == 4 { // the kernel's own IPv6 multicast aside
				sent.Add(1)
			}
		}
	}()
	containtest.Say("up", nil)
	return containtest.Answer(func(struct{}) (any, error) { return sent.Swap(0), nil })
}

// What is forwarded into a tunnel is cut too.
func TestATunnelIsCovered(t *testing.T) {
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		containtest.Missing(t, "no tunnels: "+err.Error())
	}
	g := newGround(t)
	a := g.agent(t)
	tun := g.host.Start(t, g.cgroup, "tunnel", nil)
	if err := tun.Hear(nil); err != nil {
		containtest.Missing(t, "no tunnels: "+err.Error())
	}
	g.inner.Start(t, "", "talk", containtest.Talk{To: []netip.Addr{netip.MustParseAddr("198.18.9.2")}, Ways: []string{"forward"}})
	sent := func() (n int64) {
		t.Helper()
		tun.Ask(struct{}{}, &n)
		return n
	}
	until(t, "something is sent into the tunnel", func() bool { return sent() > 0 })
	a.Ask(order{Isolate: -1}, nil)
	time.Sleep(settle)
	sent()
	time.Sleep(300 * time.Millisecond)
	if n := sent(); n > 0 {
		t.Errorf("%d packets went into the tunnel", n)
	}
	a.Ask(order{Release: true}, nil)
	until(t, "something is sent into the tunnel again", func() bool { return sent() > 0 })
}
