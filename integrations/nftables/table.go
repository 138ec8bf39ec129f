//go:build linux

package nftables

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// The table has one set for each length of a prefix that was ever blocked: "v4_32" holds
// addresses, "v4_24" ranges of that length. Within one length two ranges are the same or
// apart, so that sets stay plain hash tables, and holds on a range and on an address in it
// come and go without each other.
const tableName = "tocsin"

// The hooks: before connection tracking, so that connections that are open are dropped
// too, and before address translation, so that the address is the one on the wire.
var hooks = []hook{
	{"prerouting", nft.ChainHookPrerouting, []end{source, destination}},
	{"output", nft.ChainHookOutput, []end{destination}},
}

type hook struct {
	name string
	at   *nft.ChainHook
	ends []end
}

// end is whose address of a packet is compared.
type end int

const (
	source end = iota
	destination
)

func (e end) String() string { return [...]string{"from", "to"}[e] }

// netfilter is the packet filter of the network namespace that the process is in.
type netfilter struct {
	mu sync.Mutex // one writer of this process at a time: rules must not be added twice
}

// view is what the kernel has.
type view struct {
	listed     map[netip.Prefix]bool
	sets       map[string]*nft.Set
	rules      map[string]bool // "output v4_32 to"
	flowtables bool
}

// state is how it stands with one range by itself.
func (v view) state(p netip.Prefix) actions.State {
	if v.listed[p] && v.enforced(p) {
		return isBlocked
	}
	return isOpen
}

func (v view) enforced(p netip.Prefix) bool {
	for _, h := range hooks {
		for _, e := range h.ends {
			if !v.rules[ruleName(h, setName(p), e)] {
				return false
			}
		}
	}
	return true
}

// covers is a wider range that is blocked.
func (v view) covers(p netip.Prefix) (netip.Prefix, bool) {
	for bits := p.Bits() - 1; bits > 0; bits-- {
		wide := netip.PrefixFrom(p.Addr(), bits).Masked()
		if v.listed[wide] && v.enforced(wide) {
			return wide, true
		}
	}
	return netip.Prefix{}, false
}

func setName(p netip.Prefix) string {
	if p.Addr().Is4() {
		return fmt.Sprintf("v4_%d", p.Bits())
	}
	return fmt.Sprintf("v6_%d", p.Bits())
}

// parts reads the name of a set; ok is false for a set that is none of ours.
func parts(set string) (family, bits int, ok bool) {
	n, err := fmt.Sscanf(set, "v%d_%d", &family, &bits)
	most := map[int]int{4: 32, 6: 128}[family]
	return family, bits, err == nil && n == 2 && bits > 0 && bits <= most && set == fmt.Sprintf("v%d_%d", family, bits)
}

func ruleName(h hook, set string, e end) string { return h.name + " " + set + " " + e.String() }

func (n *netfilter) look(ctx context.Context) (view, error) {
	v := view{map[netip.Prefix]bool{}, map[string]*nft.Set{}, map[string]bool{}, false}
	if ctx.Err() != nil {
		return v, ctx.Err()
	}
	c, err := nft.New()
	if err != nil {
		return v, told("open the packet filter", err)
	}
	all, err := c.ListTables()
	if err != nil {
		return v, told("list the tables", err)
	}
	var own *nft.Table
	for _, t := range all {
		if t.Family == nft.TableFamilyINet && t.Name == tableName {
			own = t
		}
		if flows, err := c.ListFlowtables(t); err == nil && len(flows) > 0 {
			v.flowtables = true
		}
	}
	if own == nil {
		return v, nil
	}
	if err := v.readSets(c, own); err != nil {
		return v, told("read the sets", err)
	}
	if own.Flags&unix.NFT_TABLE_F_DORMANT != 0 {
		return v, nil // asleep: nothing in it is enforced
	}
	return v, told("read the rules", v.readRules(c, own))
}

func (v view) readSets(c *nft.Conn, t *nft.Table) error {
	sets, err := c.GetSets(t)
	if err != nil {
		return err
	}
	for _, s := range sets {
		family, bits, ok := parts(s.Name)
		if !ok {
			continue
		}
		v.sets[s.Name] = s
		elements, err := c.GetSetElements(s)
		if err != nil {
			return err
		}
		for _, e := range elements {
			if at, ok := netip.AddrFromSlice(e.Key); ok && at.Is4() == (family == 4) {
				v.listed[netip.PrefixFrom(at, bits)] = true
			}
		}
	}
	return nil
}

// readRules takes a rule for what it does, not for what its comment says.
func (v view) readRules(c *nft.Conn, t *nft.Table) error {
	for _, h := range hooks {
		chain, err := c.ListChain(t, h.name)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		if chain.Hooknum == nil || *chain.Hooknum != *h.at {
			continue
		}
		rules, err := c.GetRules(t, chain)
		if err != nil {
			return err
		}
		for _, r := range rules {
			name, ok := v.ours(h, r.Exprs)
			if !ok {
				break // somebody else's rule may let a packet pass by those behind it
			}
			v.rules[name] = true
		}
	}
	return nil
}

