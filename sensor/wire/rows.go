// Package wire is what a sensor and its server say to each other: sensor.proto and the code
// generated from it (make proto), the rows of answers, and the signature of sets.
//
// Both sides outlive each other's versions. What one does not know it passes over: unknown
// fields of messages and rows, unknown kinds of events, questions that are answered with
// trouble instead of silence. Only directives are different: package directive refuses what it
// cannot read to the last byte.
package wire

import (
	"net/netip"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Bounds of what is sent and read.
const (
	MostMessage = 8 << 20   // bytes; a set for an agent that takes no parts is the largest
	MostUpdate  = 48 << 20  // bytes of a set: a million indicators and more
	MostBatch   = 256 << 10 // bytes of the events in a batch
	MostEvents  = 1024      // in a batch
	MostRow     = 64 << 10  // bytes
	MostPart    = 256 << 10 // bytes of an archive at once
	MostRows    = 5000      // of an answer
)

// What may be asked.
const (
	AskHunt      = "hunt"      // Subject of Kind: rows are Found
	AskTree      = "tree"      // of the process Subject, a pid or a name: rows are Process
	AskFind      = "find"      // processes named by Subject: rows are Process
	AskConns     = "conns"     // rows are Socket
	AskListeners = "listeners" // rows are Socket
	AskTimeline  = "timeline"  // rows are event.Event, the oldest first, of those that mention Subject
	AskTail      = "tail"      // the same as they happen, until ToMs
	AskFile      = "file"      // at the path Subject: one File
	AskContainer = "container" // named by Subject: rows are Container
	AskHolds     = "holds"     // rows are Hold
	AskProof     = "proof"     // of the hold Subject: one Proof
)

// What a hunt may be for.
const (
	HuntIP      = "ip" // an address or a network
	HuntDomain  = "domain"
	HuntHash    = "hash" // SHA-256 of a program that ran or runs
	HuntProcess = "process"
	HuntPackage = "package"
)

// Hunts lists what a hunt may be for.
func Hunts() []string { return []string{HuntIP, HuntDomain, HuntHash, HuntProcess, HuntPackage} }

// Process is one that runs.
type Process struct {
	event.Process
	Parent    uint32 `json:"parent"`
	Depth     int    `json:"depth,omitempty"` // below the one that was asked for
	Cgroup    string `json:"cgroup,omitempty"`
	Container string `json:"container,omitempty"`
	Called    string `json:"called,omitempty"` // the container for people, as event.Container says it
}

// Socket is a connection or a listener.
type Socket struct {
	Proto   string         `json:"proto"`
	Local   netip.AddrPort `json:"local"`
	Remote  netip.AddrPort `json:"remote,omitzero"`
	State   string         `json:"state"` // established, listen, …
	Inode   uint64         `json:"inode,omitempty"`
	PID     uint32         `json:"pid,omitempty"`
	Program string         `json:"program,omitempty"`
}

// Found is a sign of what was hunted.
type Found struct {
	Where string       `json:"where"` // memory, socket, process, package
	What  string       `json:"what"`  // one sentence
	At    time.Time    `json:"at,omitzero"`
	PID   uint32       `json:"pid,omitempty"`
	Event *event.Event `json:"event,omitempty"`
}

// File is what lies at a path.
type File struct {
	Path   string    `json:"path"`
	There  bool      `json:"there"`
	Plain  bool      `json:"plain,omitempty"` // a plain file, reached without symbolic links
	Size   int64     `json:"size,omitempty"`
	Mode   uint32    `json:"mode,omitempty"`
	UID    uint32    `json:"uid,omitempty"`
	MTime  time.Time `json:"mtime,omitzero"`
	SHA256 string    `json:"sha256,omitempty"`
	UsedBy []uint32  `json:"used_by,omitempty"` // processes whose program it is
}

// Container is one by its cgroup.
type Container struct {
	ID        string `json:"id"`
	Path      string `json:"path"`
	Cgroup    uint64 `json:"cgroup"`
	Processes int    `json:"processes"`
	Program   string `json:"program,omitempty"` // of its first process
}

// Hold is something a host holds, as package contain keeps it: the parts that a server reads.
type Hold struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Incident string    `json:"incident"`
	About    []string  `json:"about,omitempty"` // cgroup, networks and domains, process, path
	Since    time.Time `json:"since"`
	Ends     time.Time `json:"ends"`
	OnExpiry string    `json:"on_expiry"`
	Pending  bool      `json:"pending,omitempty"`
}

// Proof is what a host saw when it tried a hold.
type Proof struct {
	Standing string   `json:"standing"` // in effect; stored but enforcement not proven; not in effect
	Tried    []Tried  `json:"tried,omitempty"`
	Gaps     []string `json:"gaps,omitempty"`
}

// Tried is one attempt to be refused.
type Tried struct {
	What    string `json:"what"`
	Refused bool   `json:"refused"`
}

// Receipt is the part of contain.Receipt that a server reads.
type Receipt struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Done     string    `json:"done"`
	At       time.Time `json:"at"`
	Ends     time.Time `json:"ends,omitzero"`
	Notes    []string  `json:"notes,omitempty"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Evidence names an archive by its content.
type Evidence struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Notice is something that happened on a host by itself.
type Notice struct {
	Hold string    `json:"hold"`
	What string    `json:"what"`
	Say  string    `json:"say"`
	At   time.Time `json:"at"`
}

// Health is how an agent is, and what became of every event.
type Health struct {
	Since     time.Time       `json:"since"`
	Profile   string          `json:"profile"`
	Kinds     map[string]Kind `json:"kinds"`
	Malformed uint64          `json:"malformed,omitempty"`
	Processes int             `json:"processes"`
	Spooled   int64           `json:"spooled"` // bytes that wait for the server
	Oldest    time.Time       `json:"oldest,omitzero"`
	Trouble   []string        `json:"trouble,omitempty"`
	Sifted    *Sifted         `json:"sifted,omitempty"` // nil: nobody learns what is usual there
}

// Sifted is what an agent did to pick out what is new, since the server asked for it.
type Sifted struct {
	Passed uint64 `json:"passed"` // events that were sent for it
	Held   uint64 `json:"held"`   // events that had something new, and were more than may be sent at once
	Early  uint64 `json:"early"`  // things that were forgotten before their time, and are sent again
	Things int    `json:"things"` // that are remembered as sent
}

// Kind is the account of one kind of event. At rest
//
//	Seen + Before = Filtered + Lost + Kept + Sent + Waiting + SpoolLost
//
// where Sent was taken by the server and Kept is what nobody asked for.
type Kind struct {
	Seen      uint64 `json:"seen"`
	Before    uint64 `json:"before"`   // what waited in the spool when the agent started
	Filtered  uint64 `json:"filtered"` // in the kernel, by path, or by a rule that drops it
	Lost      uint64 `json:"lost"`     // in the kernel or on the way to the spool
	Kept      uint64 `json:"kept"`     // in the host's memory only
	Sent      uint64 `json:"sent"`
	Waiting   uint64 `json:"waiting"`    // in the spool
	SpoolLost uint64 `json:"spool_lost"` // given up by the spool: full, or unreadable
}

// Open is how many events are not accounted for: 0 at rest.
func (k Kind) Open() int64 {
	return int64(k.Seen+k.Before) - int64(k.Filtered+k.Lost+k.Kept+k.Sent+k.Waiting+k.SpoolLost)
}
