package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Sockets chooses which live sockets are destroyed.
type Sockets struct {
	Under string    // folder of a cgroup, with all below it; the covered cgroup when empty
	Spare []Opening // conversations that go on
}

// Destroyed is what became of them. A socket that could not be destroyed is mute all the
// same: its packets are refused. Its process only learns of it later.
type Destroyed struct {
	Closed int    `json:"closed"`
	Left   int    `json:"left"`
	Why    string `json:"why,omitempty"` // of the last that was left, or of a namespace that could not be read
}

// Destroy closes connected TCP and UDP sockets with a peer other than the host itself, so
// that whoever holds them learns at once, with ECONNABORTED, and no retransmission waits for
// the release. Raw sockets, and those that only listen or name their peer with each message,
// stay: they are mute, and work again after the release. It asks the kernel by SOCK_DESTROY
// (CONFIG_INET_DIAG_DESTROY), in every network namespace that has a process.
func (g *Gate) Destroy(which Sockets) (Destroyed, error) {
	under := which.Under
	if under == "" {
		under = g.place.Cgroup
	}
	ours, err := subtree(under)
	if err != nil {
		return Destroyed{}, fmt.Errorf("read the cgroups under %s: %w", under, err)
	}
	spaces, err := g.namespaces()
	if err != nil {
		return Destroyed{}, err
	}
	defer func() {
		for _, ns := range spaces {
			_ = ns.Close()
		}
	}()
	var d Destroyed
	for _, ns := range spaces {
		if err := destroyIn(ns, ours, which.Spare, &d); err != nil {
			d.Why = err.Error()
		}
	}
	return d, nil
}

// subtree is the ids of a cgroup and of those below it; nil is all there are.
func subtree(dir string) (map[uint64]bool, error) {
	if _, err := os.Stat(filepath.Join(dir, "cgroup.type")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // only the root of the tree has no type
	}
	ids := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		if id, err := CgroupID(path); err == nil { // else gone meanwhile
			ids[id] = true
		}
		return nil
	})
	return ids, err
}

// CgroupID is the id of the cgroup in that folder, as the kernel counts them.
func CgroupID(dir string) (uint64, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("read the number of the folder")
	}
	return st.Ino, nil
}

// mostNamespaces bounds how many are looked at in one go.
const mostNamespaces = 4096

func (g *Gate) namespaces() ([]netns.NsHandle, error) {
	if g.place.OnlyOwnNet {
		own, err := netns.GetFromPath("/proc/thread-self/ns/net")
		return []netns.NsHandle{own}, err
	}
	procs, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var all []netns.NsHandle
	for _, p := range procs {
		name, err := os.Readlink(p)
		if err != nil || seen[name] || len(all) == mostNamespaces {
			continue
		}
		ns, err := netns.GetFromPath(p)
		if err != nil {
			continue // ended meanwhile
		}
		seen[name] = true
		all = append(all, ns)
	}
	return all, nil
}

// Numbers of include/uapi/linux/inet_diag.h and tcp_states.h.
const (
	sockDiagByFamily = 20
	sockDestroy      = 21
	diagCgroupID     = 21
	sizeDiagID       = 48
	sizeDiagMsg      = 72
	// All states but TIME_WAIT (6), CLOSE (7) and LISTEN (10). A connected UDP socket
	// is ESTABLISHED.
	statesWithPeer = 0xfff &^ (1<<6 | 1<<7 | 1<<10)
)

func destroyIn(ns netns.NsHandle, ours map[uint64]bool, spare []Opening, d *Destroyed) error {
	runtime.LockOSThread()
	s, err := nl.GetNetlinkSocketAt(ns, netns.None(), unix.NETLINK_SOCK_DIAG)
	runtime.UnlockOSThread()
	if err != nil {
		return fmt.Errorf("ask for sockets: %w", err)
	}
	defer s.Close()
	handles := map[int]*nl.SocketHandle{unix.NETLINK_SOCK_DIAG: {Socket: s}}
	for _, proto := range []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			found, err := listSockets(handles, family, proto)
			if err != nil {
				d.Why = err.Error()
				continue
			}
			for _, one := range found {
				if one.spared(ours, spare) {
					continue
				}
				if err := one.destroy(handles); err != nil && !errors.Is(err, unix.ENOENT) {
					d.Left++
					d.Why = fmt.Sprintf("the kernel does not destroy sockets: %v", err)
					continue
				}
				d.Closed++
			}
		}
	}
	return nil
}

// liveSocket is a socket as the kernel lists it.
type liveSocket struct {
	family, proto uint8
	id            [sizeDiagID]byte // ports, addresses, interface and cookie
	cgroup        uint64           // 0 when the kernel does not say
}

type diagRequest struct {
	family, proto uint8
	states        uint32
	id            [sizeDiagID]byte
}

func (r *diagRequest) Len() int { return 8 + sizeDiagID }

func (r *diagRequest) Serialize() []byte {
	b := make([]byte, 8, r.Len())
	b[0], b[1] = r.family, r.proto
	binary.NativeEndian.PutUint32(b[4:], r.states)
	return append(b, r.id[:]...)
}

func listSockets(h map[int]*nl.SocketHandle, family, proto uint8) ([]liveSocket, error) {
	req := nl.NewNetlinkRequest(sockDiagByFamily, unix.NLM_F_DUMP)
	req.Sockets = h
	req.AddData(&diagRequest{family: family, proto: proto, states: statesWithPeer})
	var all []liveSocket
	err := req.ExecuteIter(unix.NETLINK_SOCK_DIAG, 0, func(m []byte) bool {
		if len(m) < sizeDiagMsg {
			return true
		}
		s := liveSocket{family: m[0], proto: proto}
		copy(s.id[:], m[4:])
		s.cgroup = attribute64(m[sizeDiagMsg:], diagCgroupID)
		all = append(all, s)
		return true
	})
	if err != nil && !errors.Is(err, nl.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list sockets of protocol %d: %w", proto, err)
	}
	return all, nil
}

func attribute64(b []byte, want uint16) uint64 {
	for len(b) >= 4 {
		n, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if n < 4 || n > len(b) {
			return 0
		}
		if kind == want && n == 12 {
			return binary.NativeEndian.Uint64(b[4:])
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return 0
}

func (s liveSocket) addr(at int) netip.Addr {
	if s.family == unix.AF_INET {
		return netip.AddrFrom4([4]byte(s.id[at : at+4]))
	}
	return netip.AddrFrom16([16]byte(s.id[at : at+16])).Unmap()
}

func (s liveSocket) spared(ours map[uint64]bool, spare []Opening) bool {
	if ours != nil && !ours[s.cgroup] {
		return true
	}
	own, far := binary.BigEndian.Uint16(s.id[0:]), binary.BigEndian.Uint16(s.id[2:])
	local, remote := s.addr(4), s.addr(20)
	if remote.IsLoopback() || remote.IsUnspecified() || remote == local {
		return true
	}
	for _, o := range spare {
		port := far
		if o.Inbound {
			port = own
		}
		if o.Proto == s.proto && o.Peer.Addr().Unmap() == remote && o.Peer.Port() == port {
			return true
		}
	}
	return false
}

func (s liveSocket) destroy(h map[int]*nl.SocketHandle) error {
	req := nl.NewNetlinkRequest(sockDestroy, unix.NLM_F_ACK)
	req.Sockets = h
	req.AddData(&diagRequest{family: s.family, proto: s.proto, states: statesWithPeer, id: s.id})
	_, err := req.Execute(unix.NETLINK_SOCK_DIAG, 0)
	return err
}
