package cloudflare

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() {
	made = append(made, func(c *cloudflare) actions.Action {
		b := block{cloudflare: c, resolve: c.system}
		b.spec = b.limits("asn", "Requests from the whole autonomous system, every network of one provider, are refused by Cloudflare's edge.", "AS64496 zone=example.com ttl=4h")
		b.spec.Title = "Block an autonomous system at Cloudflare"
		return b
	})
}

// own is Cloudflare's autonomous system, which its Workers and its own proxies call from.
const own = 13335

// system makes the rule's expression of the number of an autonomous system
// (https://developers.cloudflare.com/ruleset-engine/rules-language/fields/reference/ip.src.asnum/).
func (c *cloudflare) system(typed string) (name, expression string, err error) {
	digits := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(typed)), "AS")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' {
		return "", "", &actions.NoTarget{Kind: actions.KindAddress, Name: cut(typed), Hint: "An autonomous system looks like AS64496."}
	}
	name = fmt.Sprintf("AS%d", n)
	if n == own || c.kept(name) {
		return "", "", incident.GiveUp(fmt.Errorf("%s is never blocked: it is Cloudflare's own, or the configuration keeps it", name))
	}
	return name, fmt.Sprintf("ip.src.asnum eq %d", n), nil
}
