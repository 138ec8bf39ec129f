package bpf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Profile is how much the kernel side lets through.
type Profile uint8

// The profiles. What a profile leaves out is dropped in the kernel and counted there as
// filtered; calls that no wanted kind needs are not looked at.
const (
	Normal   Profile = iota // every kind; of datagrams the first to an address a minute
	Quiet                   // no exits, accepts, binds or DNS: a busy host in peace time
	Recovery                // also failed execs of every sort, each datagram, credentials given up
)

var profileNames = [...]string{"normal", "quiet", "recovery"}

// String is the profile in one word.
func (p Profile) String() string {
	if int(p) < len(profileNames) {
		return profileNames[p]
	}
	return "unknown"
}

// UnmarshalText reads a profile's name.
func (p *Profile) UnmarshalText(b []byte) error {
	for i, n := range profileNames {
		if n == string(b) {
			*p = Profile(i)
			return nil
		}
	}
	return fmt.Errorf("profile %q is none of %s", b, strings.Join(profileNames[:], ", "))
}

// enum in C, struct settings
const (
	setFailedExec = 1 << iota
	setReads
	setEverySend
	setV1Memory
	setModuleTP
	setAllCreds
)

func (p Profile) kinds() uint32 {
	var all uint32
	for _, k := range event.Kinds() {
		all |= 1 << k
	}
	if p == Quiet {
		all &^= 1<<event.Exit | 1<<event.Accept | 1<<event.Bind | 1<<event.DNS
	}
	return all
}

func (p Profile) flags() uint32 {
	switch p {
	case Quiet:
		return 0
	case Recovery:
		return setReads | setFailedExec | setEverySend | setAllCreds
	}
	return setReads
}

// SetProfile changes what is let through, at once and without a gap.
func (e *Eyes) SetProfile(p Profile) error {
	flags := p.flags()
	if e.opts.V1 {
		flags |= setV1Memory
	}
	for _, h := range e.Hooks {
		if len(h.Programs) > 0 && h.Programs[0] == "on_module" {
			flags |= setModuleTP
		}
	}
	var self uint32
	if !e.opts.See && HostPIDs() {
		self = uint32(os.Getpid())
	}
	err := e.vars["set"].Set(eyesSettings{Kinds: p.kinds(), Flags: flags, Self: self})
	if err != nil {
		return fmt.Errorf("set profile %s: %w", p, err)
	}
	var serves, what [1024]uint8
	for _, c := range calls {
		if p.kinds()&(1<<c.kind) == 0 {
			continue
		}
		if c.nr != 0 {
			serves[c.nr], what[c.nr] = c.program, c.what
		}
		if c.nr32 != 0 {
			serves[calls32+c.nr32], what[calls32+c.nr32] = c.program, c.what
		}
	}
	if err := e.vars["names"].Set(what); err != nil {
		return fmt.Errorf("name the calls: %w", err)
	}
	if err := e.vars["serves"].Set(serves); err != nil {
		return fmt.Errorf("choose the calls: %w", err)
	}
	return nil
}

// HostPIDs says whether this process has the same number for itself as the kernel side.
// In a pid namespace of its own it does not: what it takes for itself would be somebody
// else, who would then not be watched.
func HostPIDs() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns == "pid:[4026531836]" // PROC_PID_INIT_INO, include/linux/proc_ns.h
}

const calls32 = 512 // CALLS32

// Watch says which files are watched.
type Watch struct {
	Under []string // folders and beginnings of paths, at most 64 bytes; opened for writing, made, renamed, removed, re-moded
	Write []string // names of files or of the folder they are in, wherever, at most 31 bytes; the same
	Read  []string // names whose reading is told too
	// Renamed are folders as in Under of which only renaming is told, and where they hold one of Under that counts.
	// A file that is given the set-user-id bit is told wherever it is.
	Renamed []string
}

