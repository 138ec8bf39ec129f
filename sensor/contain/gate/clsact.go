package gate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Filters of an interface, for kernels before 6.6. They stay when the agent dies. The kernel
// asks them by priority, and among those of one priority first whoever was added last; one
// that is replaced stays where it was (net/sched/cls_bpf.c). A filter that says "pass" is the
// last that is asked. So the gate's is never replaced but added anew, in front, under the
// other one of its two handles, and only then is the old one taken away.
const (
	filterName     = "tocsin_gate"
	filterPriority = 1
	// Where filters of another kind have the best priority the gate's is asked after them.
	worstPriority = 16
)

var filterHandles = [2]uint32{0x70c51, 0x70c52}

var filterParents = map[uint32]string{netlink.HANDLE_MIN_INGRESS: "in", netlink.HANDLE_MIN_EGRESS: "out"}

// attachFilters puts the gate in front of all other filters, and names those that it could not
// get in front of.
func attachFilters(index int, in, out *ebpf.Program) (before string, err error) {
	qdisc := &netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT},
		QdiscType:  "clsact",
	}
	if err := netlink.QdiscAdd(qdisc); err != nil && !errors.Is(err, unix.EEXIST) {
		return "", fmt.Errorf("add clsact: %w", err)
	}
	err = errors.Join(
		addFilter(index, netlink.HANDLE_MIN_INGRESS, in),
		addFilter(index, netlink.HANDLE_MIN_EGRESS, out),
	)
	if err != nil {
		return "", err
	}
	return filtersBefore(index)
}

func addFilter(index int, parent uint32, prog *ebpf.Program) error {
	old, _, err := filters(index, parent)
	if err != nil {
		return err
	}
	if len(old) == len(filterHandles) { // somebody was killed in between; the first still holds
		if err := netlink.FilterDel(old[1]); err != nil {
			return fmt.Errorf("remove a filter that is left: %w", err)
		}
		old = old[:1]
	}
	handle := filterHandles[0]
	if len(old) == 1 && old[0].Handle == handle {
		handle = filterHandles[1]
	}
	for priority := uint16(filterPriority); ; priority++ {
		err = netlink.FilterAdd(&netlink.BpfFilter{
			FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: parent, Handle: handle, Protocol: unix.ETH_P_ALL, Priority: priority},
			Fd:          prog.FD(), Name: filterName, DirectAction: true,
		})
		// EINVAL: filters of another kind, or for one protocol, have this priority.
		if priority == worstPriority || !errors.Is(err, unix.EINVAL) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("add the filter: %w", err)
	}
	for _, f := range old {
		if err := netlink.FilterDel(f); err != nil {
			return fmt.Errorf("remove the filter of before: %w", err)
		}
	}
	return nil
}

// filters are the gate's at one side of an interface, in the order in which they are asked,
// and the names of those that are asked before the first of them. Where the gate has none that
// is all there are.
func filters(index int, parent uint32) (ours []*netlink.BpfFilter, before []string, err error) {
	all, err := netlink.FilterList(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: index}}, parent)
	if err != nil {
		return nil, nil, fmt.Errorf("list filters: %w", err)
	}
	for _, f := range all {
		b, ok := f.(*netlink.BpfFilter)
		switch {
		case ok && b.Name == filterName && slices.Contains(filterHandles[:], b.Handle):
			ours = append(ours, b)
		case len(ours) > 0:
		case ok:
			before = append(before, "bpf "+b.Name)
		default:
			before = append(before, f.Type())
		}
	}
	return ours, slices.Compact(before), nil
}

// filtersBefore is empty when the gate is asked first.
func filtersBefore(index int) (string, error) {
	var all []string
	for parent, way := range filterParents {
		ours, before, err := filters(index, parent)
		if err != nil {
			return "", err
		}
		if len(ours) == 0 {
			before = []string{"everything, as its own is gone"}
		}
		if len(before) > 0 {
			all = append(all, way+": "+strings.Join(before, ", "))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; "), nil
}

// removeFilters removes ours and nobody else's.
func removeFilters(index int) {
	for parent := range filterParents {
		ours, _, _ := filters(index, parent)
		for _, f := range ours {
			_ = netlink.FilterDel(f)
		}
	}
}
