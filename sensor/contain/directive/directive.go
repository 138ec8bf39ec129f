// Package directive decides whether an order to a host is to be obeyed. It is pure: no
// kernel, no disk, no clock.
//
// A directive is signed by the server and checked here against the key that was pinned when
// the host was enrolled, before a byte of it is parsed. It names the host, the approval and
// the incident, counts up, and expires; the host's own Limits are asked last and cannot be
// widened by any directive. So a stolen Slack token, database or Redis can order nothing, and
// a stolen directive can be played once, on one host, for a short time.
//
// Start with Ledger.Accept. What it refuses comes back as a *Refusal, to be reported.
package directive

import (
	"net/netip"
	"time"
)

// Kind is what is ordered.
type Kind string

// The kinds. Those that hold something last until released, or for their TTL.
const (
	Isolate    Kind = "host.isolate"
	Cut        Kind = "container.isolate"
	Block      Kind = "net.block"
	Freeze     Kind = "process.freeze"
	Quarantine Kind = "file.quarantine"
	Kill       Kind = "process.kill-tree"
	Collect    Kind = "host.collect"
	Release    Kind = "hold.release"
	Extend     Kind = "hold.extend"
	Rotate     Kind = "key.rotate"
)

// Kinds lists all there are.
func Kinds() []Kind {
	return []Kind{Isolate, Cut, Block, Freeze, Quarantine, Kill, Collect, Release, Extend, Rotate}
}

// Holds says whether such a directive leaves something held behind.
func (k Kind) Holds() bool {
	switch k {
	case Isolate, Cut, Block, Freeze, Quarantine:
		return true
	}
	return false
}

// OnExpiry is what happens at the end of the time to live.
type OnExpiry string

// A hold stays at its end, and the server asks; only by a grant's leave it ends by itself.
const (
	Ask   OnExpiry = "ask"
	LetGo OnExpiry = "release"
)

// Version is the form of directives that this package writes.
const Version = 1

// Directive is an order to one host. Exactly the part that its kind names is set.
type Directive struct {
	V         int    `json:"v"`
	ID        string `json:"id"` // names the hold that it makes
	Workspace string `json:"workspace"`
	Host      string `json:"host"` // as enrolled
	Incident  string `json:"incident"`
	Approval  string `json:"approval"`
	Kind      Kind   `json:"kind"`
	Seq       uint64 `json:"seq"`        // counts up per host, by any step
	NotBefore int64  `json:"not_before"` // unix milliseconds
	Expires   int64  `json:"expires"`    // unix milliseconds; to be obeyed before

	TTL      int64    `json:"ttl,omitempty"` // milliseconds from the deed; of holds
	OnExpiry OnExpiry `json:"on_expiry,omitempty"`

	Isolate *IsolateOf `json:"isolate,omitempty"`
	Cut     *CutOf     `json:"cut,omitempty"`
	Block   *BlockOf   `json:"block,omitempty"`
	Process *ProcessOf `json:"process,omitempty"` // Freeze, Kill
	File    *FileOf    `json:"file,omitempty"`
	Collect *CollectOf `json:"collect,omitempty"`
	Hold    *HoldOf    `json:"hold,omitempty"` // Release, Extend
	Rotate  *RotateOf  `json:"rotate,omitempty"`
}

// Lasts is the time to live.
func (d Directive) Lasts() time.Duration { return time.Duration(d.TTL) * time.Millisecond }

// IsolateOf cuts the host off from everything but the control channel and these.
type IsolateOf struct {
	Open []Opening `json:"open,omitempty"`
}

// Opening is a conversation that stays possible. Inbound, the peer calls and the port is this
// host's; else the host calls and the port is the peer's.
type Opening struct {
	Peer    netip.AddrPort `json:"peer"`
	Proto   string         `json:"proto"` // tcp or udp
	Inbound bool           `json:"inbound,omitempty"`
}

// CutOf cuts off a container: its cgroup by folder and number, because the folder of an ended
// container can be made anew and the number cannot.
type CutOf struct {
	Path   string    `json:"path"` // below the root of the v2 tree, beginning with a slash
	Cgroup uint64    `json:"cgroup"`
	Open   []Opening `json:"open,omitempty"`
}

// BlockOf blocks peers for the whole host.
type BlockOf struct {
	Prefixes []netip.Prefix `json:"prefixes,omitempty"`
	Ports    []Port         `json:"ports,omitempty"`
	Domains  []string       `json:"domains,omitempty"` // lower case, no final dot; with all below
}

// Port is a port of peers or, inbound, of this host.
type Port struct {
	Number  uint16 `json:"number"`
	Proto   string `json:"proto"` // tcp or udp
	Inbound bool   `json:"inbound,omitempty"`
}

// ProcessOf names a process for good, and means it with all its descendants.
type ProcessOf struct {
	PID   uint32 `json:"pid"`
	Start uint64 `json:"start"` // nanoseconds since boot; a pid is used again, a pid with its start is not
}

// FileOf is a file to be put away.
type FileOf struct {
	Path   string `json:"path"`             // absolute, no symbolic link on the way
	SHA256 string `json:"sha256,omitempty"` // only if it still is this
}

// CollectOf is what is to be kept as evidence, besides processes, sockets and maps.
type CollectOf struct {
	Files []string `json:"files,omitempty"` // absolute
	Bytes int64    `json:"bytes,omitempty"` // at most, in all; the host's own limit holds too
}

// HoldOf names a hold.
type HoldOf struct {
	ID string `json:"id"`
}

// RotateOf replaces the pinned key. The directive is signed by the old key, the proof by the
// new: a host must not pin a key that nobody has.
type RotateOf struct {
	Key   []byte `json:"key"`   // ed25519, 32 bytes
	Proof []byte `json:"proof"` // by ProveKey
}
