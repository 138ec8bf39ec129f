//go:build linux

package nftables

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	nft "github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const inside = "TOCSIN_TEST_IN_NAMESPACE"

// TestMain runs the tests in a network namespace of their own, where they may do what
// they like: the machine's own packet filter is never touched.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	again := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec // this test
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.Env = append(os.Environ(), inside+"=yes")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		again.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		again.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err := again.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil && os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1":
		fmt.Println("a network namespace cannot be made:", err)
		os.Exit(1)
	case err != nil:
		fmt.Println("SKIP: a network namespace cannot be made, which takes root or user namespaces:", err)
	}
}

// needKernel skips where the kernel has no nf_tables.
func needKernel(t testing.TB) {
	t.Helper()
	if _, err := (&netfilter{}).look(context.Background()); err != nil {
		if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("no packet filter to test with: ", err)
	}
}

// house is a gateway (this process), an attacker in front of it and a server behind it:
// three network namespaces, two pairs of virtual cards.
type house struct {
	attacker, server place
}

type place struct {
	ns     netns.NsHandle
	v4, v6 netip.Addr
}

var (
	built    sync.Once
	theHouse house
)

// home is built once; every test begins with an empty packet filter.
func home(t testing.TB) house {
	t.Helper()
	needKernel(t)
	built.Do(func() {
		theHouse = house{place{v4: netip.MustParseAddr("10.77.0.2"), v6: netip.MustParseAddr("fd77::2")}, place{v4: netip.MustParseAddr("10.78.0.2"), v6: netip.MustParseAddr("fd78::2")}}
		theHouse.attacker.connect(t, "front")
		theHouse.server.connect(t, "back")
		for _, f := range []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"} {
			must(t, os.WriteFile(f, []byte("1"), 0o600))
		}
	})
	clearTable(t)
	t.Cleanup(func() { clearTable(t) })
	return theHouse
}

func clearTable(t testing.TB) {
	c, err := nft.New()
	must(t, err)
	c.AddTable(&nft.Table{Name: tableName, Family: nft.TableFamilyINet})
	c.DelTable(&nft.Table{Name: tableName, Family: nft.TableFamilyINet})
	must(t, c.Flush())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connect makes the namespace and a cable to it. The gateway has the address before.
func (p *place) connect(t testing.TB, card string) {
	t.Helper()
	elsewhere(func() {
		var err error
		p.ns, err = netns.New()
		must(t, err)
	})
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: card}, PeerName: "eth0", PeerNamespace: netlink.NsFd(p.ns)}))
	here, err := netlink.NewHandle()
	must(t, err)
	there, err := netlink.NewHandleAt(p.ns)
	must(t, err)
	up(t, here, card, p.v4.Prev(), p.v6.Prev())
	up(t, there, "eth0", p.v4, p.v6)
	lo, err := there.LinkByName("lo")
	must(t, err)
	must(t, there.LinkSetUp(lo))
	for _, way := range []netip.Addr{p.v4.Prev(), p.v6.Prev()} {
		must(t, there.RouteAdd(&netlink.Route{Gw: way.AsSlice()}))
	}
}

func up(t testing.TB, h *netlink.Handle, card string, addresses ...netip.Addr) {
	t.Helper()
	link, err := h.LinkByName(card)
	must(t, err)
	must(t, h.LinkSetUp(link))
	for _, a := range addresses {
		bits := 24
		if a.Is6() {
			bits = 64
		}
		must(t, h.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())}, Flags: unix.IFA_F_NODAD}))
	}
}

// elsewhere runs f on a thread that is thrown away, since its namespace may change.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		f()
	}()
	<-done
}

func (p place) at(t testing.TB, f func()) {
	t.Helper()
	elsewhere(func() {
		must(t, netns.Set(p.ns))
		f()
	})
}

// echo answers UDP packets and TCP bytes at the place, port 7000.
func (p place) echo(t testing.TB) {
	t.Helper()
	p.at(t, func() {
		for _, a := range []netip.Addr{p.v4, p.v6} {
			on := netip.AddrPortFrom(a, 7000)
			packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(on))
			must(t, err)
			lines, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(on))
			must(t, err)
			t.Cleanup(func() { _, _ = packets.Close(), lines.Close() })
			go func() {
				b := make([]byte, 64)
				for {
					n, from, err := packets.ReadFromUDPAddrPort(b)
					if err != nil {
						return
					}
					_, _ = packets.WriteToUDPAddrPort(b[:n], from)
				}
			}()
			go func() {
				for {
					c, err := lines.Accept()
					if err != nil {
						return
					}
					go func() { _, _ = c.(*net.TCPConn).WriteTo(c); _ = c.Close() }()
				}
			}()
		}
	})
}

// reaches says whether a packet from the place is answered.
func (p place) reaches(t testing.TB, to netip.Addr) bool {
	t.Helper()
	ok := false
	p.at(t, func() { ok = answered(dial(t, "udp", to)) })
	return ok
}

func dial(t testing.TB, network string, to netip.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(network, netip.AddrPortFrom(to, 7000).String(), 5*time.Second)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answered says a word and waits for it to come back.
func answered(c net.Conn) bool {
	_ = c.SetDeadline(time.Now().Add(700 * time.Millisecond))
	if _, err := c.Write([]byte("hello")); err != nil {
		return false
	}
	n, err := c.Read(make([]byte, 64))
	return err == nil && n == 5
}

// gate stands between the action and the real kernel: it fails as a kernel fails, and
// lies where it is told to.
type gate struct {
	t     testing.TB
	real  *netfilter
	about netip.Prefix

	mu           sync.Mutex
	changes      int
	lying        bool
	status, left int
	writes       bool
}

func (g *gate) stops(write bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left == 0 || g.status == 0 || g.writes && !write {
		return nil
	}
	switch g.status {
	case 401, 403:
		return told("ask the kernel", unix.EPERM)
	case 429, 503:
		return told("ask the kernel", unix.EBUSY)
	}
	return told("ask the kernel", unix.EIO)
}

func (g *gate) look(ctx context.Context) (view, error) {
	if err := g.stops(false); err != nil {
		return view{}, err
	}
	return g.real.look(ctx)
}

func (g *gate) change(ctx context.Context, f func(context.Context, netip.Prefix) error, p netip.Prefix) error {
	if err := g.stops(true); err != nil || g.lying {
		return err
	}
	before := g.Look()
	if err := f(ctx, p); err != nil {
		return err
	}
	if g.Look() != before {
		g.changes++
	}
	return nil
}

func (g *gate) add(ctx context.Context, p netip.Prefix) error { return g.change(ctx, g.real.add, p) }
func (g *gate) remove(ctx context.Context, p netip.Prefix) error {
	return g.change(ctx, g.real.remove, p)
}

func (g *gate) Changes() int      { return g.changes }
func (g *gate) Lie()              { g.lying = true }
func (g *gate) Secrets() []string { return nil }
func (g *gate) Disturb()          { g.t.Fatal("nobody else can change it") }

func (g *gate) Fail(status, n int, writes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status, g.left, g.writes = status, n, writes
}

// Look asks the kernel itself.
func (g *gate) Look() any {
	v, err := g.real.look(context.Background())
	must(g.t, err)
	return string(v.state(g.about))
}
