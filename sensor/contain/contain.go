// Package contain is the hands of the sensor: it obeys signed directives and holds what they
// say, in the kernel where that can be.
//
// Hands decide nothing about who may order what; that is package directive. They write down
// first and do then, so that an agent that is killed at any moment, and started again, holds
// what it held. The parts that do the work know nothing of directives: gate (network),
// process (trees of processes), vault (files), collect (evidence).
package contain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/collect"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
	"github.com/tocsin-ir/tocsin/sensor/contain/vault"
	"golang.org/x/sys/unix"
)

// Gate is what Hands need of gate.Gate.
type Gate interface {
	Set(gate.Wanted) error
	Block(map[netip.Prefix]gate.Until) error
	Destroy(gate.Sockets) (gate.Destroyed, error)
	Prove(gate.Probe) (gate.Proof, error)
	Retire() error
}

// Config is what Hands are given. Gate, State and Cgroups are needed.
type Config struct {
	Gate    Gate
	State   string // folder of the agent alone; survives a reboot
	Cgroups string // where the v2 tree is mounted
	Limits  directive.Limits

	// Reach makes one exchange over the control channel. Without it an isolation is not
	// tested, and stays.
	Reach func(context.Context) error
	// Resolve asks the host's resolver. Without it a domain is blocked by the answers that
	// are seen only (Saw).
	Resolve func(ctx context.Context, domain string) ([]netip.Addr, error)
	// Extra are descendants of a process that the agent saw being made.
	Extra func(process.Key) []process.Key
	// Keep takes the evidence that a directive asks for; closing it means all of it came.
	Keep func(ctx context.Context, id string) (io.WriteCloser, error)
	// Tell hears what happens that nobody ordered at that moment. It must not block.
	Tell func(Notice)
	// Probe is the command that gate.Probe runs inside a container.
	Probe []string

	Now  func() time.Time     // wall clock
	Boot func() time.Duration // since boot, suspend included
	Log  *slog.Logger
}

// Hands hold. Their methods may be called at the same time.
type Hands struct {
	c     Config
	vault *vault.Vault
	procs process.Hands
	boot  string // the kernel's id of this boot

	mu    sync.Mutex // guards what follows
	state *state
	block string                   // what of the holds the kernel's networks were made from
	asked map[string]time.Duration // when the resolver was last asked for a domain, since boot
}

// Notice is something that happened by itself.
type Notice struct {
	Hold string    `json:"hold"`
	What string    `json:"what"` // one of the constants
	Say  string    `json:"say"`  // a sentence for people
	At   time.Time `json:"at"`
}

// What notices tell.
const (
	RolledBack = "rolled back"
	Reached    = "control channel reached"
	Stays      = "stays without control channel"
	Ended      = "ended"
	Over       = "time is over"
	Troubled   = "trouble"
)

// New takes up what the state says is held, before it returns. When the state cannot be read
// the error says so, and whatever the kernel holds stays as it is: forgetting is not releasing.
func New(c Config) (*Hands, error) {
	c.defaults()
	v, err := vault.Open(filepath.Join(c.State, "vault"))
	if err != nil {
		return nil, err
	}
	h := &Hands{c: c, vault: v, asked: map[string]time.Duration{}}
	h.procs = process.Hands{Root: c.Cgroups, Spared: c.Limits.Spared, Extra: c.Extra}
	if h.boot, err = bootID(); err != nil {
		return nil, err
	}
	if h.state, err = load(c.State); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.takeUp(); err != nil {
		return nil, fmt.Errorf("take up what is held: %w", err)
	}
	return h, c.Gate.Retire()
}

func (c *Config) defaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Boot == nil {
		c.Boot = sinceBoot
	}
	if c.Tell == nil {
		c.Tell = func(Notice) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func sinceBoot() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano())
}

// takeUp holds again what was held. After a reboot the clock of the kernel began anew, and
// what was frozen is gone.
func (h *Hands) takeUp() error {
	var trouble error
	for _, hold := range h.state.Holds {
		if hold.Boot == h.boot {
			continue
		}
		hold.Boot, hold.Frozen = h.boot, nil
		hold.Began = h.c.Boot() - h.c.Now().Sub(hold.Since)
		hold.Until = h.c.Boot() + hold.Ends.Sub(h.c.Now())
	}
	if err := h.apply(); err != nil {
		return err // the network first: nothing else is as urgent
	}
	for _, hold := range h.state.Holds {
		if hold.Pending {
			trouble = errors.Join(trouble, h.finish(hold))
		}
	}
	if trouble != nil {
		h.c.Log.Error("something that was ordered is not done", "error", trouble)
	}
	return h.save(slices.Collect(maps.Values(h.state.Holds))...)
}

// Holds are what is held, and for how long.
func (h *Hands) Holds() []Hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Hold, 0, len(h.state.Holds))
	for _, id := range h.state.ids() {
		all = append(all, *h.state.Holds[id])
	}
	return all
}

// Receipt is what was done for a directive.
type Receipt struct {
	ID        string           `json:"id"` // of the directive
	Kind      directive.Kind   `json:"kind"`
	Done      string           `json:"done"` // one of the constants
	At        time.Time        `json:"at"`
	After     time.Duration    `json:"after,omitempty"` // from the verdict until it was in effect
	Ends      time.Time        `json:"ends,omitzero"`
	Sockets   *gate.Destroyed  `json:"sockets,omitempty"`
	Processes *process.Held    `json:"processes,omitempty"`
	File      *vault.Item      `json:"file,omitempty"`
	Evidence  *collect.Receipt `json:"evidence,omitempty"`
	Notes     []string         `json:"notes,omitempty"` // what people should know: what is not covered
}

// What was done.
const (
	Held     = "held"
	Already  = "already in effect"
	Killed   = "killed"
	Kept     = "evidence kept"
	Released = "released"
	Extended = "extended"
	Rotated  = "key replaced"
)
