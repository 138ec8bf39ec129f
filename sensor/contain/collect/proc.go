package collect

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is one that ran.
type Process struct {
	PID     int      `json:"pid"`
	Parent  int      `json:"parent"`
	Start   uint64   `json:"start"` // ticks of 10 ms since boot
	Comm    string   `json:"comm"`
	State   string   `json:"state"`
	Exe     string   `json:"exe,omitempty"`
	Deleted bool     `json:"deleted,omitempty"` // its program has no name any more
	SHA256  string   `json:"sha256,omitempty"`  // of its program, where that was kept for it
	Args    []string `json:"args,omitempty"`
	Dir     string   `json:"dir,omitempty"`
	Root    string   `json:"root,omitempty"` // when it is not /
	UIDs    string   `json:"uids,omitempty"` // real, effective, saved, file system
	GIDs    string   `json:"gids,omitempty"`
	Caps    string   `json:"caps,omitempty"` // effective, hexadecimal
	Cgroup  string   `json:"cgroup,omitempty"`
	Net     string   `json:"net,omitempty"` // network namespace
	Open    []string `json:"open,omitempty"`
	Mapped  []string `json:"mapped,omitempty"` // files
	Cut     bool     `json:"cut,omitempty"`    // Open or Mapped are not all
}

func (c *collection) processes(ctx context.Context) error {
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	for _, dir := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if len(c.m.Processes) == mostProcesses {
			c.leaveOut("/proc", "more than %d processes", mostProcesses)
			break
		}
		if p, ok := readProcess(pid, dir); ok {
			c.m.Processes = append(c.m.Processes, p)
		}
	}
	slices.SortFunc(c.m.Processes, func(a, b Process) int { return a.PID - b.PID })
	return nil
}

func readProcess(pid int, dir string) (p Process, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	from, to := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if err != nil || from < 0 || to < from {
		return p, false // ended meanwhile
	}
	f := strings.Fields(string(stat[to+1:]))
	if len(f) < 20 {
		return p, false
	}
	p = Process{PID: pid, Comm: string(stat[from+1 : to]), State: f[0]}
	p.Parent, _ = strconv.Atoi(f[1])
	p.Start, _ = strconv.ParseUint(f[19], 10, 64)
	link := func(name string) string { to, _ := os.Readlink(filepath.Join(dir, name)); return to }
	p.Exe, p.Deleted = strings.CutSuffix(link("exe"), " (deleted)")
	p.Dir, p.Net = link("cwd"), link("ns/net")
	if root := link("root"); root != "/" {
		p.Root = root
	}
	if text, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && len(text) > 0 {
		p.Args = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "cgroup")); err == nil {
		p.Cgroup = strings.TrimSpace(string(text))
	}
	p.credentials(filepath.Join(dir, "status"))
	p.open(filepath.Join(dir, "fd"))
	p.mapped(filepath.Join(dir, "maps"))
	return p, true
}

func (p *Process) credentials(path string) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.Join(strings.Fields(value), " ")
		switch name {
		case "Uid":
			p.UIDs = value
		case "Gid":
			p.GIDs = value
		case "CapEff":
			p.Caps = value
		}
	}
}

func (p *Process) open(dir string) {
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		if len(p.Open) == mostOpen {
			p.Cut = true
			return
		}
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			p.Open = append(p.Open, fd.Name()+" "+to)
		}
	}
}

func (p *Process) mapped(path string) {
	text, _ := os.ReadFile(path)
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 6)
		if len(f) < 6 {
			continue
		}
		name := strings.TrimSpace(f[5])
		// Memory that may be run and has no file is where injected code lives.
		if name == "" && strings.Contains(f[1], "x") {
			name = "(no file) " + f[0] + " " + f[1]
		}
		if name == "" || seen[name] {
			continue
		}
		if len(p.Mapped) == mostMapped {
			p.Cut = true
			return
		}
		seen[name] = true
		p.Mapped = append(p.Mapped, name)
	}
}

// system keeps the tables of the kernel, as it writes them: sockets of each network
// namespace, mounts, modules.
func (c *collection) system(ctx context.Context) error {
	for _, path := range []string{"/proc/mounts", "/proc/modules", "/proc/version", "/proc/cmdline", "/proc/net/route", "/proc/net/arp"} {
		if err := c.table(ctx, path, "system"); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, p := range c.m.Processes {
		if p.Net == "" || seen[p.Net] {
			continue
		}
		seen[p.Net] = true
		for _, kind := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "unix"} {
			if err := c.table(ctx, fmt.Sprintf("/proc/%d/net/%s", p.PID, kind), "sockets of "+p.Net); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collection) table(ctx context.Context, path, what string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		c.leaveOut(path, "%v", err)
		return nil
	}
	return c.text(ctx, path, what, text)
}
