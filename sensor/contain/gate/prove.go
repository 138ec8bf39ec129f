package gate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Standing is whether something that is held is really held.
type Standing string

// The three answers there are.
const (
	InEffect    Standing = "in effect"
	Stored      Standing = "stored but enforcement not proven"
	NotInEffect Standing = "not in effect"
)

// Probe is a packet that must be refused, and why it must be.
type Probe struct {
	Why    Reason
	To     netip.AddrPort // nobody's address (RFC 5737, RFC 3849) when not set
	Proto  uint8          // UDP when not set; only UDP and TCP are probed by port
	Cgroup string         // folder: sent from inside it
	// Command is run in Cgroup, with the words for ProbePacket appended: the agent's own
	// program. Without it a container can be read but not tried.
	Command []string
}

// Proof is what was read and tried.
type Proof struct {
	Standing Standing `json:"standing"`
	Tried    []Tried  `json:"tried"`
	Gaps     []string `json:"gaps,omitempty"` // what goes past the gate, or cannot be told
}

// Tried is one attempt to be refused.
type Tried struct {
	What    string `json:"what"`
	Refused bool   `json:"refused"`
	Said    string `json:"said,omitempty"` // by the kernel, when it was not the gate
}

var nobody = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}

// Prove reads whether the programs are attached and the maps hold it, and then sends packets
// that the gate must refuse. They carry a mark, by which the programs recognise them and say
// that it was they, and not somebody's firewall, who refused; and they die at the first
// router should nothing refuse them.
func (g *Gate) Prove(p Probe) (Proof, error) {
	var proof Proof
	held, err := g.holdsFor(p)
	if err != nil {
		return Proof{}, fmt.Errorf("read what is held: %w", err)
	}
	if !held {
		proof.Standing = NotInEffect
		proof.Gaps = append(proof.Gaps, "the kernel holds nothing of the kind")
		return proof, nil
	}
	loose, gaps := g.loose()
	proof.Gaps = append(proof.Gaps, gaps...)
	if loose {
		proof.Standing = NotInEffect
		return proof, nil
	}
	if p.Why == HostHeld {
		proof.Gaps = append(proof.Gaps, packetSockets()...)
	}
	if err := g.try(p, &proof); err != nil {
		return Proof{}, err
	}
	proof.judge()
	return proof, nil
}

// judge: one packet that passed is a hole. None that was refused is no proof.
func (p *Proof) judge() {
	p.Standing = Stored
	for _, t := range p.Tried {
		if t.Refused && p.Standing == Stored {
			p.Standing = InEffect
		}
		if !t.Refused && t.Said == passed {
			p.Standing = NotInEffect
		}
	}
}

const passed = "it passed"

func (g *Gate) holdsFor(p Probe) (bool, error) {
	switch p.Why {
	case HostHeld:
		until, err := g.Held()
		return until.Holds(), err
	case ContainerHeld:
		id, err := CgroupID(p.Cgroup)
		if err != nil {
			return false, err
		}
		return holds(g.maps.Containers.Lookup, id)
	case AddressBlocked:
		if p.To.Addr().Is4() {
			return holds(g.maps.Block4.Lookup, lpm4(netip.PrefixFrom(p.To.Addr(), 32)))
		}
		return holds(g.maps.Block6.Lookup, lpm6(netip.PrefixFrom(p.To.Addr(), 128)))
	case PortBlocked:
		return holds(g.maps.Ports.Lookup, Port{Number: p.To.Port(), Proto: p.proto()}.key())
	}
	return false, fmt.Errorf("prove %v: nothing to be tried", p.Why)
}

func (p Probe) proto() uint8 {
	if p.Proto == 0 {
		return UDP
	}
	return p.Proto
}

func holds(look func(key, value any) error, key any) (bool, error) {
	var until Until
	err := look(key, &until)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return false, nil
	}
	return err == nil && until.Holds(), err
}

