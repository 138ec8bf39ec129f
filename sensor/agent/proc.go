package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// running is every process of the host, from /proc.
func running() []known {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []known
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		if p, ok := readProcess(uint32(pid)); ok {
			all = append(all, p)
		}
	}
	return all
}

// readProcess reads one; false when it is gone or was never there.
func readProcess(pid uint32) (known, bool) {
	dir := "/proc/" + strconv.FormatUint(uint64(pid), 10)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return known{}, false
	}
	ppid, start, ok := readStat(stat)
	if !ok {
		return known{}, false
	}
	p := known{approximate: true, parent: event.Key{PID: ppid}}
	p.Key = event.Key{PID: pid, Start: start}
	p.Exe, _ = os.Readlink(dir + "/exe")
	p.Exe = strings.TrimSuffix(p.Exe, " (deleted)")
	p.Dir, _ = os.Readlink(dir + "/cwd")
	if args, err := os.ReadFile(dir + "/cmdline"); err == nil && len(args) > 0 {
		p.ArgsLen = uint32(len(args))
		if len(args) > keptArgs {
			args, p.Cut = args[:keptArgs], true
		}
		p.Args = strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00")
	}
	p.Login = ^uint32(0)
	if id, err := os.ReadFile(dir + "/loginuid"); err == nil {
		if n, err := strconv.ParseUint(string(bytes.TrimSpace(id)), 10, 32); err == nil {
			p.Login = uint32(n)
		}
	}
	status, _ := os.ReadFile(dir + "/status")
	readStatus(&p, status)
	return p, true
}

// readStat reads parent and start, in nanoseconds since boot to a clock tick. The name
// stands in parentheses and may hold any, spaces and parentheses too: proc(5).
func readStat(b []byte) (ppid uint32, start uint64, ok bool) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, 0, false
	}
	f := bytes.Fields(b[i+1:])
	if len(f) < 20 {
		return 0, 0, false
	}
	parent, err := strconv.ParseUint(string(f[1]), 10, 32)
	if err != nil {
		return 0, 0, false
	}
	ticks, err := strconv.ParseUint(string(f[19]), 10, 64)
	if err != nil || ticks > 1<<50 {
		return 0, 0, false
	}
	return uint32(parent), ticks * clockTick, true
}

func readStatus(p *known, b []byte) {
	for line := range bytes.Lines(b) {
		key, rest, _ := strings.Cut(string(line), ":")
		f := strings.Fields(rest)
		switch {
		case key == "Name" && len(f) > 0:
			p.Comm = strings.TrimSpace(rest)
		case key == "Uid" && len(f) >= 2:
			p.UID, p.EUID = number(f[0]), number(f[1])
		case key == "Gid" && len(f) >= 1:
			p.GID = number(f[0])
		case key == "CapEff" && len(f) == 1:
			p.caps, _ = strconv.ParseUint(f[0], 16, 64)
		}
	}
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// outside is the number that the host has for a process that who, in a pid namespace of
// its own, calls inner. It is 0 when there is none.
func outside(who, inner uint32) uint32 {
	ns, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(int(who)), "ns/pid"))
	if err != nil {
		return 0
	}
	if ours, err := os.Readlink("/proc/self/ns/pid"); err == nil && ns == ours {
		return inner
	}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		if its, err := os.Readlink(dir + "/ns/pid"); err != nil || its != ns {
			continue
		}
		status, _ := os.ReadFile(dir + "/status")
		for line := range bytes.Lines(status) {
			if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "NSpid:" && number(f[len(f)-1]) == inner {
				return uint32(pid)
			}
		}
	}
	return 0
}
