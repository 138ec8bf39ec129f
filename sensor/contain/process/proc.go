package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Key names a process for good.
type Key struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // nanoseconds since boot
}

// tick is the unit of times in /proc: USER_HZ is 100 on every architecture Go runs on.
const tick = uint64(10 * time.Millisecond)

// same compares starts in the unit of /proc: the kernel's own nanoseconds are cut there.
func same(a, b uint64) bool { return a/tick == b/tick }

// status is a line of /proc/<pid>/stat.
type status struct {
	Key
	comm   string
	state  byte
	parent int
}

func readStatus(pid int) (status, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return status{}, err
	}
	// The name may contain anything, brackets too: what follows the last one is fields.
	from, to := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return status{}, fmt.Errorf("read the state of process %d: no name", pid)
	}
	f := strings.Fields(string(text[to+1:]))
	if len(f) < 20 {
		return status{}, fmt.Errorf("read the state of process %d: %d fields", pid, len(f))
	}
	s := status{comm: string(text[from+1 : to]), state: f[0][0], Key: Key{PID: pid}}
	s.parent, _ = strconv.Atoi(f[1])
	ticks, err := strconv.ParseUint(f[19], 10, 64)
	if err != nil {
		return status{}, fmt.Errorf("read the start of process %d: %w", pid, err)
	}
	s.Start = ticks * tick
	return s, nil
}

// Named is the key of the process that has the pid now.
func Named(pid int) (Key, error) {
	s, err := readStatus(pid)
	return s.Key, err
}

// program is the path of its file, and empty for what has none: kernel threads.
func program(pid int) string {
	exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	if err != nil {
		return ""
	}
	return exe
}

// everyone is all processes there are at this moment, by pid.
func everyone() (map[int]status, error) {
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	all := make(map[int]status, len(found))
	for _, dir := range found {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStatus(pid); err == nil {
			all[pid] = s
		}
	}
	return all, nil
}

// family is the roots that are still themselves, and all their descendants, parents first.
func family(all map[int]status, roots []Key) []status {
	children := map[int][]status{}
	for _, s := range all {
		children[s.parent] = append(children[s.parent], s)
	}
	var out []status
	seen := map[int]bool{}
	var add func(s status)
	add = func(s status) {
		if seen[s.PID] {
			return
		}
		seen[s.PID] = true
		out = append(out, s)
		for _, c := range children[s.PID] {
			add(c)
		}
	}
	for _, r := range roots {
		if s, ok := all[r.PID]; ok && same(s.Start, r.Start) {
			add(s)
		}
	}
	return out
}

// cgroupOf is the folder of a process's v2 cgroup, below the root of the tree.
func cgroupOf(pid int) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return strings.TrimSuffix(path, " (deleted)"), nil
		}
	}
	return "", fmt.Errorf("find the cgroup of process %d: it is in no v2 tree", pid)
}
