package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// wall is a quarantine group in one VPC. The zero wall is one that has yet to be made.
type wall struct {
	id string
	// fresh says that it still has the rule that every new group comes with: all traffic out.
	// A group is left so when this process dies between making it and taking that rule away.
	fresh bool
	// open says that it has other rules: an intruder with rights on security groups could have
	// put them there. It is no quarantine.
	open bool
}

// wallIn finds the quarantine group of a VPC.
func (a *Account) wallIn(ctx context.Context, region, vpc, given string) (wall, error) {
	filters := []ec2types.Filter{
		{Name: sdk.String("vpc-id"), Values: []string{vpc}},
		{Name: sdk.String("group-name"), Values: []string{a.conf.Quarantine}},
	}
	if given != "" {
		filters[1] = ec2types.Filter{Name: sdk.String("group-id"), Values: []string{given}}
	}
	out, err := ask(ctx, a, "look for the quarantine group", "ec2:DescribeSecurityGroups", a.ec2(region).DescribeSecurityGroups,
		&ec2.DescribeSecurityGroupsInput{Filters: filters})
	if err != nil {
		return wall{}, err
	}
	if len(out.SecurityGroups) == 0 {
		if given != "" {
			return wall{}, &actions.BadParam{Name: "group", Why: fmt.Sprintf("there is no %s in %s", given, vpc)}
		}
		return wall{}, nil
	}
	g := out.SecurityGroups[0] // a name is unique within a VPC
	w := wall{id: sdk.ToString(g.GroupId)}
	if len(g.IpPermissions) == 0 && len(g.IpPermissionsEgress) == 0 {
		return w, nil
	}
	w.fresh = given == "" && len(g.IpPermissions) == 0 && onlyDefault(g.IpPermissionsEgress)
	w.open = !w.fresh
	return w, nil
}

// onlyDefault reports whether the rules out are those of a new group,
// https://docs.aws.amazon.com/vpc/latest/userguide/creating-security-groups.html
func onlyDefault(rules []ec2types.IpPermission) bool {
	for _, r := range rules {
		if sdk.ToString(r.IpProtocol) != "-1" || len(r.PrefixListIds) > 0 || len(r.UserIdGroupPairs) > 0 {
			return false
		}
		for _, to := range r.IpRanges {
			if sdk.ToString(to.CidrIp) != "0.0.0.0/0" {
				return false
			}
		}
		for _, to := range r.Ipv6Ranges {
			if sdk.ToString(to.CidrIpv6) != "::/0" {
				return false
			}
		}
	}
	return true
}

// build makes the quarantine group of a VPC where there is none, and sees to it that it
// has no rules.
func (a *Account) build(ctx context.Context, region, vpc string, w wall) (wall, error) {
	if w.id == "" {
		out, err := ask(ctx, a, "make the quarantine group", "ec2:CreateSecurityGroup, ec2:CreateTags", a.ec2(region).CreateSecurityGroup, &ec2.CreateSecurityGroupInput{
			GroupName: &a.conf.Quarantine, VpcId: &vpc, Description: sdk.String("Tocsin quarantine: no traffic in or out"),
			TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSecurityGroup,
				Tags: []ec2types.Tag{{Key: sdk.String("tocsin"), Value: sdk.String("quarantine")}}}},
		})
		switch {
		case coded(err, "InvalidGroup.Duplicate"): // somebody was faster
			if w, err = a.wallIn(ctx, region, vpc, ""); err != nil {
				return w, err
			}
		case err != nil:
			return w, err
		default:
			w = wall{id: sdk.ToString(out.GroupId), fresh: true}
		}
	}
	if !w.fresh {
		return w, nil
	}
	out, err := ask(ctx, a, "read the new group's rules", "ec2:DescribeSecurityGroups", a.ec2(region).DescribeSecurityGroups,
		&ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{{Name: sdk.String("group-id"), Values: []string{w.id}}}})
	if err != nil {
		return w, err
	}
	if len(out.SecurityGroups) != 1 {
		return w, fmt.Errorf("make the quarantine group: EC2 does not show %s yet", w.id)
	}
	if rules := out.SecurityGroups[0].IpPermissionsEgress; len(rules) > 0 {
		_, err = ask(ctx, a, "take the new group's rule away", "ec2:RevokeSecurityGroupEgress", a.ec2(region).RevokeSecurityGroupEgress,
			&ec2.RevokeSecurityGroupEgressInput{GroupId: &w.id, IpPermissions: rules})
	}
	return w, err
}
