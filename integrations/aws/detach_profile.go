package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return detachProfile{deed{a, actions.Spec{
		Name:       "aws.detach-instance-profile",
		Title:      "Detach an EC2 instance's profile",
		Does:       "Takes the IAM instance profile off an instance, so that it gets no new credentials of its role.",
		Kind:       actions.KindHost,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: []string{"ec2:DescribeInstances", "ec2:DescribeIamInstanceProfileAssociations", "ec2:DisassociateIamInstanceProfile",
			"ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation", "iam:PassRole", "iam:GetInstanceProfile"},
		TTL:     7 * 24 * time.Hour,
		Proof:   "EC2 lists no profile on the instance; credentials that it holds already stay good until they expire.",
		Example: "aws.detach-instance-profile i-0123456789abcdef0",
	}}}
})

type detachProfile struct{ deed }

// profileState is the instance profile of an instance, by ARN; "" for none.
type profileState struct {
	Profile string `json:"profile"`
}

// profile reads what is associated now, and the association's id.
func (d detachProfile) profile(ctx context.Context, m machine) (actions.State, string, error) {
	in := &ec2.DescribeIamInstanceProfileAssociationsInput{Filters: []ec2types.Filter{{Name: sdk.String("instance-id"), Values: []string{m.id()}}}}
	for {
		out, err := ask(ctx, d.Account, "read the instance's profile", "ec2:DescribeIamInstanceProfileAssociations", d.ec2(m.region).DescribeIamInstanceProfileAssociations, in)
		if err != nil {
			return nil, "", err
		}
		for _, a := range out.IamInstanceProfileAssociations {
			if a.IamInstanceProfile != nil && (a.State == ec2types.IamInstanceProfileAssociationStateAssociated || a.State == ec2types.IamInstanceProfileAssociationStateAssociating) {
				return actions.StateOf(profileState{sdk.ToString(a.IamInstanceProfile.Arn)}), sdk.ToString(a.AssociationId), nil
			}
		}
		if sdk.ToString(out.NextToken) == "" {
			return actions.StateOf(profileState{}), "", nil
		}
		in.NextToken = out.NextToken
	}
}

// roleIn is the role of an instance profile, "" where it cannot be had.
func (d detachProfile) roleIn(ctx context.Context, profile string) (string, error) {
	name := profile[strings.LastIndex(profile, "/")+1:]
	out, err := ask(ctx, d.Account, "look at the instance profile", "iam:GetInstanceProfile", d.iam.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if coded(err, "NoSuchEntity", "NoSuchEntityException") || err == nil && len(out.InstanceProfile.Roles) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.InstanceProfile.Roles[0].RoleName), nil // one at most
}

func (d detachProfile) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	m, err := d.machine(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: m.arn, Name: m.name()})
	if p.Found, _, err = d.profile(ctx, m); err != nil {
		return actions.Plan{}, err
	}
	p.Want = actions.StateOf(profileState{})
	p.Owner = m.owner()
	if p.Already = same(p.Found, p.Want); p.Already {
		p.Steps = []string{"Nothing: the instance has no profile."}
		return p, nil
	}
	found, err := stateIn[profileState](p.Found)
	if err != nil {
		return actions.Plan{}, err
	}
	held, err := d.roleIn(ctx, found.Profile)
	if err != nil {
		return actions.Plan{}, err
	}
	p.Steps = []string{fmt.Sprintf("Take the instance profile %s off %s.", found.Profile, m.id())}
	p.Dependants = []string{"Programs on the instance that call AWS as its role stop when their credentials expire; Session Manager too."}
	p.Warnings = []string{fmt.Sprintf("Credentials that were handed out already stay good until they expire; aws.revoke-role-sessions %s ends them.", held)}
	if held == "" {
		p.Warnings = []string{"The profile has no role: there is nothing that it gives."}
	}
	p.Warnings = append(p.Warnings, d.findings(ctx, m.region, about{instance: m.id()})...)
	return p, nil
}

func (d detachProfile) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	m, err := d.again(ctx, p.Target)
	if err != nil {
		return actions.Receipt{}, err
	}
	now, association, err := d.profile(ctx, m)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	if p.Already && same(now, p.Want) {
		return r, nil
	}
	r.Done = []string{fmt.Sprintf("%s has no instance profile.", m.id())}
	if same(now, p.Want) {
		return r, nil
	}
	if !same(now, p.Found) {
		return actions.Receipt{}, stale(p)
	}
	_, err = ask(ctx, d.Account, "take the profile off", "ec2:DisassociateIamInstanceProfile", d.ec2(m.region).DisassociateIamInstanceProfile,
		&ec2.DisassociateIamInstanceProfileInput{AssociationId: &association})
	return r, err
}

func (d detachProfile) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	m, err := d.again(ctx, r.Target)
	if errors.Is(err, actions.ErrStale) {
		return gone(r), nil
	}
	if err != nil {
		return actions.Proof{}, err
	}
	now, _, err := d.profile(ctx, m)
	if err != nil {
		return actions.Proof{}, err
	}
	s, err := stateIn[profileState](now)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := "EC2 lists the profile " + s.Profile + " on it."
	if s.Profile == "" {
		seen = "EC2 lists no profile on it."
	}
	if !same(now, due(r)) {
		return later(actions.Refuted(seen)), nil
	}
	if !r.Undone {
		return actions.Proven(seen, "Credentials that it holds already stay good until they expire, unless the role's sessions were revoked."), nil
	}
	return actions.Proven(seen), nil
}

func (d detachProfile) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	m, err := d.again(ctx, r.Target)
	if errors.Is(err, actions.ErrStale) {
		return actions.Receipt{}, &actions.Changed{What: r.Target.Name + " was terminated since"}
	}
	if err != nil {
		return actions.Receipt{}, err
	}
	now, association, err := d.profile(ctx, m)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[profileState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("%s has the instance profile %s again.", m.id(), found.Profile))
	if r.Already || same(now, r.Found) {
		return back, nil
	}
	if !same(now, r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody gave %s another profile since", m.id())}
	}
	spec := &ec2types.IamInstanceProfileSpecification{Arn: &found.Profile}
	if association != "" {
		_, err = ask(ctx, d.Account, "put the profile back", "ec2:ReplaceIamInstanceProfileAssociation, iam:PassRole", d.ec2(m.region).ReplaceIamInstanceProfileAssociation,
			&ec2.ReplaceIamInstanceProfileAssociationInput{AssociationId: &association, IamInstanceProfile: spec})
		return back, err
	}
	_, err = ask(ctx, d.Account, "put the profile back", "ec2:AssociateIamInstanceProfile, iam:PassRole", d.ec2(m.region).AssociateIamInstanceProfile,
		&ec2.AssociateIamInstanceProfileInput{InstanceId: m.InstanceId, IamInstanceProfile: spec})
	return back, err
}
