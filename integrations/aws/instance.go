package aws

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var instanceShape = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// machine is an EC2 instance that was found. Its target id is its ARN, which names the
// region: instance ids are not resolved a second time.
type machine struct {
	region string
	arn    string
	ec2types.Instance
}

func (m machine) id() string { return sdk.ToString(m.InstanceId) }

func (m machine) tag(key string) string {
	for _, t := range m.Tags {
		if strings.EqualFold(sdk.ToString(t.Key), key) {
			return sdk.ToString(t.Value)
		}
	}
	return ""
}

func (m machine) name() string {
	if n := m.tag("Name"); n != "" {
		return m.id() + " (" + n + ") in " + m.region
	}
	return m.id() + " in " + m.region
}

func (m machine) owner() string {
	if o := m.tag("owner"); o != "" {
		return o
	}
	return m.tag("team")
}

// dependants are what else relies on the instance, as far as its tags tell.
func (m machine) dependants() []string {
	var out []string
	if g := m.tag("aws:autoscaling:groupName"); g != "" {
		out = append(out, fmt.Sprintf("The Auto Scaling group %s will find it unhealthy and may terminate it, evidence included; detach it from the group or suspend the group's ReplaceUnhealthy first.", g))
	}
	if c := m.tag("eks:cluster-name"); c != "" {
		out = append(out, fmt.Sprintf("It is a node of the Kubernetes cluster %s; its pods lose the network.", c))
	}
	return out
}

// machine finds the instance that a person typed: an id, an ARN, region/id, an address,
// a private DNS name, or the value of its tag Name. Those that are terminated are no targets.
func (a *Account) machine(ctx context.Context, typed string) (machine, error) {
	me, err := a.self(ctx)
	if err != nil {
		return machine{}, err
	}
	regions, name := a.conf.Regions, strings.TrimSpace(typed)
	if strings.HasPrefix(name, "arn:") {
		part := strings.SplitN(name, ":", 6)
		if len(part) != 6 || part[2] != "ec2" || !strings.HasPrefix(part[5], "instance/") {
			return machine{}, &actions.NoTarget{Kind: actions.KindHost, Name: typed, Hint: "It is not the ARN of an instance."}
		}
		if part[4] != me.account {
			return machine{}, refuse("%s is in the account %s; Tocsin acts in %s here", typed, part[4], me.account)
		}
		name = part[3] + "/" + strings.TrimPrefix(part[5], "instance/")
	}
	if region, id, ok := strings.Cut(name, "/"); ok && regionShape.MatchString(region) {
		regions, name = []string{region}, id
	}
	if len(name) > 255 || name == "" || strings.ContainsAny(name, "*?") {
		return machine{}, &actions.NoTarget{Kind: actions.KindHost, Name: typed, Hint: "Name one instance."}
	}
	var found []machine
	for _, region := range regions {
		some, err := a.machines(ctx, region, filterOf(name), name)
		if err != nil {
			return machine{}, err
		}
		found = append(found, some...)
		if len(found) > 0 && filterOf(name) == "instance-id" {
			break // no other region has it
		}
	}
	switch {
	case len(found) == 0:
		return machine{}, &actions.NoTarget{Kind: actions.KindHost, Name: typed, Hint: a.nearbyMachines(ctx, regions, name)}
	case len(found) > 1:
		many := &actions.Ambiguous{Kind: actions.KindHost, Name: typed}
		for _, m := range found {
			many.Fits = append(many.Fits, m.region+"/"+m.id())
		}
		slices.Sort(many.Fits)
		return machine{}, many
	}
	m := found[0]
	m.arn = fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", me.partition, m.region, me.account, m.id())
	if me.on(m.id()) {
		return machine{}, refuse("%s is the machine that Tocsin itself runs on", m.id())
	}
	if slices.ContainsFunc(m.Tags, func(t ec2types.Tag) bool { return sdk.ToString(t.Key) == breakGlassTag }) {
		return machine{}, refuse("%s carries the tag %s and is never touched", m.id(), breakGlassTag)
	}
	return m, nil
}

// filterOf is the filter of DescribeInstances that a name is for,
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func filterOf(name string) string {
	switch addr, err := netip.ParseAddr(name); {
	case instanceShape.MatchString(name):
		return "instance-id"
	case err == nil && addr.Is4() && addr.IsPrivate():
		return "network-interface.addresses.private-ip-address"
	case err == nil && addr.Is4():
		return "network-interface.addresses.association.public-ip"
	case err == nil:
		return "network-interface.ipv6-addresses.ipv6-address"
	case strings.HasSuffix(name, ".internal"):
		return "private-dns-name"
	}
	return "tag:Name"
}

// machines lists the instances that fit and are not terminated.
func (a *Account) machines(ctx context.Context, region, filter, value string) ([]machine, error) {
	in := &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{
		{Name: &filter, Values: []string{value}},
		{Name: sdk.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}}
	var found []machine
	for {
		out, err := ask(ctx, a, "look for the instance", "ec2:DescribeInstances", a.ec2(region).DescribeInstances, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				found = append(found, machine{region: region, Instance: i})
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

// again reads the instance of a plan or receipt anew; one that is gone is stale.
func (a *Account) again(ctx context.Context, t actions.Target) (machine, error) {
	part := strings.Split(t.ID, ":")
	if len(part) != 6 || !strings.HasPrefix(part[5], "instance/") {
		return machine{}, refuse("the plan's target is no instance")
	}
	found, err := a.machines(ctx, part[3], "instance-id", strings.TrimPrefix(part[5], "instance/"))
	if err != nil {
		return machine{}, err
	}
	if len(found) != 1 {
		return machine{}, fmt.Errorf("%s is terminated: %w", t.Name, actions.ErrStale)
	}
	found[0].arn = t.ID
	return found[0], nil
}

// gone is the proof of a deed on an instance that is no more.
func gone(r actions.Receipt) actions.Proof {
	return actions.Refuted(r.Target.Name + " is terminated.")
}

// nearbyMachines is a hint: what is called alike, or where it was looked for.
func (a *Account) nearbyMachines(ctx context.Context, regions []string, name string) string {
	hint := "It was looked for in " + strings.Join(regions, ", ") + "."
	if filterOf(name) != "tag:Name" {
		return hint
	}
	var names []string
	for _, region := range regions {
		some, err := a.machines(ctx, region, "tag:Name", name[:max(1, len(name)/2)]+"*")
		if err != nil {
			return hint
		}
		for _, m := range some {
			names = append(names, m.tag("Name"))
		}
	}
	slices.Sort(names)
	if near := alike(name, slices.Compact(names)); near != "" {
		return near
	}
	return hint
}
