package aws

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	waftypes "github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// global is where WAF keeps what belongs to CloudFront,
// https://docs.aws.amazon.com/waf/latest/APIReference/API_ListIPSets.html
const global = "us-east-1"

// lockTries is how often a set is written that others write at the same time.
const lockTries = 3

// The parameters of both actions on IP sets.
var setParams = []actions.Param{
	{Name: "set", Help: "the name of the IP set, if not the configured one", Max: 128, Pattern: regexp.MustCompile(`[\w-]+`)},
	{Name: "scope", Help: "regional, for load balancers and gateways, or cloudfront", Default: "regional", Choices: []string{"regional", "cloudfront"}},
	{Name: "region", Help: "where a regional set is, if not in the configured region", Pattern: regionShape},
}

// ipSet is an IP set that was found.
type ipSet struct {
	region    string
	scope     waftypes.Scope
	id, name  string
	arn       string
	lock      string
	about     *string
	version   waftypes.IPAddressVersion
	addresses []string
}

// prefixOf reads an address or a CIDR. WAF takes every range but /0.
func prefixOf(typed string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(strings.TrimSpace(typed))
	if err != nil {
		addr, err := netip.ParseAddr(strings.TrimSpace(typed))
		if err != nil || addr.Zone() != "" {
			return p, &actions.NoTarget{Kind: actions.KindAddress, Name: typed, Hint: "Write an address or a range, such as 203.0.113.7 or 203.0.113.0/24."}
		}
		addr = addr.Unmap()
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if p.Addr().Is4In6() || p.Bits() == 0 {
		return p, refuse("%s is a range that WAF does not take", typed)
	}
	return p.Masked(), nil
}

// nameFor is the set that addresses of a kind go to: WAF's sets hold IPv4 or IPv6, never both.
func (a *Account) nameFor(params map[string]string, p netip.Prefix) string {
	switch {
	case params["set"] != "":
		return params["set"]
	case p.Addr().Is6():
		return a.conf.IPSet + "-v6"
	}
	return a.conf.IPSet
}

// set finds an IP set by its name and reads it.
func (a *Account) set(ctx context.Context, params map[string]string, p netip.Prefix) (ipSet, error) {
	s := ipSet{name: a.nameFor(params, p), scope: waftypes.ScopeRegional, region: a.conf.Region}
	if params["region"] != "" {
		s.region = params["region"]
	}
	if params["scope"] == "cloudfront" {
		s.scope, s.region = waftypes.ScopeCloudfront, global
	}
	in := &wafv2.ListIPSetsInput{Scope: s.scope, Limit: sdk.Int32(100)}
	var names []string
	for s.id == "" {
		out, err := ask(ctx, a, "list the IP sets", "wafv2:ListIPSets", a.waf(s.region).ListIPSets, in)
		if err != nil {
			return s, err
		}
		for _, i := range out.IPSets {
			if sdk.ToString(i.Name) == s.name {
				s.id = sdk.ToString(i.Id)
			}
			names = append(names, sdk.ToString(i.Name))
		}
		if len(out.IPSets) == 0 || sdk.ToString(out.NextMarker) == "" {
			break
		}
		in.NextMarker = out.NextMarker
	}
	if s.id == "" {
		return s, &actions.BadParam{Name: "set", Why: strings.TrimSpace(fmt.Sprintf("there is no IP set %s in %s. %s", s.name, s.region, alike(s.name, names)))}
	}
	err := a.reread(ctx, &s)
	if err == nil && (s.version == waftypes.IPAddressVersionIpv6) != p.Addr().Is6() {
		return s, &actions.BadParam{Name: "set", Why: fmt.Sprintf("the IP set %s holds %s addresses only", s.name, s.version)}
	}
	return s, err
}

func (a *Account) reread(ctx context.Context, s *ipSet) error {
	out, err := ask(ctx, a, "read the IP set", "wafv2:GetIPSet", a.waf(s.region).GetIPSet, &wafv2.GetIPSetInput{Id: &s.id, Name: &s.name, Scope: s.scope})
	if err != nil {
		return err
	}
	s.lock, s.arn, s.about = sdk.ToString(out.LockToken), sdk.ToString(out.IPSet.ARN), out.IPSet.Description
	s.addresses, s.version = out.IPSet.Addresses, out.IPSet.IPAddressVersion
	return nil
}

// rewrite changes the set by what change makes of its addresses. An update replaces the
// whole list, so it carries the lock token of the list it was made from: where somebody
// else wrote in between, it is read and made again.
func (a *Account) rewrite(ctx context.Context, s ipSet, change func([]string) []string) error {
	for try := 1; ; try++ {
		_, err := ask(ctx, a, "write the IP set", "wafv2:UpdateIPSet", a.waf(s.region).UpdateIPSet, &wafv2.UpdateIPSetInput{
			Id: &s.id, Name: &s.name, Scope: s.scope, Description: s.about, Addresses: change(s.addresses), LockToken: &s.lock,
		})
		if try == lockTries || !coded(err, "WAFOptimisticLockException") {
			return err
		}
		if err := a.reread(ctx, &s); err != nil {
			return err
		}
	}
}

// lists reports whether the set has this very range, and which wider range holds it, if any.
func (s ipSet) lists(p netip.Prefix) (exactly bool, within string) {
	for _, text := range s.addresses {
		at, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
		case at == p:
			exactly = true
		case at.Bits() < p.Bits() && at.Contains(p.Addr()):
			within = text
		}
	}
	return exactly, within
}

