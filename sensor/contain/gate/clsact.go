package gate

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Filters of an interface, for kernels before 6.6. They stay when the agent dies, and are
// replaced in one step by the next. The handle is ours; the priority is the first, which
// others use too.
const (
	filterHandle   = 0x70c51
	filterPriority = 1
	filterName     = "tocsin_gate"
)

func attachFilters(index int, in, out *ebpf.Program) error {
	qdisc := &netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT},
		QdiscType:  "clsact",
	}
	if err := netlink.QdiscAdd(qdisc); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add clsact: %w", err)
	}
	return errors.Join(
		replaceFilter(index, netlink.HANDLE_MIN_INGRESS, in),
		replaceFilter(index, netlink.HANDLE_MIN_EGRESS, out),
	)
}

func filter(index int, parent uint32) *netlink.BpfFilter {
	return &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: parent, Handle: filterHandle, Protocol: unix.ETH_P_ALL, Priority: filterPriority,
		},
		Name:         filterName,
		DirectAction: true,
	}
}

func replaceFilter(index int, parent uint32, prog *ebpf.Program) error {
	f := filter(index, parent)
	f.Fd = prog.FD()
	if err := netlink.FilterReplace(f); err != nil {
		return fmt.Errorf("set the filter: %w", err)
	}
	return nil
}

// removeFilters removes ours and nobody else's.
func removeFilters(index int) {
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		found, err := netlink.FilterList(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: index}}, parent)
		if err != nil {
			continue
		}
		for _, f := range found {
			if b, ok := f.(*netlink.BpfFilter); ok && b.Handle == filterHandle && b.Name == filterName {
				_ = netlink.FilterDel(filter(index, parent))
			}
		}
	}
}
