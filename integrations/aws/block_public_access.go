package aws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return blockPublicAccess{deed{a, actions.Spec{
		Name:       "aws.block-public-access",
		Title:      "Block public access to an S3 bucket",
		Does:       "Turns on all four public-access blocks of a bucket, so that neither its policy nor any list of rights lets strangers in.",
		Kind:       actions.KindData,
		Reversible: true,
		Blast:      actions.BlastAll,
		Rights: []string{"s3:ListBucket", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
			"s3:GetBucketPolicyStatus", "s3:GetBucketWebsite", "s3:GetBucketTagging"},
		TTL:     7 * 24 * time.Hour,
		Proof:   "The blocks are read again, and a request without a signature is refused.",
		Example: "aws.block-public-access invoices-export",
	}}}
})

type blockPublicAccess struct{ deed }

// blocksState is the four blocks of a bucket; None says that it has no configuration at
// all, which S3 keeps apart from one with all four off.
type blocksState struct {
	None                  bool `json:"none,omitempty"`
	BlockPublicAcls       bool `json:"block_public_acls"`
	IgnorePublicAcls      bool `json:"ignore_public_acls"`
	BlockPublicPolicy     bool `json:"block_public_policy"`
	RestrictPublicBuckets bool `json:"restrict_public_buckets"`
}

var allBlocked = blocksState{false, true, true, true, true}

// bucketAt is a bucket of this account and where it is.
type bucketAt struct{ name, region, owner string }

// bucketShape is what S3 takes, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketShape = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// bucket finds a bucket. Every call names this account as its owner, so that the bucket of
// somebody else is never touched, whatever it is called.
func (d blockPublicAccess) bucket(ctx context.Context, typed string) (bucketAt, error) {
	me, err := d.self(ctx)
	if err != nil {
		return bucketAt{}, err
	}
	name := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSpace(typed), "/"), "s3://")
	if at := strings.LastIndex(name, ":::"); strings.HasPrefix(name, "arn:") && at > 0 {
		name = name[at+3:]
	}
	if !bucketShape.MatchString(name) {
		return bucketAt{}, &actions.NoTarget{Kind: actions.KindData, Name: typed, Hint: "S3 has no buckets with such names."}
	}
	b := bucketAt{name, d.conf.Region, me.account}
	out, err := ask(ctx, d.Account, "look for the bucket", "s3:ListBucket", d.s3(b.region, false).HeadBucket, &s3.HeadBucketInput{Bucket: &name, ExpectedBucketOwner: &b.owner})
	var r *refusal
	switch {
	case err == nil && sdk.ToString(out.BucketRegion) != "":
		b.region = *out.BucketRegion
	case coded(err, "NotFound", "NoSuchBucket"):
		return b, &actions.NoTarget{Kind: actions.KindData, Name: typed, Hint: "There is no such bucket in this account."}
	case errors.As(err, &r) && r.region != "" && r.region != b.region: // a redirect to where it is
		b.region = r.region
	case err != nil:
		return b, err
	}
	return b, nil
}

