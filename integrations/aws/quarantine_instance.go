package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/tocsin-ir/tocsin/actions"
)

// Connections that are open when the groups change are not cut,
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
const tracked = "Connections that were open already may go on while they are used: EC2 tracks them. A network ACL on the subnet, or stopping the instance, ends them."

var _ = offer(func(a *Account) actions.Action {
	return quarantineInstance{deed{a, actions.Spec{
		Name:  "aws.quarantine-instance",
		Title: "Quarantine an EC2 instance",
		Does:  "Replaces the security groups of every network interface of an instance by one without rules, so that no new connection comes in or goes out.",
		Kind:  actions.KindHost,
		Params: []actions.Param{{Name: "group", Help: "a security group without rules to use instead of the configured one, such as sg-0123456789abcdef0",
			Pattern: regexp.MustCompile(`sg-([0-9a-f]{17}|[0-9a-f]{8})`)}},
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: []string{"ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:ModifyNetworkInterfaceAttribute",
			"ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:RevokeSecurityGroupEgress",
			"ec2:GetConsoleOutput", "ec2:CreateSnapshots", "ec2:DescribeSnapshots"},
		TTL:     7 * 24 * time.Hour,
		Proof:   "Every interface is read again, and the group has no rules; open connections that EC2 tracks cannot be seen, so enforcement is never claimed.",
		Example: "aws.quarantine-instance i-0123456789abcdef0",
	}}}
})

type quarantineInstance struct{ deed }

// groupsState is the security groups of each interface. The configured quarantine group
// stands there by its name, because it may have to be made; ids begin with "sg-", and
// names may not.
type groupsState struct {
	Interfaces []groupsOf `json:"interfaces"`
}

type groupsOf struct {
	ID     string   `json:"id"`
	VPC    string   `json:"vpc"`
	Groups []string `json:"groups"`
}

// inside is the state with every interface in quarantine.
func (s groupsState) inside(group string) groupsState {
	var out groupsState
	for _, i := range s.Interfaces {
		out.Interfaces = append(out.Interfaces, groupsOf{i.ID, i.VPC, []string{group}})
	}
	return out
}

// scene is the world of one instance: its interfaces, and the quarantine group of each VPC.
type scene struct {
	machine
	groupsState
	walls map[string]wall
	label string // how the quarantine group is called in states
}

func (d quarantineInstance) scene(ctx context.Context, m machine, given string) (scene, error) {
	s := scene{machine: m, walls: map[string]wall{}, label: d.conf.Quarantine}
	if given != "" {
		s.label = given
	}
	for _, i := range m.NetworkInterfaces {
		at := groupsOf{ID: sdk.ToString(i.NetworkInterfaceId), VPC: sdk.ToString(i.VpcId)}
		w, known := s.walls[at.VPC]
		if !known {
			var err error
			if w, err = d.wallIn(ctx, m.region, at.VPC, given); err != nil {
				return s, err
			}
			s.walls[at.VPC] = w
		}
		for _, g := range i.Groups {
			id := sdk.ToString(g.GroupId)
			if id == w.id {
				id = s.label
			}
			at.Groups = append(at.Groups, id)
		}
		slices.Sort(at.Groups)
		s.Interfaces = append(s.Interfaces, at)
	}
	slices.SortFunc(s.Interfaces, func(x, y groupsOf) int { return strings.Compare(x.ID, y.ID) })
	if len(s.Interfaces) == 0 {
		return s, refuse("%s has no network interfaces in a VPC", m.id())
	}
	return s, nil
}

// closed refuses a quarantine group that lets anything through.
func (s scene) closed() error {
	for _, vpc := range slices.Sorted(maps.Keys(s.walls)) {
		if w := s.walls[vpc]; w.open {
			return refuse("the security group %s in %s has rules, so it isolates nothing; remove them, or name another with group=sg-…", w.id, vpc)
		}
	}
	return nil
}

func (d quarantineInstance) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	m, err := d.machine(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	s, err := d.scene(ctx, m, in.Params["group"])
	if err != nil {
		return actions.Plan{}, err
	}
	if err := s.closed(); err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: m.arn, Name: m.name()})
	p.Found, p.Want = actions.StateOf(s.groupsState), actions.StateOf(s.inside(s.label))
	for _, vpc := range slices.Sorted(maps.Keys(s.walls)) {
		if s.walls[vpc].id == "" {
			p.Steps = append(p.Steps, fmt.Sprintf("Make the security group %s in %s, without rules.", d.conf.Quarantine, vpc))
		}
	}
	for _, i := range s.Interfaces {
		p.Steps = append(p.Steps, fmt.Sprintf("Replace the groups of the interface %s, %s, by %s.", i.ID, strings.Join(i.Groups, " and "), s.label))
	}
	p.Dependants = append([]string{"Whatever talks to this instance loses it, Session Manager and SSH too."}, m.dependants()...)
	p.Warnings = append([]string{tracked}, d.findings(ctx, m.region, about{instance: m.id()})...)
	p.Owner = m.owner()
	p.Already = same(p.Found, p.Want)
	return p, nil
}

