package gate

import (
	"slices"

	"github.com/cilium/ebpf"
)

// Missing is something the kernel refused, in its own words.
type Missing struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Report is what runs on this host, for `probe` and for whoever relies on it.
type Report struct {
	Hooks   []string  `json:"hooks"`             // attached to the cgroup
	Links   []Covered `json:"links,omitempty"`   // interfaces, by name
	Missing []Missing `json:"missing,omitempty"` // what is not covered, and why
}

// Covered is an interface whose traffic passes the gate.
type Covered struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	By    string `json:"by"` // tcx or clsact
}

// Report says what is attached at this moment.
func (g *Gate) Report() Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := Report{Hooks: slices.Clone(g.report.Hooks), Missing: slices.Clone(g.report.Missing)}
	for i, w := range g.links {
		if w.why != "" {
			r.Missing = append(r.Missing, Missing{What: "interface " + w.name, Why: w.why})
			continue
		}
		if w.before != "" {
			r.Missing = append(r.Missing, Missing{What: "interface " + w.name, Why: askedBefore + w.before})
		}
		r.Links = append(r.Links, Covered{Name: w.name, Index: i, By: w.by})
	}
	slices.SortFunc(r.Links, func(a, b Covered) int { return a.Index - b.Index })
	return r
}

const askedBefore = "filters that are asked before the gate's may let frames pass: "

// Refusals counts what was refused since the gate was first opened after boot.
type Refusals map[Layer]map[Reason]uint64

// Sum is how much was refused for a reason, in all layers. A packet that is refused in one is
// not seen by the next.
func (r Refusals) Sum(why Reason) (n uint64) {
	for _, by := range r {
		n += by[why]
	}
	return n
}

// Refused reads the counters.
func (g *Gate) Refused() (Refusals, error) {
	all := Refusals{}
	for l := range layers {
		for why := HostHeld; why < reasons; why++ {
			n, err := sum(g.maps.Refused, slot(l, why))
			if err != nil {
				return nil, err
			}
			if n == 0 {
				continue
			}
			if all[l] == nil {
				all[l] = map[Reason]uint64{}
			}
			all[l][why] = n
		}
	}
	return all, nil
}

func sum(m *ebpf.Map, at uint32) (n uint64, err error) {
	var each []uint64
	if err := m.Lookup(at, &each); err != nil {
		return 0, err
	}
	for _, c := range each {
		n += c
	}
	return n, nil
}