// DefaultWatch is where programs stay on a host, where they are started from, and what
// holds secrets.
func DefaultWatch() Watch {
	return Watch{
		Under: []string{"/etc/", "/usr/bin/", "/usr/sbin/", "/usr/local/", "/usr/lib/systemd/", "/lib/systemd/", "/bin/", "/sbin/",
			"/boot/", "/opt/", "/var/spool/cron", "/var/spool/at", "/lib/modules/", "/usr/lib/modules/", "/lib/x86_64-linux-gnu/security/",
			"/usr/lib/x86_64-linux-gnu/security/", "/usr/lib/security/", "/var/www/", "/srv/", "/var/log/", "/sys/fs/bpf/",
			"/proc/sys/kernel/", "/proc/sys/fs/binfmt_misc/", "/sys/kernel/", "/run/systemd/system/", "/run/udev/rules.d/", "/usr/lib/udev/rules.d/",
			"/run/log/journal/", "/usr/lib64/security/", "/lib64/security/", "/usr/share/nginx/", "/var/lib/tomcat"},
		Write: []string{".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".bash_history", ".zsh_history", "authorized_keys", "authorized_keys2", ".ssh",
			"ld.so.preload", "core_pattern", "release_agent", "docker.sock",
			"autostart", "user"}, // of ~/.config/autostart and ~/.config/systemd/user
		Read: []string{"shadow", "gshadow", "id_rsa", "id_ed25519", "id_ecdsa", "credentials", ".git-credentials", ".netrc", ".pgpass",
			"kubeconfig", "token"},
		Renamed: []string{"/home/", "/root/", "/mnt/", "/data/", "/var/lib/"}, // what is encrypted there gets another name
	}
}

// What is told of a path or a name: WATCH_WRITE and so on.
const (
	watchWrite  = 1
	watchRead   = 2
	watchRename = 4
)

func (e *Eyes) watch() error {
	w := e.opts.Watch
	if w.IsZero() {
		w = DefaultWatch()
	}
	for flag, paths := range map[uint32][]string{watchWrite: w.Under, watchRename: w.Renamed} {
		for _, path := range paths {
			if len(path) > 64 || path == "" {
				return fmt.Errorf("watch %q: a path that is watched has 1 to 64 bytes", path)
			}
			p := eyesPrefix{Bits: uint32(len(path)) * 8}
			for i := range len(path) {
				p.Path[i] = int8(path[i])
			}
			if err := e.maps["prefixes"].Put(&p, flag); err != nil {
				return fmt.Errorf("watch %s: %w", path, err)
			}
		}
	}
	for flag, names := range map[uint32][]string{watchWrite: w.Write, watchWrite | watchRead: w.Read} {
		for _, name := range names {
			if len(name) > 31 || name == "" {
				return fmt.Errorf("watch %q: a name that is watched has 1 to 31 bytes", name)
			}
			var l eyesLeaf
			for i := range len(name) {
				l.Name[i] = int8(name[i])
			}
			if err := e.maps["leaves"].Update(&l, flag, ebpf.UpdateAny); err != nil {
				return fmt.Errorf("watch %s: %w", name, err)
			}
		}
	}
	return nil
}

// IsZero reports whether nothing is watched.
func (w Watch) IsZero() bool {
	return w.Under == nil && w.Write == nil && w.Read == nil && w.Renamed == nil
}

// Covers says whether a file operation is on something that is watched for writing.
func (w Watch) Covers(f event.FileOf) bool {
	if setsID := f.Mode&0o6000 != 0 && (f.Op == "mode" || f.Op == "create"); setsID || w.covers(f.Path) || w.covers(f.To) {
		return true
	}
	return f.Op == "rename" && (under(w.Renamed, f.Path) || under(w.Renamed, f.To))
}

func under(folders []string, path string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(path, f) || path+"/" == f })
}

func (w Watch) covers(path string) bool {
	if under(w.Under, path) {
		return true
	}
	parent, leaf := filepath.Split(path)
	folder := filepath.Base(parent)
	return slices.Contains(w.Write, leaf) || slices.Contains(w.Read, leaf) || slices.Contains(w.Write, folder)
}
