package agent

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/runtimes"
)

// called finds what containers, their pods and their images are called. A container is
// looked up when it is met, so that its first event has the name already; one that no
// runtime knows of yet is looked up a few times more, beside the events. It belongs to the
// reading goroutine, and takes at most a tenth of its time.
type called struct {
	tree    string         // of cgroups
	disk    *runtimes.Disk // nil: nothing has a name
	waiting []unnamed
	second  time.Time // since when took is counted
	took    time.Duration
	n       atomic.Int64 // containers with a name
}

type unnamed struct {
	*event.Container // as whoever asked has it: it is filled in where it is
	tries            int
	next             time.Time
}

// pauses are how long it waits before it looks a container up again; after the last one it
// gives up.
var pauses = [...]time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 10 * time.Second, time.Minute}

const (
	mostUnnamed = 1024
	mostLooking = 100 * time.Millisecond // in a second
)

func newCalled(tree, host string) *called {
	disk, err := runtimes.Open(host)
	if err != nil {
		disk = nil // whoever may not look there still sees ids
	}
	return &called{tree: tree, disk: disk}
}

// meet looks up a container that was not seen before.
func (c *called) meet(of *event.Container, now time.Time) {
	if c.disk == nil || !c.ofRoot(of) {
		return
	}
	if u := (unnamed{Container: of}); !c.look(&u, now) && len(c.waiting) < mostUnnamed {
		c.waiting = append(c.waiting, u)
	}
}

// again looks up those whose pause is over.
func (c *called) again(now time.Time) {
	if len(c.waiting) == 0 {
		return
	}
	left := c.waiting[:0]
	for _, u := range c.waiting {
		if u.next.After(now) || !c.look(&u, now) && u.tries <= len(pauses) {
			left = append(left, u)
		}
	}
	clear(c.waiting[len(left):])
	c.waiting = left
}

// look reports whether the container has its name. When this second's time is used up it
// does not look, and that was no try.
func (c *called) look(u *unnamed, now time.Time) bool {
	if now.Sub(c.second) >= time.Second {
		c.second, c.took = now, 0
	}
	if c.took >= mostLooking {
		u.next = c.second.Add(time.Second)
		return false
	}
	began := time.Now()
	names, ok := c.disk.Find(u.ID)
	c.took += time.Since(began)
	if !ok {
		if u.tries < len(pauses) {
			u.next = now.Add(pauses[u.tries])
		}
		u.tries++
		return false
	}
	u.Image, u.Name, u.Pod, u.Namespace = names.Image, names.Name, names.Pod, names.Namespace
	if u.PodUID == "" {
		u.PodUID = names.PodUID
	}
	c.n.Add(1)
	return true
}

// ofRoot reports whether root made the cgroup, and outside of every container. Whoever may
// make cgroups below their own (a user's session, a service, a container) can call one by
// the id of somebody else's container, and what runs in it would be taken for that.
func (c *called) ofRoot(of *event.Container) bool {
	at := strings.Index(of.Path, of.ID)
	if at < 0 || strings.Contains(of.Path, "..") {
		return false
	}
	parent := of.Path[:strings.LastIndexByte(of.Path[:at], '/')+1]
	if containerOf(parent).ID != "" {
		return false
	}
	var st unix.Stat_t
	return unix.Stat(filepath.Join(c.tree, parent), &st) == nil && st.Uid == 0 && st.Mode&0o022 == 0
}
