package gate

import (
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
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
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // the pin keeps it
	if err := l.Pin(filepath.Join(g.round, h.name)); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	return nil
}
