package containtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Expendable is what the command line of a kernel says that was started for Machine, and for
// nothing else: a machine that somebody needs never says it.
const Expendable = "machine=expendable"

// Machine is this machine itself, with the interfaces it has, and the root cgroup of all its
// processes. A test that asks for it may cut the machine off. So it is skipped, with everything
// wanted or not, unless the kernel was started to be thrown away (.ci/kernels does).
func Machine(t testing.TB) (h *Host, cgroup string) {
	t.Helper()
	said, err := os.ReadFile("/proc/cmdline")
	if err != nil || !slices.Contains(strings.Fields(string(said)), Expendable) {
		t.Skip("this cuts the whole machine off: it is for the virtual machines of .ci/kernels")
	}
	h = &Host{Name: "this machine"}
	if h.ns, err = netns.Get(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.ns.Close() })
	cgroup = Root(t)
	if err := isRoot(cgroup); err != nil {
		t.Fatal(err)
	}
	return h, cgroup
}

// isRoot: every cgroup but the real root has a type, whatever a namespace makes it look like.
func isRoot(cgroup string) error {
	if _, err := os.Stat(filepath.Join(cgroup, "cgroup.type")); !os.IsNotExist(err) {
		return fmt.Errorf("%s is not the root of the cgroups", cgroup)
	}
	for _, which := range []string{"self", "1"} {
		in, err := os.ReadFile("/proc/" + which + "/cgroup")
		if err != nil {
			return err
		}
		if string(in) != "0::/\n" {
			return fmt.Errorf("process %s is in %q, and not in the one root of a host with v2 only", which, in)
		}
	}
	return nil
}

// Since says whether the kernel is of this version or later.
func Since(t testing.TB, major, minor int) bool {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	var is [2]int
	if err == nil {
		_, err = fmt.Sscanf(string(release), "%d.%d", &is[0], &is[1])
	}
	if err != nil {
		t.Fatal(err)
	}
	return slices.Compare(is[:], []int{major, minor}) >= 0
}

// Rename calls the interface with this hardware address by the name; it must be down.
func (h *Host) Rename(t testing.TB, hardware, name string) {
	t.Helper()
	h.Try(t, func() error {
		all, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.Attrs().HardwareAddr.String() == hardware {
				return netlink.LinkSetName(l, name)
			}
		}
		return fmt.Errorf("no interface is %s", hardware)
	})
}

// Tap makes an interface of the host whose wire is the file: a frame sent through one is read
// from the other. Closing the file takes it away.
func (h *Host) Tap(t testing.TB, name string) (wire *os.File) {
	t.Helper()
	h.Try(t, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		wire = os.NewFile(uintptr(fd), name)
		ask, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		ask.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ask); err != nil {
			return fmt.Errorf("make the interface %s: %w", name, err)
		}
		return nil
	})
	t.Cleanup(func() { _ = wire.Close() })
	return wire
}