// loose reads each pinned link back from the kernel. Somebody with root may have detached
// one, and a cgroup or interface that is gone takes its link along.
func (g *Gate) loose() (loose bool, gaps []string) {
	for _, h := range g.hooks() {
		if err := attached(filepath.Join(g.round, h.name)); err != nil {
			gaps = append(gaps, fmt.Sprintf("%s is not attached: %v", h.name, err))
			loose = loose || h.needed
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.links {
		if w.why != "" {
			gaps = append(gaps, fmt.Sprintf("interface %s is not covered: %s", w.name, w.why))
		}
		if w.before != "" {
			gaps = append(gaps, "interface "+w.name+": "+askedBefore+w.before)
		}
		for _, pin := range w.pins {
			if err := attached(pin); err != nil {
				gaps = append(gaps, fmt.Sprintf("interface %s is not covered any more: %v", w.name, err))
			}
		}
	}
	slices.Sort(gaps)
	return loose, gaps
}

func attached(pin string) error {
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	info, err := l.Info()
	if err != nil {
		return err
	}
	if c := info.Cgroup(); c != nil && c.CgroupId == 0 {
		return errors.New("it was detached")
	}
	if x := info.TCX(); x != nil && x.Ifindex == 0 {
		return errors.New("it was detached")
	}
	return nil
}

func (g *Gate) try(p Probe, proof *Proof) error {
	g.probing.Lock() // one mark at a time
	defer g.probing.Unlock()
	mark := rand.Uint32() | 1
	if err := g.maps.Gates.Put(gateProbe, uint64(mark)); err != nil {
		return fmt.Errorf("set the mark of the probe: %w", err)
	}
	defer func() { _ = g.maps.Gates.Put(gateProbe, uint64(0)) }()

	to := []netip.AddrPort{p.To}
	if !p.To.Addr().IsValid() {
		to = nil
		for _, a := range nobody {
			to = append(to, netip.AddrPortFrom(a, max(p.To.Port(), 9)))
		}
	}
	for _, at := range to {
		g.attempt(p, Call, mark, at, proof)
		if p.Why != PortBlocked {
			g.attempt(p, Egress, mark, at, proof)
		}
	}
	if p.Why == HostHeld {
		g.tryLinks(mark, proof)
	}
	return nil
}

func (g *Gate) attempt(p Probe, layer Layer, mark uint32, to netip.AddrPort, proof *Proof) {
	t := Tried{What: fmt.Sprintf("%v to %s", layer, to.Addr())}
	before := g.provedBy(layer, p.Why)
	var err error
	switch {
	case p.Cgroup == "":
		err = send(layer, mark, p.proto(), to)
	case len(p.Command) == 0:
		err = errors.New("the agent was given no way to send from inside the container")
	default:
		err = sendFrom(p.Cgroup, p.Command, layer, mark, p.proto(), to)
	}
	t.Refused = g.provedBy(layer, p.Why) > before
	switch {
	case t.Refused:
	case err == nil:
		t.Said = passed
	default:
		t.Said = err.Error()
	}
	proof.Tried = append(proof.Tried, t)
}

func (g *Gate) provedBy(l Layer, why Reason) (n uint64) {
	_ = g.maps.Proved.Lookup(slot(l, why), &n)
	return n
}

// tryLinks sends a frame out of each interface, of a type for experiments (IEEE 802: 88-B5)
// and to nobody. One that could not be covered is tried as well: nobody shall read "in effect"
// where frames pass.
func (g *Gate) tryLinks(mark uint32, proof *Proof) {
	for _, c := range g.understood() {
		before := g.provedBy(LinkOut, HostHeld)
		err := sendFrame(c.Index, mark)
		t := Tried{What: "a frame out of " + c.Name, Refused: g.provedBy(LinkOut, HostHeld) > before}
		switch {
		case t.Refused:
		case errors.Is(err, unix.ENETDOWN):
			t.Said = "the interface is down"
		case err == nil:
			t.Said = passed
		default:
			t.Said = err.Error()
		}
		proof.Tried = append(proof.Tried, t)
	}
}

// understood are the interfaces whose frames the gate can read, covered or not.
func (g *Gate) understood() (all []Covered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.links {
		if in, _ := g.framesOf(w); in != nil {
			all = append(all, Covered{Name: w.name, Index: i, By: w.by})
		}
	}
	slices.SortFunc(all, func(a, b Covered) int { return a.Index - b.Index })
	return all
}

func sendFrom(cgroup string, command []string, layer Layer, mark uint32, proto uint8, to netip.AddrPort) error {
	dir, err := os.Open(cgroup)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	args := append(slices.Clone(command[1:]), probeWords(layer, mark, proto, to)...)
	cmd := exec.Command(command[0], args...) //nolint:gosec // the agent's own program
	cmd.SysProcAttr = into(dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(strings.TrimSpace(string(out)) + " (" + err.Error() + ")")
	}
	return nil
}
