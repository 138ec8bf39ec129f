package app

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

// demoGate is a gate of no kernel: it holds what it is told, and proves what it holds. A story must
// not be able to cut this machine off.
type demoGate struct {
	mu     sync.Mutex // guards wanted
	wanted gate.Wanted
}

// Set holds.
func (g *demoGate) Set(w gate.Wanted) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted = w
	return nil
}

// Prove tries what is held: a packet of the host.
func (g *demoGate) Prove(p gate.Probe) (gate.Proof, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.Why != gate.HostHeld || g.wanted.Host == 0 {
		return gate.Proof{Standing: gate.NotInEffect}, nil
	}
	return gate.Proof{Standing: gate.InEffect, Tried: []gate.Tried{{What: "a packet", Refused: true}}}, nil
}

// Block blocks nothing: the host's limits allow no orders for it.
func (g *demoGate) Block(map[netip.Prefix]gate.Until) error { return nil }

// Destroy finds no sockets.
func (g *demoGate) Destroy(gate.Sockets) (gate.Destroyed, error) { return gate.Destroyed{}, nil }

// Retire holds on to nothing.
func (g *demoGate) Retire() error { return nil }

// obeying gives a host hands that allow isolation, and nothing that touches a process or a file.
func (h *demoHost) obeying(c *link.Config, dir string) error {
	state := filepath.Join(dir, "hands")
	if err := contain.Enrol(state, c.Identity.Workspace, c.Identity.Host, c.Identity.Pinned); err != nil {
		return fmt.Errorf("give %s hands: %w", h.name, err)
	}
	limits := directive.DefaultLimits()
	limits.Kinds = []directive.Kind{directive.Isolate, directive.Release}
	limits.Control = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:8443")}
	hands, err := contain.New(contain.Config{Gate: &demoGate{}, State: state, Cgroups: dir, Limits: limits, Log: c.Log,
		Reach: func(ctx context.Context) error { return h.link.Reach(ctx) }, Tell: func(n contain.Notice) { h.link.Tell(n) }})
	if err != nil {
		return fmt.Errorf("give %s hands: %w", h.name, err)
	}
	c.Hands, c.Limits = hands, limits
	h.run(func(ctx context.Context) { _ = hands.Run(ctx) })
	return nil
}