func without(p netip.Prefix) func([]string) []string {
	return func(all []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(t string) bool { at, err := netip.ParsePrefix(t); return err == nil && at == p })
	}
}

func with(p netip.Prefix) func([]string) []string {
	return func(all []string) []string { return append(without(p)(all), p.String()) }
}

// listing is what both actions on IP sets share; adds says which way.
type listing struct {
	deed
	adds bool
}

// listedState is whether a set lists a range. The set's id is part of it: a set of the
// same name that somebody made anew is another one.
type listedState struct {
	Set    string `json:"set"`
	Listed bool   `json:"listed"`
	Within string `json:"within,omitempty"`
}

func (d listing) state(ctx context.Context, params map[string]string, p netip.Prefix) (ipSet, listedState, error) {
	s, err := d.set(ctx, params, p)
	if err != nil {
		return s, listedState{}, err
	}
	exactly, within := s.lists(p)
	return s, listedState{s.region + "/" + s.id, exactly, within}, nil
}

func (d listing) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	at, err := prefixOf(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	s, found, err := d.state(ctx, in.Params, at)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: at.String(), Name: at.String()})
	want := found
	if want.Listed = d.adds; d.adds && found.Within != "" {
		want.Listed = found.Listed // the wider range blocks it already
	}
	if !d.adds && !found.Listed && found.Within != "" {
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindAddress, Name: in.Target, Hint: fmt.Sprintf("The set %s lists %s, which holds it; name that range.", s.name, found.Within)}
	}
	p.Found, p.Want = actions.StateOf(found), actions.StateOf(want)
	p.Already = same(p.Found, p.Want)
	switch {
	case p.Already && found.Within != "":
		p.Steps = []string{fmt.Sprintf("Nothing: the IP set %s lists %s already, which holds %s.", s.name, found.Within, at)}
	case p.Already:
		p.Steps = []string{fmt.Sprintf("Nothing: the IP set %s is so already.", s.name)}
	case d.adds:
		p.Steps = []string{fmt.Sprintf("Add %s to the IP set %s (%s) in %s.", at, s.name, strings.ToLower(string(s.scope)), s.region)}
	default:
		p.Steps = []string{fmt.Sprintf("Take %s out of the IP set %s (%s) in %s.", at, s.name, strings.ToLower(string(s.scope)), s.region)}
	}
	if most := at.Addr().BitLen() / 2; at.Bits() < most {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is a wide range: everybody in it feels this.", at))
	}
	if at.Addr().IsPrivate() || at.Addr().IsLoopback() {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is not a public address: WAF sees it only from inside.", at))
	}
	return p, nil
}

// again reads the state of a plan or receipt anew.
func (d listing) now(ctx context.Context, t actions.Target, params map[string]string) (netip.Prefix, ipSet, listedState, error) {
	at, err := netip.ParsePrefix(t.ID)
	if err != nil {
		return at, ipSet{}, listedState{}, refuse("the plan's target is no address")
	}
	s, now, err := d.state(ctx, params, at)
	return at, s, now, err
}

func (d listing) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	at, s, now, err := d.now(ctx, p.Target, p.Params)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	is := same(actions.StateOf(now), p.Want)
	if p.Already && is {
		return r, nil
	}
	change := without(at)
	r.Done = []string{fmt.Sprintf("The IP set %s no longer lists %s.", s.name, at)}
	if d.adds {
		change = with(at)
		r.Done = []string{fmt.Sprintf("The IP set %s lists %s.", s.name, at)}
	}
	if is {
		return r, nil
	}
	if !same(actions.StateOf(now), p.Found) {
		return actions.Receipt{}, stale(p)
	}
	return r, d.rewrite(ctx, s, change)
}

func (d listing) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	at, s, now, err := d.now(ctx, r.Target, r.Params)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[listedState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("The IP set %s is as it was found for %s.", s.name, at))
	if r.Already || same(actions.StateOf(now), r.Found) {
		return back, nil
	}
	if !same(actions.StateOf(now), r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody changed the IP set %s for %s since, or made it anew", s.name, at)}
	}
	switch {
	case now.Listed == found.Listed:
		return back, nil
	case found.Listed:
		return back, d.rewrite(ctx, s, with(at))
	}
	return back, d.rewrite(ctx, s, without(at))
}

func (d listing) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	at, s, now, err := d.now(ctx, r.Target, r.Params)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := fmt.Sprintf("The IP set %s does not list %s.", s.name, at)
	if now.Listed || now.Within != "" {
		seen = fmt.Sprintf("The IP set %s lists %s.", s.name, at)
	}
	if !same(actions.StateOf(now), due(r)) {
		return later(actions.Refuted(seen)), nil
	}
	if !d.adds || r.Undone {
		return actions.Proven(seen), nil
	}
	return d.blocked(ctx, s, seen)
}