func (d quarantineInstance) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	m, err := d.again(ctx, p.Target)
	if err != nil {
		return actions.Receipt{}, err
	}
	s, err := d.scene(ctx, m, p.Params["group"])
	if err != nil {
		return actions.Receipt{}, err
	}
	if err := s.closed(); err != nil {
		return actions.Receipt{}, err
	}
	if p.Already && same(actions.StateOf(s.groupsState), p.Want) {
		return p.Receipt(), nil
	}
	found, err := stateIn[groupsState](p.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	want := found.inside(s.label)
	if !between(s.groupsState, found, want) {
		return actions.Receipt{}, stale(p)
	}
	for vpc, w := range s.walls {
		if s.walls[vpc], err = d.build(ctx, m.region, vpc, w); err != nil {
			return actions.Receipt{}, err
		}
	}
	return d.move(ctx, p.Receipt(), s, want)
}

// between reports whether every interface is as it was found or as it is wanted: what
// stopped half-way goes on, what somebody else changed is stale.
func between(now, found, want groupsState) bool {
	if len(now.Interfaces) != len(found.Interfaces) {
		return false
	}
	for i, n := range now.Interfaces {
		f, w := found.Interfaces[i], want.Interfaces[i]
		if n.ID != f.ID || !slices.Equal(n.Groups, f.Groups) && !slices.Equal(n.Groups, w.Groups) {
			return false
		}
	}
	return true
}

// move sets the groups of every interface that does not have those of to. It returns a
// *Partial when it stops half-way.
func (d quarantineInstance) move(ctx context.Context, r actions.Receipt, s scene, to groupsState) (actions.Receipt, error) {
	r.Done = nil
	moved := false
	for n, i := range to.Interfaces {
		done := fmt.Sprintf("The interface %s has the groups %s.", i.ID, strings.Join(i.Groups, " and "))
		at := slices.IndexFunc(s.Interfaces, func(x groupsOf) bool { return x.ID == i.ID })
		if at < 0 { // only where undo is insisted on
			r.Done = append(r.Done, fmt.Sprintf("The interface %s is gone.", i.ID))
			continue
		}
		if slices.Equal(s.Interfaces[at].Groups, i.Groups) {
			r.Done = append(r.Done, done)
			continue
		}
		err := d.setGroups(ctx, s, i)
		if err != nil && !moved {
			return actions.Receipt{}, err
		}
		if err != nil {
			part := &actions.Partial{Receipt: r, Err: err}
			for _, left := range to.Interfaces[n:] {
				part.NotDone = append(part.NotDone, "the interface "+left.ID)
			}
			return r, part
		}
		moved = true
		r.Done = append(r.Done, done)
	}
	return r, nil
}

func (d quarantineInstance) setGroups(ctx context.Context, s scene, i groupsOf) error {
	groups := slices.Clone(i.Groups)
	for n, g := range groups {
		if g == s.label {
			groups[n] = s.walls[i.VPC].id
		}
	}
	_, err := ask(ctx, d.Account, "set the groups of "+i.ID, "ec2:ModifyNetworkInterfaceAttribute", d.ec2(s.region).ModifyNetworkInterfaceAttribute,
		&ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &i.ID, Groups: groups})
	if coded(err, "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound") && slices.Contains(i.Groups, s.label) {
		return fmt.Errorf("set the groups of %s: EC2 does not know the quarantine group yet", i.ID) // worth another try
	}
	return err
}

func (d quarantineInstance) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	m, err := d.again(ctx, r.Target)
	if errors.Is(err, actions.ErrStale) {
		return gone(r), nil
	}
	if err != nil {
		return actions.Proof{}, err
	}
	s, err := d.scene(ctx, m, r.Params["group"])
	if err != nil {
		return actions.Proof{}, err
	}
	var seen []string
	for _, i := range s.Interfaces {
		seen = append(seen, fmt.Sprintf("The interface %s has the groups %s.", i.ID, strings.Join(i.Groups, " and ")))
	}
	if !same(actions.StateOf(s.groupsState), due(r)) {
		return actions.Refuted(seen...), nil
	}
	if r.Undone {
		return actions.Stored(append(seen, "Whether traffic flows again cannot be seen from here.")...), nil
	}
	for vpc, w := range s.walls {
		if w.fresh || w.open {
			return actions.Refuted(append(seen, fmt.Sprintf("The group %s in %s has rules that let traffic through.", w.id, vpc))...), nil
		}
	}
	return actions.Stored(append(seen, "The group has no rules: new connections are refused both ways.", tracked)...), nil
}

func (d quarantineInstance) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	m, err := d.again(ctx, r.Target)
	if errors.Is(err, actions.ErrStale) {
		return actions.Receipt{}, &actions.Changed{What: r.Target.Name + " was terminated since"}
	}
	if err != nil {
		return actions.Receipt{}, err
	}
	s, err := d.scene(ctx, m, r.Params["group"])
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[groupsState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	if r.Already || same(actions.StateOf(s.groupsState), r.Found) {
		return undone(r, "The interfaces have the groups that were found."), nil
	}
	if !between(s.groupsState, found, found.inside(s.label)) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody changed the interfaces or groups of %s since", m.id())}
	}
	back, err := d.move(ctx, undone(r), s, found)
	if coded(err, "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound") {
		return back, fmt.Errorf("a group that the instance had was deleted since; give it groups by hand: %w", err)
	}
	return back, err
}
