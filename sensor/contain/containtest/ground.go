// Package containtest is the ground on which containment is tried: network namespaces with
// wires between them, a cgroup of the test's own, processes in both, and a listener that
// counts what still arrives. Nothing of it touches the network or the root cgroup of the
// machine it runs on, but for Machine, which is to be had in a virtual machine made for it.
package containtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Missing skips a test for want of something, saying what; it fails where
// TOCSIN_TEST_REQUIRE_ALL=1 says that nothing may be wanting.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Root is the v2 cgroup tree, or the test is skipped.
func Root(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "not root: enforcement in the kernel needs it")
	}
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	Missing(t, "no cgroup v2 tree is mounted")
	return ""
}

// Cgroup is a folder of the v2 tree for this test alone. What still runs in it at the end is
// killed.
func Cgroup(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(Root(t), "tocsin-test-")
	if err != nil {
		Missing(t, fmt.Sprintf("a cgroup cannot be made: %v", err))
	}
	t.Cleanup(func() { removeCgroup(t, dir) })
	return dir
}

func removeCgroup(t testing.TB, dir string) {
	_ = os.WriteFile(filepath.Join(dir, "cgroup.freeze"), []byte("0"), 0)
	_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
	var err error
	for range 200 {
		var dirs []string
		_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, p)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			err = syscall.Rmdir(dirs[i])
		}
		if err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the cgroup %s is left: %v", dir, err)
}

// Pins is a bpf file system of the test's own.
func Pins(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, "mode=0700"); err != nil {
		Missing(t, fmt.Sprintf("a bpf file system cannot be mounted: %v", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// Host is a network namespace.
type Host struct {
	Name string
	ns   netns.NsHandle
}

// NewHost makes a namespace with its loopback up.
func NewHost(t testing.TB, name string) *Host {
	t.Helper()
	h := &Host{Name: name}
	var err error
	onThread(func() {
		h.ns, err = netns.New()
		if err != nil {
			return
		}
		var lo netlink.Link
		if lo, err = netlink.LinkByName("lo"); err == nil {
			err = netlink.LinkSetUp(lo)
		}
	})
	if err != nil {
		Missing(t, fmt.Sprintf("a network namespace cannot be made: %v", err))
	}
	t.Cleanup(func() { _ = h.ns.Close() })
	return h
}

// onThread runs it on a thread that is thrown away afterwards, with whatever namespace it
// was left in.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		f()
	}()
	<-done
}

// On runs it in the namespace of the host. Goroutines that it starts run elsewhere.
func (h *Host) On(f func()) {
	onThread(func() {
		if err := netns.Set(h.ns); err != nil {
			panic(err)
		}
		f()
	})
}

// Try is On for what can go wrong.
func (h *Host) Try(t testing.TB, f func() error) {
	t.Helper()
	var err error
	h.On(func() { err = f() })
	if err != nil {
		t.Fatalf("on %s: %v", h.Name, err)
	}
}

// Plug is one end of a wire.
type Plug struct {
	Host  *Host
	Name  string
	Addrs []string // with the length of the prefix
}

// Wire connects two hosts with a veth pair.
func Wire(t testing.TB, a, b Plug) {
	t.Helper()
	a.Host.Try(t, func() error {
		v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: a.Name}, PeerName: b.Name, PeerNamespace: netlink.NsFd(b.Host.ns)}
		return netlink.LinkAdd(v)
	})
	a.Up(t)
	b.Up(t)
}

// Up gives an interface that is there its addresses, and turns it on.
func (p Plug) Up(t testing.TB) {
	t.Helper()
	p.Host.Try(t, p.up)
}

func (p Plug) up() error {
	l, err := netlink.LinkByName(p.Name)
	if err != nil {
		return err
	}
	for _, text := range p.Addrs {
		addr, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(l, addr); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(l)
}

// NoFilters takes all clsact filters off an interface, as a reboot does. Nothing else does: they
// do not go with a pin, as tcx does.
func (h *Host) NoFilters(t testing.TB, name string) {
	t.Helper()
	h.Try(t, func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		err = netlink.QdiscDel(&netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}})
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil // there is none
		}
		return err
	})
}

// Via sends everything that is not on a wire to the address.
func (h *Host) Via(t testing.TB, gateways ...string) {
	t.Helper()
	h.Try(t, func() error {
		for _, g := range gateways {
			gw := netip.MustParseAddr(g)
			r := &netlink.Route{Gw: gw.AsSlice()}
			if err := netlink.RouteAdd(r); err != nil {
				return fmt.Errorf("route via %s: %w", g, err)
			}
		}
		return nil
	})
}

// Forwards lets the host pass on what is not for it.
func (h *Host) Forwards(t testing.TB) {
	t.Helper()
	h.Try(t, func() error {
		return errors.Join(
			os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0),
			os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0),
		)
	})
}

const roleVariable = "TOCSIN_CONTAIN_ROLE"

// Play runs one of the roles when this process was started for it, and does not return then.
// TestMain calls it first.
func Play(roles map[string]func(args json.RawMessage) error) {
	name, args, ok := strings.Cut(os.Getenv(roleVariable), " ")
	if !ok {
		return
	}
	role := roles[name]
	if role == nil {
		role = ownRoles[name]
	}
	if role == nil {
		fmt.Fprintln(os.Stderr, "no such role:", name)
		os.Exit(2)
	}
	if err := role(json.RawMessage(args)); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Start runs a role in a process of its own: on the host, in the cgroup (if not empty). It is
// killed at the end of the test.
func (h *Host) Start(t testing.TB, cgroup, role string, args any) *Process {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, role: role}
	p.cmd = exec.Command("/proc/self/exe", "-test.run=^$")
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+string(text))
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: 0}
	if cgroup != "" {
		dir, err := os.Open(cgroup)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = dir.Close() }()
		p.cmd.SysProcAttr.UseCgroupFD, p.cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.Try(t, p.cmd.Start)
	p.listen(out)
	t.Cleanup(p.Kill)
	return p
}

// Plugged is one end of a wire.
func Plugged(h *Host, name string, addrs ...string) Plug {
	return Plug{Host: h, Name: name, Addrs: addrs}
}
