// Package event is the language of the sensor: what was seen on a host, in one shape
// for the agent that sees it, the rules that judge it, the wire that carries it and the
// server that shows it. It is pure: no kernel, no network, no clock.
package event

import (
	"net/netip"
	"time"
)

// Kind says what happened.
type Kind uint8

// The kinds. Their numbers are part of the wire and never change.
const (
	Unknown    Kind = 0
	Exec       Kind = 1  // a program was started, or failed to start (Result)
	Exit       Kind = 2  // the last thread of a process ended
	Connect    Kind = 3  // a socket was connected, or a datagram addressed
	Accept     Kind = 4  // a connection came in
	Bind       Kind = 5  // a socket was bound to a port
	Listen     Kind = 6  // a socket began to listen
	DNS        Kind = 7  // a name was asked for, or answered
	File       Kind = 8  // a watched file was opened for writing, made, renamed, linked, removed, or its mode changed
	Privilege  Kind = 9  // credentials changed to more than before
	Ptrace     Kind = 10 // a process took hold of another
	MemWrite   Kind = 11 // process_vm_writev, or /proc/<pid>/mem opened for writing
	Module     Kind = 12 // a kernel module was loaded
	BPF        Kind = 13 // a BPF program was loaded
	Memfd      Kind = 14 // a file without a name was made
	Namespace  Kind = 15 // unshare or setns
	Mount      Kind = 16 // a file system was mounted
	kindsCount      = 17
)

var kindNames = [kindsCount]string{"unknown", "exec", "exit", "connect", "accept", "bind", "listen", "dns", "file",
	"privilege", "ptrace", "mem_write", "module", "bpf", "memfd", "namespace", "mount"}

// String is the kind in one word, as people type it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

// KindNamed is the kind of that name.
func KindNamed(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name && k != int(Unknown) {
			return Kind(k), true
		}
	}
	return Unknown, false
}

// Kinds lists every kind but Unknown.
func Kinds() []Kind {
	all := make([]Kind, 0, kindsCount-1)
	for k := Exec; k < kindsCount; k++ {
		all = append(all, k)
	}
	return all
}

// MarshalText writes the kind by name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name; one that is not known is Unknown, never an error: an older
// server reads what a newer sensor says.
func (k *Kind) UnmarshalText(b []byte) error {
	*k, _ = KindNamed(string(b))
	return nil
}

