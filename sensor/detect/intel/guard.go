package intel

import (
	"fmt"
	"net/netip"
	"strings"
)

// Guard knows what must never be an indicator, whoever says so: whoever can write into a
// feed could otherwise have us cut ourselves off, or drown in alarms. It never changes.
type Guard struct {
	conf    Guarded
	own     []netip.Prefix
	control []netip.Prefix
	allow   []netip.Prefix
}

// Guarded is what a Guard protects besides its own lists. The zero value is ready.
type Guarded struct {
	Own          []netip.Prefix // the organisation's addresses
	OwnNames     []string       // its domains, with all below them
	Control      []netip.Prefix // where sensors reach the server, and the server its vendors
	ControlNames []string
	// The widest networks that are taken, as prefix lengths; 0 is 16 for IPv4 and 32 for
	// IPv6. Wider ones hold too many who did nothing.
	Widest4, Widest6 int
	// Allow are private addresses, resolvers or sites that somebody here wants to watch
	// all the same. It does not reach Own and Control.
	Allow      []netip.Prefix
	AllowNames []string
}

// Refused is why something must not be an indicator.
type Refused struct {
	List string // the list that says so: "control channel", "private", …
	Why  string // one sentence
}

// Error is the sentence.
func (r *Refused) Error() string { return r.Why }

// NewGuard makes a Guard. The error names what is no network or name.
func NewGuard(c Guarded) (*Guard, error) {
	g := &Guard{}
	for _, l := range []struct {
		from []netip.Prefix
		to   *[]netip.Prefix
	}{{c.Own, &g.own}, {c.Control, &g.control}, {c.Allow, &g.allow}} {
		for _, p := range l.from {
			clean, err := prefixOf(p.String())
			if err != nil {
				return nil, fmt.Errorf("guard the network %s: %w", p, err)
			}
			*l.to = append(*l.to, clean)
		}
	}
	for _, names := range []*[]string{&c.OwnNames, &c.ControlNames, &c.AllowNames} {
		var clean []string
		for _, n := range *names {
			name, err := domainOf(n)
			if err != nil {
				return nil, fmt.Errorf("guard the name %q: %w", n, err)
			}
			clean = append(clean, name)
		}
		*names = clean
	}
	if c.Widest4 == 0 {
		c.Widest4 = 16
	}
	if c.Widest6 == 0 {
		c.Widest6 = 32
	}
	g.conf = c
	return g, nil
}

// Judge returns nil when the indicator may be taken, a *Refused otherwise. The indicator
// is a clean one.
func (g *Guard) Judge(in Indicator) error {
	var r *Refused
	switch in.Type {
	case IP, CIDR:
		p, err := prefixOf(in.Value)
		if err != nil {
			return err
		}
		r = g.network(p)
	case Domain:
		r = g.domain(in.Value, !in.Exact)
	case URL:
		r = g.url(in.Value)
	default:
		r = wellKnown(in.Value)
	}
	if r == nil {
		return nil
	}
	return r
}

func (g *Guard) network(p netip.Prefix) *Refused {
	if p.Bits() == 0 {
		return &Refused{"too wide", "it is every address there is"}
	}
	if q, ok := overlaps(g.control, p); ok {
		return &Refused{"control channel", fmt.Sprintf("it takes in %s, over which sensors are reached", q)}
	}
	if q, ok := overlaps(g.own, p); ok {
		return &Refused{"own addresses", fmt.Sprintf("it takes in our own %s", q)}
	}
	if within(g.allow, p) {
		return nil
	}
	widest := g.conf.Widest4
	if p.Addr().Is6() {
		widest = g.conf.Widest6
	}
	for _, s := range special {
		if s.net.Overlaps(p) {
			return &Refused{s.list, fmt.Sprintf("%s is %s", s.net, s.what)}
		}
	}
	if p.Bits() < widest {
		return &Refused{"too wide", fmt.Sprintf("a network as wide as /%d holds too many who did nothing; the widest taken is /%d", p.Bits(), widest)}
	}
	for _, r := range resolvers {
		if p.Contains(r.addr) {
			return &Refused{"public resolvers", fmt.Sprintf("it takes in %s, the public resolver of %s", r.addr, r.of)}
		}
	}
	return nil
}

func overlaps(list []netip.Prefix, p netip.Prefix) (netip.Prefix, bool) {
	for _, q := range list {
		if q.Overlaps(p) {
			return q, true
		}
	}
	return netip.Prefix{}, false
}

func within(list []netip.Prefix, p netip.Prefix) bool {
	for _, q := range list {
		if q.Bits() <= p.Bits() && q.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// domain judges a name; wide says that all names below it are meant too.
func (g *Guard) domain(name string, wide bool) *Refused {
	for _, c := range g.conf.ControlNames {
		if below(name, c) || wide && below(c, name) {
			return &Refused{"control channel", fmt.Sprintf("it takes in %s, over which sensors are reached", c)}
		}
	}
	for _, o := range g.conf.OwnNames {
		if below(name, o) || wide && below(o, name) {
			return &Refused{"own names", fmt.Sprintf("it takes in our own %s", o)}
		}
	}
	for _, a := range g.conf.AllowNames {
		if below(name, a) {
			return nil
		}
	}
	if wide && sharedSuffix(name) {
		return &Refused{"too wide", fmt.Sprintf("%s is where everybody registers names", name)}
	}
	for _, l := range localNames {
		if below(name, l) {
			return &Refused{"local names", fmt.Sprintf("names below %s do not leave a network", l)}
		}
	}
	bare := strings.TrimPrefix(name, "www.")
	for _, t := range topSites {
		if bare == t || wide && below(t, name) {
			return &Refused{"top sites", fmt.Sprintf("%s is used by everybody", t)}
		}
	}
	return nil
}

// url refuses a whole site that must not be refused, not a page on it: attackers do put
// their files on well-known sites.
func (g *Guard) url(u string) *Refused {
	_, host, ok := appendURL(nil, u, true)
	if !ok {
		return &Refused{"damaged", "it is not a URL"}
	}
	name := u[host.from:host.to]
	var r *Refused
	if a, ok := addrOf([]byte(name)); ok {
		r = g.network(netip.PrefixFrom(a, a.BitLen()))
	} else {
		r = g.domain(name, false)
	}
	if r == nil || r.List != "top sites" {
		return r
	}
	if path := u[strings.IndexByte(u[host.to:], '/')+host.to:]; path == "/" {
		return r
	}
	return nil
}

// below reports whether name is top or lies below it.
func below(name, top string) bool {
	return name == top || strings.HasSuffix(name, top) && name[len(name)-len(top)-1] == '.'
}

// sharedSuffix reports whether names below it belong to different people: a top-level
// domain, or what stands under a country's as com, co and the like.
func sharedSuffix(name string) bool {
	first, rest, two := strings.Cut(name, ".")
	if !two {
		return true
	}
	return len(rest) == 2 && !strings.Contains(rest, ".") && secondLevel[first]
}

func wellKnown(hash string) *Refused {
	if emptyHashes[hash] {
		return &Refused{"well-known files", "it is the hash of an empty file"}
	}
	if strings.Trim(hash, "0") == "" || strings.Trim(hash, "f") == "" {
		return &Refused{"well-known files", "it is a placeholder, not a hash"}
	}
	return nil
}
