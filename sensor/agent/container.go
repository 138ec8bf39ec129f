package agent

import (
	"bytes"
	"encoding/binary"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// containers finds which container a cgroup is, from its path. What it and its image are
// called is not in the path: called adds it.
type containers struct {
	root   string // of the tree whose ids the kernel side sends
	mount  int    // an open folder of it, or -1
	byID   map[uint64]*event.Container
	n      atomic.Int64
	called *called
}

const (
	mostContainers = 8192
	kernfsHandle   = 0xfe // FILEID_KERNFS of the kernel's headers: the id is the handle
)

// cgroupTree is the tree that tells containers apart: the v2 one, or on hosts that have
// both and put containers into v1, that of the memory controller.
func cgroupTree() (root string, v1 bool) {
	if b, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && len(b) > 0 {
		return "/sys/fs/cgroup", false
	}
	if _, err := os.Stat("/sys/fs/cgroup/memory/cgroup.procs"); err == nil {
		return "/sys/fs/cgroup/memory", true
	}
	if _, err := os.Stat("/sys/fs/cgroup/unified/cgroup.procs"); err == nil {
		return "/sys/fs/cgroup/unified", false
	}
	return "/sys/fs/cgroup", false
}

// newContainers takes the cgroup tree, and the host's disk as this process sees it.
func newContainers(root, host string) *containers {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return &containers{root: root, mount: fd, byID: map[uint64]*event.Container{}, called: newCalled(root, host)}
}

func (c *containers) size() int { return int(c.n.Load()) }

// of is the container of a cgroup; nil when its path cannot be found any more. pid is
// one of its processes. Ids are never used again, so what was found stays true.
func (c *containers) of(id uint64, pid uint32) *event.Container {
	if got, ok := c.byID[id]; ok {
		return got
	}
	path, ok := c.path(id)
	if !ok {
		if path, ok = c.pathOf(pid); !ok {
			return nil
		}
	}
	got := containerOf(path)
	got.Cgroup = id
	if len(c.byID) >= mostContainers {
		clear(c.byID)
	}
	c.byID[id] = &got
	if got.ID != "" {
		c.n.Add(1)
		c.called.meet(&got, time.Now())
	}
	return &got
}

// path opens the cgroup by its id; that works after its processes are gone.
func (c *containers) path(id uint64) (string, bool) {
	if c.mount < 0 || id == 0 {
		return "", false
	}
	handle := unix.NewFileHandle(kernfsHandle, binary.NativeEndian.AppendUint64(nil, id))
	fd, err := unix.OpenByHandleAt(c.mount, handle, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return "", false
	}
	defer func() { _ = unix.Close(fd) }()
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", false
	}
	path = strings.TrimPrefix(path, c.root)
	if path == "" {
		path = "/"
	}
	return path, true
}

// pathOf reads it from a process, for when handles cannot be opened (that takes
// CAP_DAC_READ_SEARCH).
func (c *containers) pathOf(pid uint32) (string, bool) {
	b, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(pid), 10) + "/cgroup")
	if err != nil {
		return "", false
	}
	v1 := strings.HasSuffix(c.root, "/memory")
	for line := range bytes.Lines(b) {
		f := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(f) == 3 && ((v1 && f[1] == "memory") || (!v1 && f[0] == "0")) {
			return f[2], true
		}
	}
	return "", false
}

var (
	// docker-<id>.scope, cri-containerd-<id>.scope, crio-<id>.scope, libpod-<id>.scope, and
	// bare ids below docker, kubepods or a containerd namespace. What ends in conmon is the
	// monitor beside the container.
	idPart = regexp.MustCompile(`^(?:(docker|cri-containerd|containerd|crio|libpod|nerdctl)-)?([0-9a-f]{64})(?:\.scope)?$`)
	// containerd with systemd cgroups: kubepods-pod<uid>.slice:cri-containerd:<id>
	colonPart = regexp.MustCompile(`^(.+\.slice):([a-z-]+):([0-9a-f]{64})$`)
	// kubepods-burstable-pod<uid>.slice with underscores, or pod<uid> with dashes, or the
	// hash of a static pod's manifest
	podPart = regexp.MustCompile(`^(?:kubepods(?:-[a-z]+)?-)?pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$`)
	lxcPart = regexp.MustCompile(`^lxc(?:\.payload)?\.(.{1,64})$`)
)

// containerOf reads a cgroup path. The innermost container counts.
func containerOf(path string) event.Container {
	c := event.Container{Path: path}
	for part := range strings.SplitSeq(path, "/") {
		if m := colonPart.FindStringSubmatch(part); m != nil {
			c.ID, part = m[3], m[1]
		}
		if m := podPart.FindStringSubmatch(part); m != nil {
			c.PodUID = strings.ReplaceAll(m[1], "_", "-")
		} else if m := idPart.FindStringSubmatch(part); m != nil {
			c.ID = m[2]
		} else if m := lxcPart.FindStringSubmatch(part); m != nil {
			c.ID = m[1]
		}
	}
	return c
}
