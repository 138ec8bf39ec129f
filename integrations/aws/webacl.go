package aws

import (
	"context"
	"errors"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	waftypes "github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// blocked says whether a set does anything: a list that no web ACL reads blocks nobody.
// It is proven only where a rule of a web ACL blocks by this very set, no rule before it
// allows anything, and the web ACL protects something that WAF can name.
func (a *Account) blocked(ctx context.Context, s ipSet, seen string) (actions.Proof, error) {
	name, why, err := a.blocker(ctx, s)
	var right *actions.MissingRight
	if errors.As(err, &right) {
		return actions.Stored(seen, "Whether a web ACL blocks by it could not be read: Tocsin lacks "+right.Right+"."), nil
	}
	if err != nil {
		return actions.Proof{}, err
	}
	if name == "" {
		return actions.Stored(seen, why), nil
	}
	return actions.Proven(seen, fmt.Sprintf("The web ACL %s blocks by this set, and protects a resource.", name)), nil
}

// blocker is the name of a web ACL that blocks by the set, or why none is proven to.
func (a *Account) blocker(ctx context.Context, s ipSet) (name, why string, err error) {
	why = "No web ACL blocks by this set directly; a rule group may."
	in := &wafv2.ListWebACLsInput{Scope: s.scope, Limit: sdk.Int32(100)}
	for {
		out, err := ask(ctx, a, "list the web ACLs", "wafv2:ListWebACLs", a.waf(s.region).ListWebACLs, in)
		if err != nil {
			return "", "", err
		}
		for _, l := range out.WebACLs {
			got, err := ask(ctx, a, "read a web ACL", "wafv2:GetWebACL", a.waf(s.region).GetWebACL, &wafv2.GetWebACLInput{Id: l.Id, Name: l.Name, Scope: s.scope})
			if err != nil {
				return "", "", err
			}
			blocks, after := blocksBy(got.WebACL.Rules, s.arn)
			switch {
			case !blocks:
			case after != "":
				why = fmt.Sprintf("The web ACL %s blocks by this set, but its rule %s, which comes first, may allow.", sdk.ToString(l.Name), after)
			case s.scope == waftypes.ScopeCloudfront:
				why = fmt.Sprintf("The web ACL %s blocks by this set; WAF does not tell which distributions use it.", sdk.ToString(l.Name))
			default:
				if yes, err := a.protects(ctx, s.region, l.ARN); err != nil || yes {
					return sdk.ToString(l.Name), "", err
				}
				why = fmt.Sprintf("The web ACL %s blocks by this set, but protects no load balancer, API or gateway.", sdk.ToString(l.Name))
			}
		}
		if len(out.WebACLs) == 0 || sdk.ToString(out.NextMarker) == "" {
			return "", why, nil
		}
		in.NextMarker = out.NextMarker
	}
}

// protects reports whether a web ACL is attached to anything that WAF itself can list.
func (a *Account) protects(ctx context.Context, region string, acl *string) (bool, error) {
	for _, kind := range []waftypes.ResourceType{waftypes.ResourceTypeApplicationLoadBalancer, waftypes.ResourceTypeApiGateway, waftypes.ResourceTypeAppsync} {
		out, err := ask(ctx, a, "list what a web ACL protects", "wafv2:ListResourcesForWebACL", a.waf(region).ListResourcesForWebACL,
			&wafv2.ListResourcesForWebACLInput{WebACLArn: acl, ResourceType: kind})
		if err != nil || len(out.ResourceArns) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// blocksBy looks for a rule that blocks by the set, alone or as one of several
// alternatives, and names a rule before it that ends the evaluation by allowing.
func blocksBy(rules []waftypes.Rule, arn string) (blocks bool, after string) {
	at := int32(0)
	for _, r := range rules {
		if r.Action != nil && r.Action.Block != nil && matches(r.Statement, arn) && (!blocks || r.Priority < at) {
			blocks, at = true, r.Priority
		}
	}
	for _, r := range rules {
		if blocks && r.Action != nil && r.Action.Allow != nil && r.Priority < at {
			after = sdk.ToString(r.Name)
		}
	}
	return blocks, after
}

func matches(s *waftypes.Statement, arn string) bool {
	if s == nil {
		return false
	}
	if s.IPSetReferenceStatement != nil && s.IPSetReferenceStatement.IPSetForwardedIPConfig == nil {
		return sdk.ToString(s.IPSetReferenceStatement.ARN) == arn
	}
	if s.OrStatement != nil {
		for i := range s.OrStatement.Statements {
			if matches(&s.OrStatement.Statements[i], arn) {
				return true
			}
		}
	}
	return false
}
