package containtest

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Other programs live on a host too: of networks of containers, of service managers. They are
// called "others" here.

func others(t testing.TB, kind ebpf.ProgramType, says int32) *ebpf.Program {
	t.Helper()
	_ = rlimit.RemoveMemlock() // before Linux 5.11 a program counts as locked memory
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "others", Type: kind, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, says), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Pass is a filter that lets every frame pass and asks nobody after itself.
func Pass(t testing.TB) netlink.Filter {
	const ok = 0 // TC_ACT_OK
	return &netlink.BpfFilter{FilterAttrs: netlink.FilterAttrs{Handle: 1}, Fd: others(t, ebpf.SchedCLS, ok).FD(), Name: "others", DirectAction: true}
}

// LetOut sets a filter on what leaves by an interface, with the best priority there is unless
// it has one.
func (h *Host) LetOut(t testing.TB, name string, filter netlink.Filter) {
	t.Helper()
	h.Try(t, func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		err = netlink.QdiscAdd(&netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}})
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
		a := filter.Attrs()
		a.LinkIndex, a.Parent, a.Protocol = l.Attrs().Index, netlink.HANDLE_MIN_EGRESS, unix.ETH_P_ALL
		a.Priority = max(a.Priority, 1)
		return netlink.FilterAdd(filter)
	})
}

// AttachAlone lets everything pass both ways in a cgroup, and nobody else in: the program is
// attached without BPF_F_ALLOW_MULTI.
func AttachAlone(t testing.TB, cgroup string) {
	t.Helper()
	dir, err := os.Open(cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	pass := others(t, ebpf.CGroupSKB, 1)
	for _, at := range []ebpf.AttachType{ebpf.AttachCGroupInetEgress, ebpf.AttachCGroupInetIngress} {
		if err := link.RawAttachProgram(link.RawAttachProgramOptions{Target: int(dir.Fd()), Program: pass, Attach: at}); err != nil {
			t.Fatal(err)
		}
	}
}
