package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// LinksBehind finds the interfaces of this network namespace behind which only the processes
// of a cgroup live: the host's ends of the wires of a container that has a namespace of its
// own. When there are none, or others live there too, it says why.
func LinksBehind(cgroup string) (links []int, why string) {
	pids, err := pidsBelow(cgroup)
	if err != nil {
		return nil, err.Error()
	}
	own, _ := os.Readlink("/proc/self/ns/net")
	space, at := "", ""
	for pid := range pids {
		path := filepath.Join("/proc", pid, "ns/net")
		name, err := os.Readlink(path)
		if err != nil {
			continue
		}
		if name == own {
			return nil, "it shares the network of the host"
		}
		if space != "" && name != space {
			return nil, "its processes are in several networks"
		}
		space, at = name, path
	}
	if space == "" {
		return nil, "no process of it was found"
	}
	if other := stranger(space, pids); other != "" {
		return nil, "process " + other + ", which is not of it, is in its network too"
	}
	links, err = wires(at)
	if err != nil {
		return nil, err.Error()
	}
	if len(links) == 0 {
		return nil, "its network has no wire to the host's"
	}
	return links, ""
}

func pidsBelow(cgroup string) (map[string]bool, error) {
	pids := map[string]bool{}
	err := filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.Name() != "cgroup.procs" {
			return err
		}
		// A threaded cgroup has no list of its own.
		text, _ := os.ReadFile(path) //nolint:gosec // the kernel's own files; nobody can put a link there
		for _, pid := range strings.Fields(string(text)) {
			pids[pid] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the processes of %s: %w", cgroup, err)
	}
	return pids, nil
}

func stranger(space string, ours map[string]bool) string {
	found, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, path := range found {
		pid := strings.Split(path, "/")[2]
		if name, err := os.Readlink(path); err == nil && name == space && !ours[pid] {
			return pid
		}
	}
	return ""
}

// wires are the ends, here, of the veth pairs of another namespace: each end names the other.
func wires(at string) ([]int, error) {
	ns, err := netns.GetFromPath(at)
	if err != nil {
		return nil, fmt.Errorf("open the network of the container: %w", err)
	}
	defer func() { _ = ns.Close() }()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, fmt.Errorf("ask the network of the container: %w", err)
	}
	defer h.Close()
	inside, err := h.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces of the container: %w", err)
	}
	here, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces of the host: %w", err)
	}
	var links []int
	for _, in := range inside {
		for _, out := range here {
			if in.Type() == "veth" && out.Type() == "veth" &&
				in.Attrs().ParentIndex == out.Attrs().Index && out.Attrs().ParentIndex == in.Attrs().Index {
				links = append(links, out.Attrs().Index)
			}
		}
	}
	return links, nil
}
