package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// keyTag carries the key of the request that a snapshot was made for. CreateSnapshots
// takes no idempotency token: before any is made, they are looked for by this tag.
const keyTag = "tocsin:key"

// volumes are the EBS volumes of an instance, in order.
func (m machine) volumes() []string {
	var out []string
	for _, b := range m.BlockDeviceMappings {
		if b.Ebs != nil {
			out = append(out, sdk.ToString(b.Ebs.VolumeId))
		}
	}
	slices.Sort(out)
	return out
}

// kept are the snapshots made for a key, by volume. Those that went wrong are left out.
func (a *Account) kept(ctx context.Context, region, key string, volumes []string) (map[string]ec2types.Snapshot, error) {
	out := map[string]ec2types.Snapshot{}
	in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []ec2types.Filter{
		{Name: sdk.String("tag:" + keyTag), Values: []string{key}},
		{Name: sdk.String("volume-id"), Values: volumes},
	}}
	for {
		page, err := ask(ctx, a, "look for snapshots", "ec2:DescribeSnapshots", a.ec2(region).DescribeSnapshots, in)
		if err != nil {
			return nil, err
		}
		for _, s := range page.Snapshots {
			if s.State == ec2types.SnapshotStatePending || s.State == ec2types.SnapshotStateCompleted {
				out[sdk.ToString(s.VolumeId)] = s
			}
		}
		if sdk.ToString(page.NextToken) == "" {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// keep makes snapshots of all volumes at one moment, unless there is one of each for this
// key already. It returns their ids by volume.
func (a *Account) keep(ctx context.Context, m machine, key string) (map[string]string, error) {
	volumes := m.volumes()
	if len(volumes) == 0 {
		return nil, refuse("%s has no EBS volumes; what is on instance storage cannot be kept this way", m.id())
	}
	there, err := a.kept(ctx, m.region, key, volumes)
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for v, s := range there {
		refs[v] = sdk.ToString(s.SnapshotId)
	}
	if len(refs) == len(volumes) {
		return refs, nil
	}
	out, err := ask(ctx, a, "make snapshots of its volumes", "ec2:CreateSnapshots, ec2:CreateTags", a.ec2(m.region).CreateSnapshots, &ec2.CreateSnapshotsInput{
		InstanceSpecification: &ec2types.InstanceSpecification{InstanceId: m.InstanceId},
		Description:           sdk.String("Evidence kept by Tocsin of " + m.id()),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSnapshot, Tags: []ec2types.Tag{
			{Key: sdk.String(keyTag), Value: &key},
			{Key: sdk.String("tocsin"), Value: sdk.String("evidence")},
		}}},
	})
	if err != nil {
		return nil, err
	}
	for _, s := range out.Snapshots {
		refs[sdk.ToString(s.VolumeId)] = sdk.ToString(s.SnapshotId)
	}
	return refs, nil
}

// about one volume's snapshot, for people.
func told(volume string, s ec2types.Snapshot) string {
	at := ""
	if s.StartTime != nil {
		at = ", begun " + s.StartTime.UTC().Format("2006-01-02 15:04 MST")
	}
	return fmt.Sprintf("The snapshot %s of %s is %s (%s)%s.", sdk.ToString(s.SnapshotId), volume, s.State, orNone(s.Progress), at)
}

func orNone(p *string) string {
	if s := strings.TrimSpace(sdk.ToString(p)); s != "" {
		return s
	}
	return "progress unknown"
}

const copies = 30 * time.Second // after which a snapshot that is being copied is worth another look
