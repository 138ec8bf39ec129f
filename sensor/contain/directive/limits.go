package directive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits are what the people of this host allow, whatever the server orders. They come from
// a file on the host, and no directive changes them.
type Limits struct {
	LongestTTL     time.Duration
	Kinds          []Kind           // what may be ordered; releasing always may
	NeverProcesses []string         // names and absolute paths of programs that are neither frozen nor killed
	NeverAddresses []netip.Prefix   // never blocked
	NeverPaths     []string         // never put away, nor anything below
	Control        []netip.AddrPort // the control channel; it cannot be cut
	CollectBytes   int64            // at most, in one collection
}

// DefaultLimits are those of a host without a file, but for the control channel.
func DefaultLimits() Limits {
	return Limits{
		LongestTTL:     7 * 24 * time.Hour,
		Kinds:          Kinds(),
		NeverProcesses: []string{"systemd", "init", "dbus-daemon", "dbus-broker", "containerd", "dockerd", "kubelet", "tocsin-sensor"},
		NeverPaths:     []string{"/boot", "/dev", "/proc", "/sys", "/run/systemd", "/etc/tocsin-sensor", "/var/lib/tocsin-sensor"},
		CollectBytes:   1 << 30,
	}
}

// limitsFile is the file: JSON, each field optional, an unknown one an error.
type limitsFile struct {
	LongestTTL     *string          `json:"longest_ttl"` // as time.ParseDuration reads it: 48h
	Kinds          []Kind           `json:"kinds"`
	NeverProcesses []string         `json:"never_processes"` // besides those by default
	NeverAddresses []netip.Prefix   `json:"never_addresses"`
	NeverPaths     []string         `json:"never_paths"` // besides those by default
	Control        []netip.AddrPort `json:"control"`
	CollectBytes   *int64           `json:"collect_bytes"`
}

const mostLimits = 1 << 20 // bytes of the file

// ParseLimits reads the file. What it does not say is as in DefaultLimits. An error says what
// is wrong with it; an agent that cannot read its limits obeys nothing.
func ParseLimits(text []byte) (Limits, error) {
	l := DefaultLimits()
	if len(text) > mostLimits {
		return Limits{}, fmt.Errorf("read the limits: more than %d bytes", mostLimits)
	}
	var f limitsFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Limits{}, fmt.Errorf("read the limits: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Limits{}, errors.New("read the limits: something follows them")
	}
	if f.LongestTTL != nil {
		d, err := time.ParseDuration(*f.LongestTTL)
		if err != nil || d <= 0 || d > LongestTTL {
			return Limits{}, fmt.Errorf("read the limits: longest_ttl %q is not a time up to %v", *f.LongestTTL, LongestTTL)
		}
		l.LongestTTL = d
	}
	if f.Kinds != nil {
		l.Kinds = f.Kinds
	}
	for _, k := range l.Kinds {
		if !slices.Contains(Kinds(), k) {
			return Limits{}, fmt.Errorf("read the limits: there is no kind %q", k)
		}
	}
	if f.CollectBytes != nil {
		if *f.CollectBytes < 0 {
			return Limits{}, errors.New("read the limits: collect_bytes is below zero")
		}
		l.CollectBytes = *f.CollectBytes
	}
	l.NeverProcesses = append(l.NeverProcesses, f.NeverProcesses...)
	l.NeverPaths = append(l.NeverPaths, f.NeverPaths...)
	if i := slices.IndexFunc(l.NeverPaths, func(p string) bool { return !cleanPath(p) }); i >= 0 {
		return Limits{}, fmt.Errorf("read the limits: %q is not a clean absolute path", l.NeverPaths[i])
	}
	l.NeverAddresses, l.Control = f.NeverAddresses, f.Control
	return l, nil
}

func (l Limits) judge(d Directive) *Refusal {
	// Whoever is held must be able to get free, and a stolen key must be replaceable.
	if d.Kind == Release || d.Kind == Rotate {
		return nil
	}
	if !slices.Contains(l.Kinds, d.Kind) && d.Kind != Extend {
		return limited("%s is not allowed on this host", d.Kind)
	}
	if d.Lasts() > l.LongestTTL {
		return limited("it would last %v, and this host allows %v", d.Lasts(), l.LongestTTL)
	}
	switch d.Kind {
	case Isolate:
		if len(l.Control) == 0 {
			return limited("this host knows no control channel, and isolated it could not be released from afar")
		}
	case Block:
		return l.judgeBlock(d.Block.Prefixes)
	case Quarantine:
		if at, never := l.Untouchable(d.File.Path); never {
			return limited("nothing in %s is put away on this host", at)
		}
	}
	return nil
}

func limited(why string, args ...any) *Refusal {
	return refuse(Limited, "the limits are in a file on the host, and only there", why, args...)
}

func (l Limits) judgeBlock(all []netip.Prefix) *Refusal {
	for _, p := range all {
		for _, c := range l.Control {
			if p.Contains(c.Addr().Unmap()) {
				return limited("blocking %v would cut the control channel %v", p, c)
			}
		}
		for _, never := range l.NeverAddresses {
			if p.Overlaps(never) {
				return limited("blocking %v would block %v, which is never blocked on this host", p, never)
			}
		}
	}
	return nil
}

// Unblockable says whether the limits forbid blocking an address. Addresses of domains come from
// the network, and an intruder may answer with the ones this host lives by.
func (l Limits) Unblockable(a netip.Addr) bool {
	return l.judgeBlock([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())}) != nil
}

// Untouchable says whether a path lies where nothing is put away, and where that is.
func (l Limits) Untouchable(p string) (string, bool) {
	for _, never := range l.NeverPaths {
		if p == never || strings.HasPrefix(p, strings.TrimSuffix(never, "/")+"/") {
			return never, true
		}
	}
	return "", false
}

// Spared says whether a process is neither frozen nor killed, by the path of its program. A
// name is believed only of programs where the system keeps its own: whoever calls their file
// in /tmp systemd, or their thread, is not spared for it.
func (l Limits) Spared(exe string) bool {
	own := slices.ContainsFunc([]string{"/usr/", "/bin/", "/sbin/", "/lib/", "/opt/"}, func(dir string) bool { return strings.HasPrefix(exe, dir) })
	return slices.ContainsFunc(l.NeverProcesses, func(never string) bool {
		return never == exe || own && never == path.Base(exe)
	})
}
