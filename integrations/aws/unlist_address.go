package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return listing{deed{a, actions.Spec{
		Name:       "aws.unlist-address",
		Title:      "Take an address out of a WAF IP set",
		Does:       "Removes an address or a range from a WAFv2 IP set, such as an allow list through which an intruder comes.",
		Kind:       actions.KindAddress,
		Params:     setParams,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights:     []string{"wafv2:ListIPSets", "wafv2:GetIPSet", "wafv2:UpdateIPSet"},
		TTL:        7 * 24 * time.Hour,
		Proof:      "The set is read again and no longer lists the address; what web ACLs do with it then is theirs.",
		Example:    "aws.unlist-address 203.0.113.7 set=partners",
	}}, false}
})
