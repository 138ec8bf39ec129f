package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(c *cloudflare) actions.Action { return blockDomain{c} }) }

// blockDomain makes a DNS policy of Cloudflare Gateway, with which the company's own devices
// and sites no longer resolve a domain. A zone hold would do nothing of the kind: it keeps
// others from adding a zone of yours to their account
// (https://developers.cloudflare.com/cloudflare-one/policies/gateway/dns-policies/).
type blockDomain struct{ *cloudflare }

// nameShape is what may stand in an expression.
var nameShape = regexp.MustCompile(`^[a-z0-9.-]+$`)

// resolving is the state of a domain.
type resolving struct {
	Domain string `json:"domain"`
}

// policy is a rule of Gateway (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/rules/).
type policy struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Action      string   `json:"action"`
	Enabled     bool     `json:"enabled"`
	Filters     []string `json:"filters"`
	Traffic     string   `json:"traffic"`
}

func (p policy) dns(action string) bool {
	return p.Enabled && p.Action == action && slices.Equal(p.Filters, []string{"dns"})
}

func (blockDomain) Spec() actions.Spec {
	return actions.Spec{
		Name: "cloudflare.block-domain", Title: "Block a domain at Cloudflare Gateway",
		Does: "The company's devices and sites that resolve names by Cloudflare Gateway no longer resolve the domain or anything below it.",
		Kind: actions.KindDomain, Reversible: true, Blast: actions.BlastAll,
		Rights: []string{writeGateway, readZone}, TTL: 24 * time.Hour,
		Proof:   "Gateway's policies are read again: the one for the domain is there, enabled, and as it was made. Which devices use Gateway cannot be seen.",
		Example: "cloudflare.block-domain evil.example ttl=24h",
	}
}

// resolve makes the exact name of a domain; nothing else can be part of an expression.
func (a blockDomain) resolve(typed string) (string, error) {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(typed), "."))
	if err != nil || !nameShape.MatchString(name) || len(name) > 253 || !strings.Contains(strings.Trim(name, "."), ".") {
		return "", &actions.NoTarget{Kind: actions.KindDomain, Name: cut(typed), Hint: "A domain looks like evil.example."}
	}
	for _, b := range a.conf.BreakGlass {
		if name == b || strings.HasSuffix(b, "."+name) || strings.HasSuffix(name, "."+b) {
			return "", incident.GiveUp(fmt.Errorf("%s is never blocked: the configuration keeps %s", name, b))
		}
	}
	if a.conf.Account == "" {
		return "", incident.GiveUp(fmt.Errorf("the id of Cloudflare's account is not configured, and Gateway belongs to one"))
	}
	return name, nil
}

func traffic(domain string) string { return `any(dns.domains[*] == "` + domain + `")` }

func ruleName(domain string) string { return "Tocsin: block " + domain }

func (a blockDomain) policies(ctx context.Context) ([]policy, error) {
	var got []policy
	err := a.call(ctx, rest.Call{Step: "list Gateway's policies", Method: http.MethodGet, Path: path("accounts", a.conf.Account, "gateway", "rules"), Right: writeGateway}, &got)
	return got, err
}

// standing is how it stands with a domain, and the policy that is Tocsin's.
func standing(all []policy, domain string) (state string, own policy) {
	state = isOpen
	for _, p := range all {
		switch {
		case p.Name == ruleName(domain) && p.dns("block") && p.Traffic == traffic(domain):
			return isBlocked, p
		case p.Name == ruleName(domain):
			return isChanged, p
		case p.dns("block") && p.Traffic == traffic(domain):
			state = isOthers
		}
	}
	return state, own
}

func (a blockDomain) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	domain, err := a.resolve(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	all, err := a.policies(ctx)
	if err != nil {
		return actions.Plan{}, err
	}
	now, _ := standing(all, domain)
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindDomain, ID: domain, Name: domain},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Found: actions.StateOf(resolving{now}), Want: actions.StateOf(resolving{isBlocked})}
	switch now {
	case isChanged:
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("somebody changed Tocsin's policy for %s: delete it in Cloudflare's dashboard first", domain))
	case isBlocked, isOthers:
		p.Already, p.Want = true, p.Found
		p.Steps = []string{domain + " is blocked at Gateway already; nothing will change."}
		return p, nil
	}
	p.Steps = []string{"Block " + domain + " and everything below it for whoever resolves names by Gateway."}
	if n := allowing(all); n > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Gateway has %d policies that allow; one that stands before the block and fits the domain wins.", n))
	}
	zones, err := a.zones(ctx, "")
	if err != nil {
		return actions.Plan{}, err
	}
	for _, z := range zones {
		if z.Name == domain || strings.HasSuffix(z.Name, "."+domain) || strings.HasSuffix(domain, "."+z.Name) {
			p.Warnings = append(p.Warnings, z.Name+" is one of your own zones.")
		}
	}
	return p, nil
}

func allowing(all []policy) (n int) {
	for _, p := range all {
		if p.dns("allow") {
			n++
		}
	}
	return n
}

func (a blockDomain) read(domain string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		all, err := a.policies(ctx)
		now, _ := standing(all, domain)
		return actions.StateOf(resolving{now}), err
	}
}

func (a blockDomain) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	domain, err := a.resolve(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Do(ctx, p, []string{domain + " is blocked at Gateway."}, a.read(domain), func(ctx context.Context) error {
		in := policy{Name: ruleName(domain), Description: "Made by Tocsin, " + p.Key, Action: "block", Enabled: true, Filters: []string{"dns"}, Traffic: traffic(domain)}
		return a.call(ctx, rest.Call{Step: "make Gateway's policy", Method: http.MethodPost, Path: path("accounts", a.conf.Account, "gateway", "rules"), In: in, Right: writeGateway}, nil)
	})
}

func (a blockDomain) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	domain, err := a.resolve(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	changed := "Somebody changed Gateway's policy for " + domain + " since."
	return deed.Undo(ctx, r, []string{domain + " is resolved again."}, changed, a.read(domain), func(ctx context.Context) error {
		all, err := a.policies(ctx)
		if err != nil {
			return err
		}
		_, own := standing(all, domain)
		if own.ID == "" {
			return nil // another's policy blocks it, which is not Tocsin's to take away
		}
		return a.call(ctx, rest.Call{Step: "delete Gateway's policy", Method: http.MethodDelete, Path: path("accounts", a.conf.Account, "gateway", "rules", own.ID), Right: writeGateway}, nil)
	})
}

func (a blockDomain) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	domain, err := a.resolve(r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	proof, err := deed.Verify(ctx, r, a.read(domain), func(now actions.State) string {
		var is resolving
		_ = json.Unmarshal(now, &is) // read made it
		return domain + " is " + is.Domain + " at Gateway."
	})
	if err != nil || proof.Standing != actions.InEffect {
		return proof, err
	}
	return actions.Stored(append(proof.Seen, "Which devices resolve names by Gateway cannot be seen from here.")...), nil
}
