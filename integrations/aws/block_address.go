package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return listing{deed{a, actions.Spec{
		Name:       "aws.block-address",
		Title:      "Block an address in AWS WAF",
		Does:       "Adds an address or a range to a WAFv2 IP set that web ACLs block by.",
		Kind:       actions.KindAddress,
		Params:     setParams,
		Reversible: true,
		Blast:      actions.BlastAll,
		Rights: []string{"wafv2:ListIPSets", "wafv2:GetIPSet", "wafv2:UpdateIPSet",
			"wafv2:ListWebACLs", "wafv2:GetWebACL", "wafv2:ListResourcesForWebACL"},
		TTL:     24 * time.Hour,
		Proof:   "The set is read again, and a web ACL that protects something is found whose rule blocks by it; without one it is stored only.",
		Example: "aws.block-address 203.0.113.7",
	}}, true}
})
