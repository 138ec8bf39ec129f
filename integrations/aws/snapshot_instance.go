package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return snapshotInstance{deed{a, actions.Spec{
		Name:    "aws.snapshot-instance",
		Title:   "Snapshot an EC2 instance's volumes",
		Does:    "Makes snapshots of all EBS volumes of an instance at one moment and tags them as evidence; the instance runs on.",
		Kind:    actions.KindHost,
		Blast:   actions.BlastTarget,
		Rights:  []string{"ec2:DescribeInstances", "ec2:CreateSnapshots", "ec2:CreateTags", "ec2:DescribeSnapshots"},
		Proof:   "EC2 lists a completed snapshot of each volume with the tag of this request; one that is still copied is not proven.",
		Example: "aws.snapshot-instance i-0123456789abcdef0",
	}}}
})

type snapshotInstance struct{ deed }

// volumesState is the volumes of an instance, and whether a snapshot of each is kept.
type volumesState struct {
	Volumes []string `json:"volumes"`
	Kept    bool     `json:"kept"`
}

func (d snapshotInstance) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	m, err := d.machine(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	volumes := m.volumes()
	if len(volumes) == 0 {
		return actions.Plan{}, refuse("%s has no EBS volumes; what is on instance storage cannot be kept this way", m.id())
	}
	there, err := d.kept(ctx, m.region, in.Key, volumes)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: m.arn, Name: m.name()})
	p.Found = actions.StateOf(volumesState{volumes, len(there) == len(volumes)})
	p.Want = actions.StateOf(volumesState{volumes, true})
	p.Steps = []string{fmt.Sprintf("Make snapshots of %s at one moment, tagged %s=%s.", strings.Join(volumes, ", "), keyTag, in.Key)}
	p.Warnings = []string{"Memory and instance storage are not in a snapshot; do not stop or reboot the instance if they matter.",
		"Whoever may delete snapshots in this account can delete these; share or copy them to another account soon."}
	p.Owner = m.owner()
	p.Already = same(p.Found, p.Want)
	return p, nil
}

func (d snapshotInstance) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	m, err := d.again(ctx, p.Target)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[volumesState](p.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	if !slices.Equal(m.volumes(), found.Volumes) {
		return actions.Receipt{}, stale(p)
	}
	r := p.Receipt()
	if r.Ref, err = d.keep(ctx, m, p.Key); err != nil {
		return actions.Receipt{}, err
	}
	if p.Already {
		return r, nil
	}
	for _, v := range found.Volumes {
		if r.Ref[v] == "" {
			return actions.Receipt{}, fmt.Errorf("make snapshots of its volumes: EC2 made none of %s", v)
		}
		r.Done = append(r.Done, fmt.Sprintf("The snapshot %s of %s is begun.", r.Ref[v], v))
	}
	return r, nil
}

func (d snapshotInstance) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	want, err := stateIn[volumesState](r.Left)
	if err != nil {
		return actions.Proof{}, err
	}
	part := strings.Split(r.Target.ID, ":")
	if len(part) != 6 {
		return actions.Proof{}, errors.New("the receipt's target is no instance")
	}
	there, err := d.kept(ctx, part[3], r.Key, want.Volumes)
	if err != nil {
		return actions.Proof{}, err
	}
	var seen []string
	copying := false
	for _, v := range want.Volumes {
		s, ok := there[v]
		if !ok {
			return later(actions.Refuted(append(seen, "EC2 lists no good snapshot of "+v+" for this request.")...)), nil
		}
		copying = copying || s.State != ec2types.SnapshotStateCompleted
		seen = append(seen, told(v, s))
	}
	if copying {
		p := actions.Stored(seen...)
		p.Again = copies
		return p, nil
	}
	return actions.Proven(seen...), nil
}