func (d blockPublicAccess) blocks(ctx context.Context, b bucketAt) (blocksState, error) {
	out, err := ask(ctx, d.Account, "read the public-access block", "s3:GetBucketPublicAccessBlock", d.s3(b.region, false).GetPublicAccessBlock,
		&s3.GetPublicAccessBlockInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	if coded(err, "NoSuchPublicAccessBlockConfiguration") {
		return blocksState{None: true}, nil
	}
	if err != nil {
		return blocksState{}, err
	}
	c := out.PublicAccessBlockConfiguration
	return blocksState{false, sdk.ToBool(c.BlockPublicAcls), sdk.ToBool(c.IgnorePublicAcls), sdk.ToBool(c.BlockPublicPolicy), sdk.ToBool(c.RestrictPublicBuckets)}, nil
}

func (d blockPublicAccess) set(ctx context.Context, b bucketAt, to blocksState) error {
	const right = "s3:PutBucketPublicAccessBlock" // for both calls
	if to.None {
		_, err := ask(ctx, d.Account, "take the public-access block away", right, d.s3(b.region, false).DeletePublicAccessBlock,
			&s3.DeletePublicAccessBlockInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
		return err
	}
	_, err := ask(ctx, d.Account, "set the public-access block", right, d.s3(b.region, false).PutPublicAccessBlock, &s3.PutPublicAccessBlockInput{
		Bucket: &b.name, ExpectedBucketOwner: &b.owner,
		PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: &to.BlockPublicAcls, IgnorePublicAcls: &to.IgnorePublicAcls,
			BlockPublicPolicy: &to.BlockPublicPolicy, RestrictPublicBuckets: &to.RestrictPublicBuckets,
		},
	})
	return err
}

// feel is who else feels it, and the owner by the bucket's tags.
func (d blockPublicAccess) feel(ctx context.Context, b bucketAt) (dependants []string, owner string, err error) {
	c := d.s3(b.region, false)
	policy, err := ask(ctx, d.Account, "ask whether the policy is public", "s3:GetBucketPolicyStatus", c.GetBucketPolicyStatus,
		&s3.GetBucketPolicyStatusInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	if err != nil && !coded(err, "NoSuchBucketPolicy") {
		return nil, "", err
	}
	if err == nil && policy.PolicyStatus != nil && sdk.ToBool(policy.PolicyStatus.IsPublic) {
		dependants = append(dependants, "Its policy is public: everybody who reads it without signing in, or from another account, loses it.")
	}
	_, err = ask(ctx, d.Account, "ask whether it is a website", "s3:GetBucketWebsite", c.GetBucketWebsite, &s3.GetBucketWebsiteInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	if err != nil && !coded(err, "NoSuchWebsiteConfiguration") {
		return nil, "", err
	}
	if err == nil {
		dependants = append(dependants, "It serves a website, which goes dark.")
	}
	tags, err := ask(ctx, d.Account, "read the bucket's tags", "s3:GetBucketTagging", c.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: &b.name, ExpectedBucketOwner: &b.owner})
	if err != nil && !coded(err, "NoSuchTagSet") {
		return nil, "", err
	}
	if err == nil {
		for _, t := range tags.TagSet {
			if k := strings.ToLower(sdk.ToString(t.Key)); k == "owner" || k == "team" && owner == "" {
				owner = sdk.ToString(t.Value)
			}
		}
	}
	return dependants, owner, nil
}

func (d blockPublicAccess) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	b, err := d.bucket(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	found, err := d.blocks(ctx, b)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: b.region + "/" + b.name, Name: b.name})
	p.Found, p.Want = actions.StateOf(found), actions.StateOf(allBlocked)
	p.Steps = []string{fmt.Sprintf("Turn on all four public-access blocks of the bucket %s in %s.", b.name, b.region)}
	if p.Dependants, p.Owner, err = d.feel(ctx, b); err != nil {
		return actions.Plan{}, err
	}
	p.Warnings = append([]string{"Pre-signed addresses that were handed out go on until they expire."}, d.findings(ctx, b.region, about{bucket: b.name})...)
	p.Already = same(p.Found, p.Want)
	return p, nil
}

// at is the bucket of a plan or receipt.
func (d blockPublicAccess) at(ctx context.Context, t actions.Target) (bucketAt, actions.State, error) {
	region, name, ok := strings.Cut(t.ID, "/")
	if !ok {
		return bucketAt{}, nil, refuse("the plan's target is no bucket")
	}
	me, err := d.self(ctx)
	if err != nil {
		return bucketAt{}, nil, err
	}
	b := bucketAt{name, region, me.account}
	now, err := d.blocks(ctx, b)
	return b, actions.StateOf(now), err
}

func (d blockPublicAccess) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	b, now, err := d.at(ctx, p.Target)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	if p.Already && same(now, p.Want) {
		return r, nil
	}
	r.Done = []string{fmt.Sprintf("All four public-access blocks of %s are on.", b.name)}
	if same(now, p.Want) {
		return r, nil
	}
	if !same(now, p.Found) {
		return actions.Receipt{}, stale(p)
	}
	return r, d.set(ctx, b, allBlocked)
}

func (d blockPublicAccess) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	b, now, err := d.at(ctx, r.Target)
	if err != nil {
		return actions.Proof{}, err
	}
	if !same(now, due(r)) {
		return later(actions.Refuted(fmt.Sprintf("The public-access blocks of %s are not as they should be.", b.name))), nil
	}
	if r.Undone {
		return actions.Proven(fmt.Sprintf("The public-access blocks of %s are as they were found.", b.name)), nil
	}
	seen := fmt.Sprintf("All four public-access blocks of %s are on.", b.name)
	switch let, err := d.knock(ctx, b); {
	case ctx.Err() != nil:
		return actions.Proof{}, err
	case err != nil:
		return actions.Stored(seen, "A request without a signature could not be tried."), nil //nolint:nilerr // that is the finding
	case let:
		return later(actions.Refuted(seen, "But a request without a signature was let in.")), nil
	}
	return actions.Proven(seen, "A request without a signature is refused."), nil
}

// knock asks for the bucket as a stranger would, and reports whether it was let in.
func (d blockPublicAccess) knock(ctx context.Context, b bucketAt) (bool, error) {
	_, err := ask(ctx, d.Account, "knock without a signature", "s3:ListBucket", d.s3(b.region, true).HeadBucket, &s3.HeadBucketInput{Bucket: &b.name})
	var right *actions.MissingRight
	if errors.As(err, &right) {
		return false, nil
	}
	return err == nil, err
}

func (d blockPublicAccess) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	b, now, err := d.at(ctx, r.Target)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[blocksState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("The public-access blocks of %s are as they were found.", b.name))
	if r.Already || same(now, r.Found) {
		return back, nil
	}
	if !same(now, r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("somebody changed the public-access blocks of %s since", b.name)}
	}
	return back, d.set(ctx, b, found)
}
