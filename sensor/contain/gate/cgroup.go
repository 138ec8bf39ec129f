package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// hook is a program and the place of the cgroup it goes to.
type hook struct {
	name   string
	prog   *ebpf.Program
	attach ebpf.AttachType
	// needed: without it the gate does not close.
	needed bool
}

func (g *Gate) hooks() []hook {
	return []hook{
		{"egress", g.progs.GateEgress, ebpf.AttachCGroupInetEgress, true},
		{"ingress", g.progs.GateIngress, ebpf.AttachCGroupInetIngress, true},
		{"connect4", g.progs.GateConnect4, ebpf.AttachCGroupInet4Connect, false},
		{"connect6", g.progs.GateConnect6, ebpf.AttachCGroupInet6Connect, false},
		{"sendmsg4", g.progs.GateSendmsg4, ebpf.AttachCGroupUDP4Sendmsg, false},
		{"sendmsg6", g.progs.GateSendmsg6, ebpf.AttachCGroupUDP6Sendmsg, false},
		{"setsockopt", g.progs.GateSetsockopt, ebpf.AttachCGroupSetsockopt, false},
	}
}

func (g *Gate) attachCgroup() error {
	for _, h := range g.hooks() {
		err := g.attachHook(h)
		if err != nil && h.needed {
			return fmt.Errorf("attach %s to %s: %w", h.name, g.place.Cgroup, err)
		}
		if err != nil {
			g.report.Missing = append(g.report.Missing, Missing{What: h.name, Why: err.Error()})
			continue
		}
		g.report.Hooks = append(g.report.Hooks, h.name)
	}
	return nil
}

func (g *Gate) attachHook(h hook) error {
	l, err := link.AttachCgroup(link.CgroupOptions{Path: g.place.Cgroup, Attach: h.attach, Program: h.prog})
	if errors.Is(err, unix.EPERM) {
		return errors.Join(err, g.alone(h.attach))
	}
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // the pin keeps it
	if err := l.Pin(filepath.Join(g.round, h.name)); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	return nil
}

// alone names the programs that somebody attached to the cgroup for themselves, without
// BPF_F_ALLOW_MULTI: the kernel lets nobody in beside them. Whoever runs the host has to decide
// which of the two it is to be.
func (g *Gate) alone(where ebpf.AttachType) error {
	dir, err := os.Open(g.place.Cgroup)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	there, err := link.QueryPrograms(link.QueryOptions{Target: int(dir.Fd()), Attach: where})
	if err != nil || len(there.Programs) == 0 {
		return err
	}
	var who []string
	for _, p := range there.Programs {
		who = append(who, programName(p.ID))
	}
	return fmt.Errorf("attached there already, and perhaps with no room for others: %s", strings.Join(who, ", "))
}

func programName(id ebpf.ProgramID) string {
	name := fmt.Sprintf("program %d", id)
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return name
	}
	defer func() { _ = p.Close() }()
	if info, err := p.Info(); err == nil && info.Name != "" {
		name += " (" + info.Name + ")"
	}
	return name
}
