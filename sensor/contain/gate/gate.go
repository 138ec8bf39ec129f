// Package gate is what the kernel does about network traffic while something is held: the
// whole host, a container, an address, a port.
//
// A Gate is loaded and attached when the agent starts and then costs next to nothing; holding
// something is writing a number into a map. Programs, links and maps are pinned, so that what
// is held stays held when the agent is killed, and the next agent attaches its own programs to
// the same maps before it lets go of the old ones: there is no moment without a gate. A hold
// that ends by itself carries its end, in nanoseconds since boot, and the programs compare.
//
// It says what it cannot do. See Report for what runs, Prove for what was tried, and
// docs/sensor-containment.md for what is covered where.
package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// layoutName is the folder of the present layout of the maps. A change of bpf/maps.h gets a
// new one.
const layoutName = "gate-v1"

// Place is where a gate hangs.
type Place struct {
	Cgroup string // folder of the cgroup v2 that is covered with all below it; on a host, the root
	Pins   string // folder for what must outlive the agent; a bpf file system is mounted there if it is on none

	// OnlyOwnNet keeps to the network namespace of the caller when live sockets are
	// destroyed. Otherwise all namespaces with a process in them are looked at.
	OnlyOwnNet bool
	// NoTCX uses the older clsact filters though the kernel has tcx.
	NoTCX bool
}

// Gate is attached from Open until Remove, whether or not the process that opened it lives.
type Gate struct {
	place Place
	log   *slog.Logger
	root  string // Place.Pins/layoutName
	round string // folder of this opening's links
	maps  programMaps
	progs programPrograms

	probing sync.Mutex // held while a probe is under way

	mu     sync.Mutex // guards everything that follows
	have   tables
	links  map[int]*watched
	report Report
	stop   func()
	done   sync.WaitGroup
}

// Open loads the programs, attaches them and takes over from whoever held the place before,
// in this order. What is held in the maps stays held throughout. It needs CAP_BPF,
// CAP_NET_ADMIN, CAP_SYS_ADMIN and a kernel from 5.8 on.
//
// If attaching to the cgroup is refused, the error says so and what was there before stays.
// Interfaces that cannot be covered are no error; the Report names them.
func Open(place Place, log *slog.Logger) (*Gate, error) {
	if err := onBPFFS(place.Pins); err != nil {
		return nil, fmt.Errorf("find a place for pins in %s: %w", place.Pins, err)
	}
	g := &Gate{place: place, log: log, root: filepath.Join(place.Pins, layoutName), links: map[int]*watched{}}
	if err := g.load(); err != nil {
		return nil, err
	}
	rounds, err := g.newRound()
	if err != nil {
		_ = g.closeHandles()
		return nil, err
	}
	if err := g.attachCgroup(); err != nil {
		_ = os.RemoveAll(g.round)
		_ = g.closeHandles()
		return nil, err
	}
	if err := g.read(); err != nil {
		_ = os.RemoveAll(g.round)
		_ = g.closeHandles()
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	if err := g.watchLinks(); err != nil {
		g.report.Missing = append(g.report.Missing, Missing{What: "interfaces", Why: err.Error()})
	}
	for _, old := range rounds { // the overlap ends here
		if err := os.RemoveAll(old); err != nil {
			log.Warn("an older round of links stays attached", "folder", old, "error", err)
		}
	}
	return g, nil
}

func (g *Gate) load() error {
	spec, err := loadProgram()
	if err != nil {
		return fmt.Errorf("read the programs of the gate: %w", err)
	}
	maps := filepath.Join(g.root, "maps")
	if err := os.MkdirAll(maps, 0o700); err != nil {
		return fmt.Errorf("make the folder for maps: %w", err)
	}
	_ = rlimit.RemoveMemlock() // may be refused, and from 5.11 on does not matter
	var objs programObjects
	err = spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: maps}})
	if err != nil {
		return fmt.Errorf("load the programs of the gate: %w", err)
	}
	g.maps, g.progs = objs.programMaps, objs.programPrograms
	return nil
}

// newRound makes the folder for the links of this opening and names the older ones. Rounds
// only count up: whoever was killed between attaching and letting go left two, both attached,
// and the next opening lets go of both.
func (g *Gate) newRound() (older []string, err error) {
	all := filepath.Join(g.root, "links")
	if err := os.MkdirAll(all, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for links: %w", err)
	}
	found, err := os.ReadDir(all)
	if err != nil {
		return nil, fmt.Errorf("read the folder of links: %w", err)
	}
	last := 0
	for _, f := range found {
		n, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		last = max(last, n)
		older = append(older, filepath.Join(all, f.Name()))
	}
	g.round = filepath.Join(all, strconv.Itoa(last+1))
	if err := os.Mkdir(g.round, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of this round: %w", err)
	}
	return older, nil
}

// Close lets go of everything that ends with the agent. What is pinned goes on.
func (g *Gate) Close() error {
	if g.stop != nil {
		g.stop()
		g.done.Wait()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.links {
		w.close()
	}
	return g.closeHandles()
}

func (g *Gate) closeHandles() error {
	return errors.Join(g.maps.Close(), g.progs.Close())
}

// Remove ends all enforcement and takes the gate down: links, filters, maps, pins. For
// uninstalling; a host that is held is let go by it.
func (g *Gate) Remove() error {
	g.mu.Lock()
	for i, w := range g.links {
		w.remove(i)
	}
	g.mu.Unlock()
	err := os.RemoveAll(g.root)
	return errors.Join(err, g.Close())
}

// Retire takes down gates of other layouts, which an agent of another version left. It is
// called once everything that is held is held by this one.
func (g *Gate) Retire() error {
	found, err := filepath.Glob(filepath.Join(g.place.Pins, "gate-*"))
	for _, old := range found {
		if old != g.root {
			err = errors.Join(err, os.RemoveAll(old))
		}
	}
	return err
}

// onBPFFS makes the folder, and mounts a bpf file system on it when it lies on none.
func onBPFFS(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return err
	}
	if fs.Type == unix.BPF_FS_MAGIC {
		return nil
	}
	if err := unix.Mount("bpf", folder, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RELATIME, "mode=0700"); err != nil {
		return fmt.Errorf("mount a bpf file system: %w", err)
	}
	return nil
}
