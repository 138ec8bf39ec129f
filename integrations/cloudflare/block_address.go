package cloudflare

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() {
	made = append(made, func(c *cloudflare) actions.Action {
		b := block{cloudflare: c, resolve: c.address}
		b.spec = b.limits("address", "Requests from the address or range to the zones are refused by Cloudflare's edge.", "203.0.113.0/24 zone=example.com ttl=24h")
		b.spec.Title = "Block an address at Cloudflare"
		return b
	})
}

// address makes the rule's expression of an address or a range
// (https://developers.cloudflare.com/ruleset-engine/rules-language/values/#ip-addresses-and-ranges).
func (c *cloudflare) address(typed string) (name, expression string, err error) {
	typed = strings.TrimSpace(typed)
	p, err := netip.ParsePrefix(typed)
	if a, single := netip.ParseAddr(typed); single == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return "", "", &actions.NoTarget{Kind: actions.KindAddress, Name: cut(typed), Hint: "An address is 203.0.113.7 or 2001:db8::7, a range 203.0.113.0/24."}
	}
	p = p.Masked()
	least := 8
	if p.Addr().Is6() {
		least = 24
	}
	a := p.Addr()
	switch {
	case p.Bits() < least:
		return "", "", incident.GiveUp(fmt.Errorf("%s is too much of the world: at least /%d", p, least))
	case a.IsPrivate(), a.IsLoopback(), a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified():
		return "", "", incident.GiveUp(fmt.Errorf("%s is never seen by Cloudflare: it is an address of an inner network", typed))
	}
	for _, n := range c.conf.Never {
		if n.Overlaps(p) {
			return "", "", incident.GiveUp(fmt.Errorf("%s is never blocked: the configuration keeps %s", typed, n))
		}
	}
	if p.IsSingleIP() {
		return a.String(), "ip.src eq " + a.String(), nil
	}
	return p.String(), "ip.src in {" + p.String() + "}", nil
}
