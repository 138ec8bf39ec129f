package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	mostArgs  = 4 << 10 // bytes of arguments of one process
	clockTick = 10_000_000
)

// everyone is every process, by number.
func (m *Memory) everyone(ctx context.Context) ([]wire.Process, error) {
	entries, err := os.ReadDir(m.o.Proc)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	var all []wire.Process
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		if p, ok := m.process(uint32(pid)); ok {
			all = append(all, p)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range all {
		all[i].Called = m.called[all[i].Cgroup]
	}
	slices.SortFunc(all, func(a, b wire.Process) int { return int(a.PID) - int(b.PID) })
	return all, nil
}

// process reads one; false when it is gone.
func (m *Memory) process(pid uint32) (p wire.Process, ok bool) {
	dir := filepath.Join(m.o.Proc, strconv.FormatUint(uint64(pid), 10))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	from, to := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')') // the name may hold any: proc(5)
	if err != nil || from < 0 || to < from {
		return p, false
	}
	f := strings.Fields(string(stat[to+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" { // what ended and waits to be buried does not run
		return p, false
	}
	p.PID, p.Comm, p.Parent = pid, string(stat[from+1:to]), number(f[1])
	ticks, _ := strconv.ParseUint(f[19], 10, 64)
	p.Start = ticks * clockTick
	p.Exe, _ = os.Readlink(filepath.Join(dir, "exe"))
	p.Dir, _ = os.Readlink(filepath.Join(dir, "cwd"))
	if args, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && len(args) > 0 {
		p.ArgsLen = uint32(len(args))
		if len(args) > mostArgs {
			args, p.Cut = args[:mostArgs], true
		}
		p.Args = strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00")
	}
	status, _ := os.ReadFile(filepath.Join(dir, "status"))
	for line := range bytes.Lines(status) {
		key, rest, _ := strings.Cut(string(line), ":")
		v := strings.Fields(rest)
		switch {
		case key == "Uid" && len(v) > 1:
			p.UID, p.EUID = number(v[0]), number(v[1])
		case key == "Gid" && len(v) > 0:
			p.GID = number(v[0])
		}
	}
	p.Cgroup = cgroupIn(filepath.Join(dir, "cgroup"))
	p.Container = containerID(p.Cgroup)
	return p, true
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// cgroupIn is the v2 path of a process.
func cgroupIn(path string) string {
	b, _ := os.ReadFile(path)
	for line := range bytes.Lines(b) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "0::"); ok {
			return rest
		}
	}
	return ""
}

// gone is a process that is not there; the name is the one that was asked for.
type gone struct{ name string }

func (g gone) Error() string { return fmt.Sprintf("no process %s runs here", g.name) }

// named are the processes that a pid or a name means: 4242, nginx, /usr/sbin/nginx.
func named(all []wire.Process, subject string) (found []wire.Process) {
	for _, p := range all {
		if strconv.FormatUint(uint64(p.PID), 10) == subject || p.Comm == subject || p.Exe == subject || filepath.Base(p.Exe) == subject {
			found = append(found, p)
		}
	}
	return found
}

// find tells of the processes of that name.
func (m *Memory) find(ctx context.Context, subject string, row Row) error {
	all, err := m.everyone(ctx)
	if err != nil {
		return err
	}
	return rows(named(all, subject), row)
}

// tree tells of a process, those above it, and all below it; where a name fits several, of each.
// Depth is below zero for those above.
func (m *Memory) tree(ctx context.Context, subject string, row Row) error {
	all, err := m.everyone(ctx)
	if err != nil {
		return err
	}
	roots := named(all, subject)
	if len(roots) == 0 {
		return gone{subject}
	}
	byPID, below := map[uint32]wire.Process{}, map[uint32][]wire.Process{}
	for _, p := range all {
		byPID[p.PID] = p
		below[p.Parent] = append(below[p.Parent], p)
	}
	told := map[event.Key]bool{}
	for _, root := range roots {
		if told[root.Key] {
			continue
		}
		var above []wire.Process
		for p, ok := byPID[root.Parent]; ok && len(above) < 64; p, ok = byPID[p.Parent] {
			p.Depth = -len(above) - 1
			above = append(above, p)
		}
		slices.Reverse(above)
		if err := errors.Join(rows(above, row), descend(root, 0, below, told, row)); err != nil {
			return err
		}
	}
	return nil
}

func descend(p wire.Process, depth int, below map[uint32][]wire.Process, told map[event.Key]bool, row Row) error {
	if told[p.Key] || depth > 256 { // a pid that was used again while we read could make a circle
		return nil
	}
	told[p.Key] = true
	p.Depth = depth
	if err := row(p); err != nil {
		return err
	}
	for _, child := range below[p.PID] {
		if err := descend(child, depth+1, below, told, row); err != nil {
			return err
		}
	}
	return nil
}
