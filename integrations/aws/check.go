package aws

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const simulate = "iam:SimulatePrincipalPolicy"

// Check says which rights of any action Tocsin's own identity lacks, one line for each.
// It reads only: IAM's simulator is asked. What it cannot see are limits to single
// resources and policies of the resources themselves.
func (a *Account) Check(ctx context.Context) (missing []string, err error) {
	return a.missing(ctx, a.Rights())
}

// Rights are all that the actions need, in order of name.
func (a *Account) Rights() []string {
	out := []string{simulate, "iam:GetRole"}
	for _, act := range a.Actions() {
		out = append(out, act.Spec().Rights...)
	}
	if a.conf.GuardDuty {
		out = append(out, findingRights...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *Account) missing(ctx context.Context, rights []string) ([]string, error) {
	me, err := a.self(ctx)
	if err != nil {
		return nil, err
	}
	kind, name := role, me.role
	if me.user != "" {
		kind, name = user, me.user
	}
	p, err := a.look(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	results, err := a.simulated(ctx, p.arn, rights, grantedWith)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rights {
		if results[r] != iamtypes.PolicyEvaluationDecisionTypeAllowed {
			out = append(out, fmt.Sprintf("%s is not allowed to %s", name, r))
		}
	}
	return out, nil
}

// grantedWith are the conditions under which the documented policy gives its rights.
var grantedWith = []iamtypes.ContextEntry{
	{ContextKeyName: sdk.String("ec2:CreateAction"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"CreateSnapshots"}},
	{ContextKeyName: sdk.String("iam:PassedToService"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{"ec2.amazonaws.com"}},
}

// simulated asks IAM what it would decide for a principal, by action.
func (a *Account) simulated(ctx context.Context, arn string, names []string, with []iamtypes.ContextEntry) (map[string]iamtypes.PolicyEvaluationDecisionType, error) {
	out := map[string]iamtypes.PolicyEvaluationDecisionType{}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ActionNames: names, ContextEntries: with}
	for {
		page, err := ask(ctx, a, "ask IAM's simulator", simulate, a.iam.SimulatePrincipalPolicy, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.EvaluationResults {
			out[sdk.ToString(r.EvalActionName)] = r.EvalDecision
		}
		if !page.IsTruncated || page.Marker == nil {
			return out, nil
		}
		in.Marker = page.Marker
	}
}
