package gate

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// Wanted is everything that is to be held, as a whole, but for networks. The zero value holds
// nothing.
type Wanted struct {
	Host       Until     // the whole host
	Control    []Opening // the control channel: open whatever else is held
	Open       []Opening // what stays open on an isolated host besides
	Containers map[uint64]Container
	Ports      map[Port]Until
}

// Container is a container that is cut off, by the id of its cgroup (the inode number of its
// folder in the v2 tree).
type Container struct {
	Until Until
	Level int       // how many folders below the root of the v2 tree; 1 to 12
	Open  []Opening // what stays open to it
	Links []int     // interfaces of the host behind which only it lives
}

// tables is the content of the maps.
type tables struct {
	allowed    map[programAllowKey]Until
	containers map[uint64]Until
	block4     map[programLpm4]Until
	block6     map[programLpm6]Until
	ports      map[programPortKey]Until
	links      map[uint32]cut
	gates      map[uint32]uint64
}

// cut is programCutLink, comparable.
type cut struct{ Until, Scope uint64 }

// Set makes the kernel hold exactly what is wanted. What must stay open is opened first, then
// is held what is to be held, then released what is not, and closed last what only a hold
// needed: at no moment is anything let through that is held before and after. After an error
// some of it may be done; calling again does the rest.
func (g *Gate) Set(w Wanted) error {
	want, err := w.tables()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	have := &g.have
	err = errors.Join(
		put(g.maps.Allowed, have.allowed, want.allowed),
		put(g.maps.Containers, have.containers, want.containers),
		put(g.maps.Ports, have.ports, want.ports),
		put(g.maps.Links, have.links, want.links),
	)
	if err != nil {
		return fmt.Errorf("hold what is wanted: %w", err)
	}
	if err := put(g.maps.Gates, have.gates, want.gates); err != nil {
		return fmt.Errorf("close the gate: %w", err)
	}
	err = errors.Join(
		drop(g.maps.Containers, have.containers, want.containers),
		drop(g.maps.Ports, have.ports, want.ports),
		drop(g.maps.Links, have.links, want.links),
		drop(g.maps.Allowed, have.allowed, want.allowed),
	)
	if err != nil {
		return fmt.Errorf("release what is not wanted any more: %w", err)
	}
	return nil
}

// Block makes the kernel refuse exactly these networks, until their ends, besides what Set
// says. There may be many: it is apart from Set so that isolating a host does not wait for it.
func (g *Gate) Block(networks map[netip.Prefix]Until) error {
	four, six := prefixes(networks)
	g.mu.Lock()
	defer g.mu.Unlock()
	have := &g.have
	counts := map[uint32]uint64{gateBlock4: uint64(len(four)), gateBlock6: uint64(len(six))}
	// The counts tell the programs whether to look at all: they go up first and down last.
	err := errors.Join(
		put(g.maps.Block4, have.block4, four),
		put(g.maps.Block6, have.block6, six),
		put(g.maps.Gates, have.gates, counts),
		drop(g.maps.Block4, have.block4, four),
		drop(g.maps.Block6, have.block6, six),
	)
	if err != nil {
		return fmt.Errorf("block %d networks: %w", len(networks), err)
	}
	return nil
}

func (w Wanted) tables() (tables, error) {
	t := tables{
		allowed: map[programAllowKey]Until{}, containers: map[uint64]Until{},
		ports: map[programPortKey]Until{}, links: map[uint32]cut{}, gates: map[uint32]uint64{},
	}
	open := func(scope uint64, all []Opening) {
		for _, o := range all {
			t.allowed[o.key(scope)] = Forever
		}
	}
	open(scopeControl, w.Control)
	open(scopeHost, w.Open)
	var levels uint64
	for id, c := range w.Containers {
		if c.Level < 1 || c.Level > deepest {
			return tables{}, fmt.Errorf("hold the container in cgroup %d: it lies %d deep, not 1 to %d", id, c.Level, deepest)
		}
		if id == scopeHost || id == scopeControl {
			return tables{}, fmt.Errorf("hold the container in cgroup %d: not a cgroup", id)
		}
		levels |= 1 << c.Level
		t.containers[id] = c.Until
		open(id, c.Open)
		for _, l := range c.Links {
			t.links[uint32(l)] = cut{Until: uint64(c.Until), Scope: id}
		}
	}
	for p, until := range w.Ports {
		t.ports[p.key()] = until
	}
	t.gates = map[uint32]uint64{
		gateHost: uint64(w.Host), gateLevels: levels,
		gatePorts: uint64(len(t.ports)), gateLinks: uint64(len(t.links)),
	}
	return t, nil
}

// prefixes gives each prefix the latest end of all that cover it: the kernel looks at the
// longest one only, and a short hold on one address must not open a hole in a long one on its
// network.
func prefixes(networks map[netip.Prefix]Until) (map[programLpm4]Until, map[programLpm6]Until) {
	var lengths [2][129]bool
	family := func(p netip.Prefix) int {
		if p.Addr().Is4() {
			return 0
		}
		return 1
	}
	for p := range networks {
		lengths[family(p)][p.Bits()] = true
	}
	four, six := map[programLpm4]Until{}, map[programLpm6]Until{}
	for p, until := range networks {
		for n := p.Bits() - 1; n >= 0; n-- {
			if !lengths[family(p)][n] {
				continue
			}
			if wider, err := p.Addr().Prefix(n); err == nil {
				until = max(until, networks[wider])
			}
		}
		if p.Addr().Is4() {
			four[lpm4(p)] = until
		} else {
			six[lpm6(p)] = until
		}
	}
	return four, six
}

// put writes what differs, and remembers what it wrote.
func put[K, V comparable](m *ebpf.Map, have, want map[K]V) error {
	for k, v := range want {
		if old, ok := have[k]; ok && old == v {
			continue
		}
		if err := m.Put(k, v); err != nil {
			return fmt.Errorf("write to the map %s: %w", m, err)
		}
		have[k] = v
	}
	return nil
}

func drop[K, V comparable](m *ebpf.Map, have, want map[K]V) error {
	for k := range have {
		if _, ok := want[k]; ok {
			continue
		}
		if err := m.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("delete from the map %s: %w", m, err)
		}
		delete(have, k)
	}
	return nil
}

// read learns what the maps hold, left by an agent before this one.
func (g *Gate) read() error {
	g.have = tables{gates: map[uint32]uint64{}}
	var err error
	read := func(e error) { err = errors.Join(err, e) }
	read(all(g.maps.Allowed, &g.have.allowed))
	read(all(g.maps.Containers, &g.have.containers))
	read(all(g.maps.Block4, &g.have.block4))
	read(all(g.maps.Block6, &g.have.block6))
	read(all(g.maps.Ports, &g.have.ports))
	read(all(g.maps.Links, &g.have.links))
	for i := gateHost; i < gateProbe; i++ {
		var v uint64
		read(g.maps.Gates.Lookup(i, &v))
		g.have.gates[i] = v
	}
	return err
}

func all[K, V comparable](m *ebpf.Map, into *map[K]V) error {
	*into = map[K]V{}
	var k K
	var v V
	it := m.Iterate()
	for it.Next(&k, &v) {
		(*into)[k] = v
	}
	return it.Err()
}

// Held says until when the host is held, as the kernel has it: read, not remembered.
func (g *Gate) Held() (Until, error) {
	var v Until
	err := g.maps.Gates.Lookup(gateHost, &v)
	return v, err
}