// Event is one thing that was seen. Exactly the part that its Kind names is set.
type Event struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`             // of the host's clock, UTC
	Host string    `json:"host"`           // the sensor's host, as enrolled
	CPU  uint32    `json:"cpu"`            // with Seq: accounts for every event
	Seq  uint64    `json:"seq"`            // counts up per CPU and kind, gaps are losses
	Rule string    `json:"rule,omitzero"`  // the rule or indicator it matched, when it was sent for that
	Also []string  `json:"also,omitempty"` // the other rules that it matched, the worst first
	New  bool      `json:"new,omitzero"`   // no rule wanted it: it was sent for behaviour that was not sent lately

	Process   Process   `json:"process,omitzero"`
	Parent    Process   `json:"parent,omitzero"`
	Container Container `json:"container,omitzero"`

	Exec *ExecOf   `json:"exec,omitempty"`
	Exit *ExitOf   `json:"exit,omitempty"`
	Net  *NetOf    `json:"net,omitempty"` // Connect, Accept, Bind, Listen
	DNS  *DNSOf    `json:"dns,omitempty"`
	File *FileOf   `json:"file,omitempty"`
	Priv *PrivOf   `json:"priv,omitempty"`
	Sys  *SystemOf `json:"sys,omitempty"` // Ptrace, MemWrite, Module, BPF, Memfd, Namespace, Mount
}

// MostRules bounds the rules of an event that anybody counts.
const MostRules = 16

// Rules are all that it matched, the worst first.
func (e *Event) Rules() []string {
	if e.Rule == "" {
		return nil
	}
	return append([]string{e.Rule}, e.Also[:min(len(e.Also), MostRules-1)]...)
}

// Key names a process for good: a pid is used again, a pid with its start is not.
type Key struct {
	PID   uint32 `json:"pid"`             // thread group, in the host's namespace
	Start uint64 `json:"start,omitempty"` // nanoseconds since boot
}

// Process is who did it.
type Process struct {
	Key
	Exe     string   `json:"exe,omitempty"`  // absolute path of the program's file, in its own root
	Args    []string `json:"args,omitempty"` // argv, argv[0] included
	Cut     bool     `json:"cut,omitempty"`  // Args are not all of it; ArgsLen is
	ArgsLen uint32   `json:"args_len,omitempty"`
	Dir     string   `json:"dir,omitempty"` // working directory
	Comm    string   `json:"comm,omitempty"`
	UID     uint32   `json:"uid"`
	EUID    uint32   `json:"euid"`
	GID     uint32   `json:"gid"`
	Login   uint32   `json:"login"` // the audit login uid; 4294967295 when there is none
	User    string   `json:"user,omitempty"`
	TTY     string   `json:"tty,omitempty"`
}

// Container is where it ran; empty on the host itself.
type Container struct {
	ID        string            `json:"id,omitempty"`
	Cgroup    uint64            `json:"cgroup,omitempty"` // v2 id
	Path      string            `json:"path,omitempty"`   // of the cgroup
	Image     string            `json:"image,omitempty"`
	Name      string            `json:"name,omitempty"`
	Pod       string            `json:"pod,omitempty"`
	PodUID    string            `json:"pod_uid,omitempty"`
	Namespace string            `json:"namespace,omitempty"` // of Kubernetes
	Labels    map[string]string `json:"labels,omitempty"`
}

// ExecOf is a program that was started.
type ExecOf struct {
	Asked   string `json:"asked,omitempty"`   // the path as the caller wrote it
	Result  int32  `json:"result"`            // 0, or the negative errno of an exec that failed
	SetUID  bool   `json:"setuid,omitempty"`  // it runs as somebody else by set-user-id or set-group-id
	Caps    bool   `json:"caps,omitempty"`    // it gained capabilities from the file
	Deleted bool   `json:"deleted,omitempty"` // its file has no name any more
	Memfd   bool   `json:"memfd,omitempty"`   // its file never had one
	UIDWas  uint32 `json:"uid_was,omitempty"` // real user before it; differs from the process' own only when a hole was used
	EUIDWas uint32 `json:"euid_was"`          // effective user before it
	Inode   uint64 `json:"inode,omitempty"`
	CTime   uint64 `json:"ctime,omitempty"` // nanoseconds
	SHA256  string `json:"sha256,omitempty"`
	SHA1    string `json:"sha1,omitempty"`
	MD5     string `json:"md5,omitempty"`
}

// ExitOf is how a process ended.
type ExitOf struct {
	Code   int32         `json:"code"`
	Signal int32         `json:"signal,omitempty"`
	Lived  time.Duration `json:"lived"`
}

// NetOf is a socket's business.
type NetOf struct {
	Proto  string         `json:"proto"` // tcp, udp, icmp, raw, or its number
	Local  netip.AddrPort `json:"local,omitzero"`
	Remote netip.AddrPort `json:"remote,omitzero"`
	Result int32          `json:"result"`           // 0, or a negative errno; -115 while a connection is being made
	Denied bool           `json:"denied,omitempty"` // the sensor itself refused it
	Name   string         `json:"name,omitempty"`   // what the address was asked for by, when the sensor saw the answer
}

// DNSOf is a question, or an answer with its addresses.
type DNSOf struct {
	Server  netip.AddrPort `json:"server,omitzero"`
	Name    string         `json:"name"` // lower case, no final dot
	Type    string         `json:"type"` // A, AAAA, TXT, …
	Answer  bool           `json:"answer,omitempty"`
	Code    int            `json:"code,omitempty"` // of the answer; 3 is NXDOMAIN
	Addrs   []netip.Addr   `json:"addrs,omitempty"`
	Aliases []string       `json:"aliases,omitempty"`
}

// FileOf is what was done to a file.
type FileOf struct {
	Op     string `json:"op"` // open, create, rename, link, symlink, remove, mode
	Path   string `json:"path"`
	To     string `json:"to,omitempty"` // of rename and link
	Flags  uint32 `json:"flags,omitempty"`
	Mode   uint32 `json:"mode,omitempty"`
	Inode  uint64 `json:"inode,omitempty"`
	Result int32  `json:"result"`
	Via    string `json:"via,omitempty"` // io_uring, compat32; empty is an ordinary call
}

// PrivOf is what credentials became.
type PrivOf struct {
	Call    string `json:"call"` // setuid, setresuid, capset, exec, …
	UIDWas  uint32 `json:"uid_was"`
	UID     uint32 `json:"uid"`
	EUIDWas uint32 `json:"euid_was"`
	EUID    uint32 `json:"euid"`
	CapsWas uint64 `json:"caps_was"` // effective, as bits
	Caps    uint64 `json:"caps"`
}

// SystemOf is a call that deserves a look.
type SystemOf struct {
	Call   string  `json:"call"`
	Target Process `json:"target,omitzero"` // of ptrace and mem_write
	Name   string  `json:"name,omitempty"`  // of a module, program, memfd, mount point or file system
	Source string  `json:"source,omitempty"`
	Arg    uint64  `json:"arg,omitempty"` // request, program type or flags
	Result int32   `json:"result"`
}
