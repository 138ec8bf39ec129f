package aws

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53resolver/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return blockDomain{deed{a, actions.Spec{
		Name:  "aws.block-domain",
		Title: "Block a domain in Route 53 DNS Firewall",
		Does:  "Adds a domain, and all below it, to a domain list that DNS Firewall rules block, for every VPC they are associated with.",
		Kind:  actions.KindDomain,
		Params: []actions.Param{
			{Name: "list", Help: "the name of the domain list, if not the configured one", Max: 64, Pattern: regexp.MustCompile(`[\w -]+`)},
			{Name: "subdomains", Help: "yes also blocks everything below the domain", Default: "yes", Choices: []string{"yes", "no"}},
			{Name: "region", Help: "where the list is, if not in the configured region", Pattern: regionShape},
		},
		Reversible: true,
		Blast:      actions.BlastAll,
		Rights: []string{"route53resolver:ListFirewallDomainLists", "route53resolver:ListFirewallDomains", "route53resolver:UpdateFirewallDomains",
			"route53resolver:GetFirewallDomainList", "route53resolver:ListFirewallRuleGroupAssociations", "route53resolver:ListFirewallRules"},
		TTL:     24 * time.Hour,
		Proof:   "The list is read again, and a rule that blocks by it is found on a VPC; without one it is stored only.",
		Example: "aws.block-domain evil.example",
	}}}
})

type blockDomain struct{ deed }

// namesState is which of the names a list has. The list's id is part of it: one of the
// same name that somebody made anew is another one.
type namesState struct {
	List   string   `json:"list"`
	Listed []string `json:"listed"`
}

// domainShape is a name of at least two labels, as DNS has it; names in other scripts
// come in their xn-- form.
var domainShape = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// vital are the domains without which AWS cannot be called from inside a VPC.
var vital = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.amazon.com", "compute.internal"}

func domainOf(typed string) (string, error) {
	d := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(typed), "."))
	if len(d) > 253 || !domainShape.MatchString(d) {
		return "", &actions.NoTarget{Kind: actions.KindDomain, Name: typed, Hint: "Write a domain such as evil.example; other scripts in their xn-- form."}
	}
	for _, v := range vital {
		if d == v || strings.HasSuffix(v, "."+d) {
			return "", refuse("%s is what calls to AWS itself go to; blocking it would cut off Tocsin and everything else", d)
		}
	}
	return d, nil
}

func namesOf(d string, params map[string]string) []string {
	if params["subdomains"] == "no" {
		return []string{d}
	}
	return []string{"*." + d, d}
}

func (d blockDomain) state(ctx context.Context, domain string, params map[string]string) (domainList, namesState, error) {
	l, err := d.domainList(ctx, params)
	if err != nil {
		return l, namesState{}, err
	}
	s := namesState{List: l.region + "/" + l.id, Listed: []string{}}
	there, err := d.domainsIn(ctx, l)
	for _, n := range namesOf(domain, params) {
		if there[n] {
			s.Listed = append(s.Listed, n)
		}
	}
	return l, s, err
}

func (d blockDomain) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	domain, err := domainOf(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	l, found, err := d.state(ctx, domain, in.Params)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: domain, Name: domain})
	p.Found, p.Want = actions.StateOf(found), actions.StateOf(namesState{found.List, namesOf(domain, in.Params)})
	p.Steps = []string{fmt.Sprintf("Add %s to the domain list %s in %s.", strings.Join(namesOf(domain, in.Params), " and "), l.name, l.region)}
	p.Warnings = []string{"Only what asks the VPC's resolver is stopped: another DNS server, DNS over HTTPS or a bare address goes around it."}
	if strings.Count(domain, ".") == 1 && in.Params["subdomains"] != "no" {
		p.Dependants = []string{fmt.Sprintf("Everything below %s is blocked too.", domain)}
	}
	p.Already = same(p.Found, p.Want)
	return p, nil
}

// update adds or removes names. A list that is still at its last change answers with a
// conflict, which passes.
func (d blockDomain) update(ctx context.Context, l domainList, how r53types.FirewallDomainUpdateOperation, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := ask(ctx, d.Account, "write the domain list", "route53resolver:UpdateFirewallDomains", d.resolver(l.region).UpdateFirewallDomains,
		&route53resolver.UpdateFirewallDomainsInput{FirewallDomainListId: &l.id, Operation: how, Domains: names})
	return err
}

// minus are the names of a that b lacks.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) })
}

func (d blockDomain) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	l, now, err := d.state(ctx, p.Target.ID, p.Params)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	is := same(actions.StateOf(now), p.Want)
	if p.Already && is {
		return r, nil
	}
	names := namesOf(p.Target.ID, p.Params)
	r.Done = []string{fmt.Sprintf("The domain list %s has %s.", l.name, strings.Join(names, " and "))}
	if is {
		return r, nil
	}
	if !same(actions.StateOf(now), p.Found) {
		return actions.Receipt{}, stale(p)
	}
	return r, d.update(ctx, l, r53types.FirewallDomainUpdateOperationAdd, minus(names, now.Listed))
}

func (d blockDomain) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	l, now, err := d.state(ctx, r.Target.ID, r.Params)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := fmt.Sprintf("The domain list %s has none of it.", l.name)
	if len(now.Listed) > 0 {
		seen = fmt.Sprintf("The domain list %s has %s.", l.name, strings.Join(now.Listed, " and "))
	}
	if !same(actions.StateOf(now), due(r)) {
		return later(actions.Refuted(seen)), nil
	}
	if r.Undone {
		return actions.Proven(seen), nil
	}
	return d.enforcedBy(ctx, l, seen)
}

func (d blockDomain) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	l, now, err := d.state(ctx, r.Target.ID, r.Params)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[namesState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("The domain list %s is as it was found for %s.", l.name, r.Target.Name))
	if r.Already || same(actions.StateOf(now), r.Found) {
		return back, nil
	}
	if !same(actions.StateOf(now), r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody changed the domain list %s for %s since, or made it anew", l.name, r.Target.Name)}
	}
	if err := d.update(ctx, l, r53types.FirewallDomainUpdateOperationRemove, minus(now.Listed, found.Listed)); err != nil {
		return actions.Receipt{}, err
	}
	return back, d.update(ctx, l, r53types.FirewallDomainUpdateOperationAdd, minus(found.Listed, now.Listed))
}
