package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53resolver/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// domainList is a list of DNS Firewall that was found.
type domainList struct{ region, id, name string }

const spreads = 5 * time.Second // after which a list that is being updated is worth another look

// domainList finds a list by its name. Lists that AWS manages cannot be written.
func (a *Account) domainList(ctx context.Context, params map[string]string) (domainList, error) {
	l := domainList{region: a.conf.Region, name: a.conf.DomainList}
	if params["region"] != "" {
		l.region = params["region"]
	}
	if params["list"] != "" {
		l.name = params["list"]
	}
	in := &route53resolver.ListFirewallDomainListsInput{MaxResults: sdk.Int32(100)}
	var names []string
	for {
		out, err := ask(ctx, a, "list the domain lists", "route53resolver:ListFirewallDomainLists", a.resolver(l.region).ListFirewallDomainLists, in)
		if err != nil {
			return l, err
		}
		for _, f := range out.FirewallDomainLists {
			if sdk.ToString(f.ManagedOwnerName) != "" {
				continue
			}
			if sdk.ToString(f.Name) == l.name {
				l.id = sdk.ToString(f.Id)
				return l, nil
			}
			names = append(names, sdk.ToString(f.Name))
		}
		if sdk.ToString(out.NextToken) == "" {
			return l, &actions.BadParam{Name: "list", Why: strings.TrimSpace(fmt.Sprintf("there is no domain list %s in %s. %s", l.name, l.region, alike(l.name, names)))}
		}
		in.NextToken = out.NextToken
	}
}

// domainsIn reads a list. Names come with or without a final dot.
func (a *Account) domainsIn(ctx context.Context, l domainList) (map[string]bool, error) {
	out := map[string]bool{}
	in := &route53resolver.ListFirewallDomainsInput{FirewallDomainListId: &l.id, MaxResults: sdk.Int32(5000)}
	for {
		page, err := ask(ctx, a, "read the domain list", "route53resolver:ListFirewallDomains", a.resolver(l.region).ListFirewallDomains, in)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Domains {
			out[strings.TrimSuffix(strings.ToLower(d), ".")] = true
		}
		if sdk.ToString(page.NextToken) == "" {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// enforcedBy says whether a list does anything: one that no rule of a VPC blocks by stops
// nobody.
func (a *Account) enforcedBy(ctx context.Context, l domainList, seen string) (actions.Proof, error) {
	vpcs, done, err := a.blockedIn(ctx, l)
	var right *actions.MissingRight
	switch {
	case errors.As(err, &right):
		return actions.Stored(seen, "Whether a rule blocks by it could not be read: Tocsin lacks "+right.Right+"."), nil
	case err != nil:
		return actions.Proof{}, err
	case !done:
		p := actions.Stored(seen, "DNS Firewall is still taking the change in.")
		p.Again = spreads
		return p, nil
	case len(vpcs) == 0:
		return actions.Stored(seen, "No rule blocks by this list in any VPC."), nil
	}
	return actions.Proven(seen, "A rule blocks by this list for the resolvers of "+strings.Join(vpcs, ", ")+"."), nil
}

// blockedIn are the VPCs whose rules block by the list, and whether its last change is in.
func (a *Account) blockedIn(ctx context.Context, l domainList) (vpcs []string, done bool, err error) {
	got, err := ask(ctx, a, "look at the domain list", "route53resolver:GetFirewallDomainList", a.resolver(l.region).GetFirewallDomainList,
		&route53resolver.GetFirewallDomainListInput{FirewallDomainListId: &l.id})
	if err != nil {
		return nil, false, err
	}
	done = got.FirewallDomainList.Status == r53types.FirewallDomainListStatusComplete
	blocks := map[string]bool{} // by rule group
	in := &route53resolver.ListFirewallRuleGroupAssociationsInput{Status: r53types.FirewallRuleGroupAssociationStatusComplete, MaxResults: sdk.Int32(100)}
	for {
		out, err := ask(ctx, a, "list where rules apply", "route53resolver:ListFirewallRuleGroupAssociations", a.resolver(l.region).ListFirewallRuleGroupAssociations, in)
		if err != nil {
			return nil, done, err
		}
		for _, g := range out.FirewallRuleGroupAssociations {
			id := sdk.ToString(g.FirewallRuleGroupId)
			yes, known := blocks[id]
			if !known {
				if yes, err = a.ruleBlocks(ctx, l, id); err != nil {
					return nil, done, err
				}
				blocks[id] = yes
			}
			if yes {
				vpcs = append(vpcs, sdk.ToString(g.VpcId))
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			slices.Sort(vpcs)
			return slices.Compact(vpcs), done, nil
		}
		in.NextToken = out.NextToken
	}
}

func (a *Account) ruleBlocks(ctx context.Context, l domainList, group string) (bool, error) {
	in := &route53resolver.ListFirewallRulesInput{FirewallRuleGroupId: &group, Action: r53types.ActionBlock, MaxResults: sdk.Int32(100)}
	for {
		out, err := ask(ctx, a, "list the rules of a group", "route53resolver:ListFirewallRules", a.resolver(l.region).ListFirewallRules, in)
		if err != nil {
			return false, err
		}
		for _, r := range out.FirewallRules {
			if sdk.ToString(r.FirewallDomainListId) == l.id && r.Action == r53types.ActionBlock && sdk.ToString(r.Qtype) == "" {
				return true, nil
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			return false, nil
		}
		in.NextToken = out.NextToken
	}
}
