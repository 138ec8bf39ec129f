// Package runtimes reads what container runtimes keep on a host's disk about a container:
// of which image it is, and what it and its pod are called. No runtime is asked, because
// whoever may open its socket is root of the machine.
//
// Disk is the host's disk; Find looks one container up, by its id. Only what root wrote, in
// the places where the runtimes keep it by default, is believed, and never much of it read.
// What it says is what the runtime was told: whoever may start containers chooses the words.
package runtimes

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// Names is what a runtime knows of a container. Each is one line of at most 256 bytes, or
// empty.
type Names struct {
	Image     string // as the runtime was told, with its tag or digest; it may be an id
	Name      string // of the container, in its pod if it is in one; Sandbox for what holds a pod together
	Pod       string
	PodUID    string
	Namespace string // of Kubernetes
}

// Sandbox is the name of a container that does nothing but hold a pod together. No real one
// can be called that.
const Sandbox = "(sandbox)"

// A place is where a runtime keeps what it knows of a container, or of all of them.
type place struct {
	path string // below the root; %s is the id
	most int64  // bytes; what is larger is not read
	read func(b []byte, id string) (Names, bool)
}

// The facts, and where they were looked up:
//
//   - containerd writes the bundle of a task to <state>/io.containerd.runtime.v2.task/<namespace>/<id>
//     before it starts (containerd, core/runtime/v2/bundle.go). The state is /run/containerd; that of
//     k3s /run/k3s/containerd (k3s, pkg/agent/config), and so of RKE2, whose socket is there (RKE2's
//     documentation, CLI tools). Kubernetes' namespace is k8s.io, that of people and nerdctl by
//     default "default".
//   - CRI-O writes each container's config.json to its run directory too (cri-o,
//     server/container_create.go and sandbox_run), which is overlay-containers/<id>/userdata below
//     /run/containers/storage (containers/storage, store.go; crio.conf(5)).
//   - Docker keeps config.v2.json in a folder for each container (moby, daemon/container/container.go).
//   - Podman has its containers in containers.json of the storage, those started with --rm in
//     volatile-containers.json (containers/storage, containers.go; podman, libpod/storage.go).
var places = []place{
	{"run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json", 1 << 20, ofContainerd},
	{"run/containerd/io.containerd.runtime.v2.task/default/%s/config.json", 1 << 20, ofContainerd},
	{"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json", 1 << 20, ofContainerd},
	{"run/containers/storage/overlay-containers/%s/userdata/config.json", 1 << 20, ofCRIO},
	{"var/lib/docker/containers/%s/config.v2.json", 1 << 20, ofDocker},
	{"var/lib/containers/storage/overlay-containers/containers.json", 16 << 20, ofStorage},
	{"var/lib/containers/storage/overlay-containers/volatile-containers.json", 16 << 20, ofStorage},
}

// Disk is a host's disk.
type Disk struct{ root int }

// Open takes the folder that is the host's root. It is "/" unless the sensor itself runs in
// a container: see Root.
func Open(root string) (*Disk, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the host's root: %w", err)
	}
	return &Disk{fd}, nil
}

// Root is where this process sees the host's root: that of process 1 where it is another than
// its own, as in a pod with hostPID, and "/" otherwise. To look there takes CAP_SYS_PTRACE.
func Root() string {
	const first = "/proc/1/root"
	var own, host unix.Stat_t
	if unix.Stat("/", &own) != nil || unix.Stat(first+"/.", &host) != nil || own.Dev == host.Dev && own.Ino == host.Ino {
		return "/"
	}
	return first
}

// Find is what the runtimes know of a container. An id that is not 64 hex digits is nobody's:
// nothing else ever gets into a path.
func (d *Disk) Find(id string) (Names, bool) {
	if d == nil || !isID(id) {
		return Names{}, false
	}
	for _, p := range places {
		b, err := d.read(strings.Replace(p.path, "%s", id, 1), p.most)
		if err != nil {
			continue
		}
		if n, ok := p.read(b, id); ok {
			return n, true
		}
	}
	return Names{}, false
}

// Close forgets the disk.
func (d *Disk) Close() error {
	if d == nil {
		return nil
	}
	return unix.Close(d.root)
}

func isID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

const mostText = 256 // bytes

// tame makes one line of a text that somebody may have chosen to mislead whoever reads it.
func tame(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s[:min(len(s), 4*mostText)])
	if len(s) > mostText {
		s = strings.ToValidUTF8(s[:mostText], "")
	}
	return strings.TrimSpace(s)
}

// tamed is all of them in one line each, and whether anything is left.
func (n Names) tamed() (Names, bool) {
	for _, s := range []*string{&n.Image, &n.Name, &n.Pod, &n.PodUID, &n.Namespace} {
		*s = tame(*s)
	}
	return n, n.Image != "" || n.Name != "" || n.Pod != ""
}