// ours is which of our rules this is.
func (v view) ours(h hook, have []expr.Any) (string, bool) {
	for set := range v.sets {
		for _, e := range h.ends {
			if same(have, dropping(set, 0, e)) {
				return ruleName(h, set, e), true
			}
		}
	}
	return "", false
}

// add makes what is missing of table, chains, set and rules, and the entry, in one
// transaction of the kernel.
func (n *netfilter) add(ctx context.Context, p netip.Prefix) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, err := n.look(ctx)
	if err != nil {
		return err
	}
	c, err := nft.New()
	if err != nil {
		return told("open the packet filter", err)
	}
	t := c.AddTable(&nft.Table{Name: tableName, Family: nft.TableFamilyINet})
	set, ok := v.sets[setName(p)]
	if !ok {
		set = &nft.Set{Table: t, Name: setName(p), KeyType: nft.TypeIP6Addr}
		if p.Addr().Is4() {
			set.KeyType = nft.TypeIPAddr
		}
		if err := c.AddSet(set, nil); err != nil {
			return told("add the set", err)
		}
	}
	accept := nft.ChainPolicyAccept
	for _, h := range hooks {
		chain := c.AddChain(&nft.Chain{Name: h.name, Table: t, Type: nft.ChainTypeFilter, Hooknum: h.at, Priority: nft.ChainPriorityRaw, Policy: &accept})
		for _, e := range h.ends {
			if v.rules[ruleName(h, set.Name, e)] {
				continue
			}
			c.InsertRule(&nft.Rule{Table: t, Chain: chain, Exprs: dropping(set.Name, set.ID, e),
				UserData: userdata.AppendString(nil, userdata.TypeComment, "blocked by Tocsin")})
		}
	}
	if err := c.SetAddElements(set, []nft.SetElement{{Key: p.Addr().AsSlice()}}); err != nil {
		return told("block "+nameOf(p), err)
	}
	return told("block "+nameOf(p), c.Flush())
}

// remove takes the entry out; sets and rules that hold nothing drop nothing and stay.
func (n *netfilter) remove(ctx context.Context, p netip.Prefix) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, err := n.look(ctx)
	if err != nil {
		return err
	}
	if !v.listed[p] {
		return nil
	}
	c, err := nft.New()
	if err != nil {
		return told("open the packet filter", err)
	}
	if err := c.SetDeleteElements(v.sets[setName(p)], []nft.SetElement{{Key: p.Addr().AsSlice()}}); err != nil {
		return told("unblock "+nameOf(p), err)
	}
	return told("unblock "+nameOf(p), c.Flush())
}

// dropping is the rule "ip saddr & mask @set drop".
func dropping(set string, id uint32, e end) []expr.Any {
	family, bits, _ := parts(set)
	// Offsets in the header: RFC 791, section 3.1; RFC 8200, section 3.
	proto, size, offset := byte(unix.NFPROTO_IPV4), 4, uint32(12)
	if family == 6 {
		proto, size, offset = unix.NFPROTO_IPV6, 16, 8
	}
	offset += uint32(e) * uint32(size)
	rule := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(size)},
	}
	if bits < size*8 {
		rule = append(rule, &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(size), Mask: net.CIDRMask(bits, size*8), Xor: make([]byte, size)})
	}
	return append(rule, &expr.Lookup{SourceRegister: 1, SetName: set, SetID: id}, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
}

// same compares a rule that was read with one as it would be written.
func same(have, want []expr.Any) bool {
	if len(have) != len(want) {
		return false
	}
	for i := range want {
		var ok bool
		switch w := want[i].(type) {
		case *expr.Meta:
			h, is := have[i].(*expr.Meta)
			ok = is && h.Key == w.Key
		case *expr.Cmp:
			h, is := have[i].(*expr.Cmp)
			ok = is && h.Op == w.Op && bytes.Equal(h.Data, w.Data)
		case *expr.Payload:
			h, is := have[i].(*expr.Payload)
			ok = is && h.Base == w.Base && h.Offset == w.Offset && h.Len == w.Len
		case *expr.Bitwise:
			h, is := have[i].(*expr.Bitwise)
			ok = is && bytes.Equal(h.Mask, w.Mask) && bytes.Equal(h.Xor, w.Xor)
		case *expr.Lookup:
			h, is := have[i].(*expr.Lookup)
			ok = is && h.SetName == w.SetName && !h.Invert
		case *expr.Counter:
			_, ok = have[i].(*expr.Counter)
		case *expr.Verdict:
			h, is := have[i].(*expr.Verdict)
			ok = is && h.Kind == w.Kind
		}
		if !ok {
			return false
		}
	}
	return true
}

// told says what an answer of the kernel means.
func told(step string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &actions.MissingRight{Right: capability, To: step}
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EPROTONOSUPPORT):
		return incident.GiveUp(fmt.Errorf("%s: this kernel has no nf_tables", step))
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR):
		return incident.Later(fmt.Errorf("%s: %w", step, err), 2*time.Second)
	}
	return fmt.Errorf("%s: %w", step, err)
}
