package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return disableAccessKey{deed{a, actions.Spec{ //nolint:gosec // the key is the example of AWS's own documents
		Name:       "aws.disable-access-key",
		Title:      "Disable an AWS access key",
		Does:       "Sets a long-term access key of an IAM user to Inactive, so that requests signed with it are refused.",
		Kind:       actions.KindCredential,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: []string{"iam:GetAccessKeyLastUsed", "iam:GetUser", "iam:ListAccessKeys", "iam:UpdateAccessKey",
			"iam:ListUsers", "sts:GetAccessKeyInfo"},
		TTL:     7 * 24 * time.Hour,
		Proof:   "IAM lists the key as Inactive; that every region has heard of it cannot be seen.",
		Example: "aws.disable-access-key AKIAIOSFODNN7EXAMPLE",
	}}}
})

type disableAccessKey struct{ deed }

func (d disableAccessKey) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	k, err := d.key(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: k.id, Name: k.id + " of " + k.holder.name})
	p.Found = actions.StateOf(keyState{k.holder.name, k.status})
	p.Want = actions.StateOf(keyState{k.holder.name, string(iamtypes.StatusTypeInactive)})
	p.Steps = []string{fmt.Sprintf("Set the access key %s of the user %s from %s to Inactive.", k.id, k.holder.name, k.status)}
	p.Dependants = []string{"Whatever signs with this key stops working."}
	p.Warnings = append(k.warnings(), d.findings(ctx, d.conf.Region, about{key: k.id})...)
	p.Owner = owner(k.holder.tags)
	p.Already = same(p.Found, p.Want)
	return p, nil
}

func (d disableAccessKey) now(ctx context.Context, id string, found actions.State) (keyState, actions.State, error) {
	k, err := stateIn[keyState](found)
	if err != nil {
		return k, nil, err
	}
	k.Status, _, err = d.keyStatus(ctx, k.User, id)
	return k, actions.StateOf(k), err
}

func (d disableAccessKey) set(ctx context.Context, holder, id string, to iamtypes.StatusType) error {
	_, err := ask(ctx, d.Account, "set the access key to "+string(to), "iam:UpdateAccessKey", d.iam.UpdateAccessKey,
		&iam.UpdateAccessKeyInput{UserName: &holder, AccessKeyId: &id, Status: to})
	return err
}

func (d disableAccessKey) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	k, now, err := d.now(ctx, p.Target.ID, p.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	if p.Already && same(now, p.Want) {
		return r, nil
	}
	r.Done = []string{fmt.Sprintf("The access key %s of %s is Inactive.", p.Target.ID, k.User)}
	if same(now, p.Want) {
		return r, nil
	}
	if !same(now, p.Found) {
		return actions.Receipt{}, stale(p)
	}
	return r, d.set(ctx, k.User, p.Target.ID, iamtypes.StatusTypeInactive)
}

func (d disableAccessKey) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	k, now, err := d.now(ctx, r.Target.ID, r.Found)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := fmt.Sprintf("IAM lists the access key %s of %s as %s.", r.Target.ID, k.User, orGone(k.Status))
	if !same(now, due(r)) {
		return later(actions.Refuted(seen)), nil
	}
	return actions.Proven(seen, "It may take IAM some seconds until every region obeys."), nil
}

func (d disableAccessKey) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	k, now, err := d.now(ctx, r.Target.ID, r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, err := stateIn[keyState](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := undone(r, fmt.Sprintf("The access key %s of %s is %s again.", r.Target.ID, k.User, found.Status))
	if k.Status == "" {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("%s was deleted since; AWS cannot bring a key back", r.Target.ID)}
	}
	if r.Already || same(now, r.Found) {
		return back, nil
	}
	if !same(now, r.Left) && !r.Force {
		return actions.Receipt{}, &actions.Changed{What: fmt.Sprintf("%s is %s now, which is not how it was left", r.Target.ID, k.Status)}
	}
	return back, d.set(ctx, k.User, r.Target.ID, iamtypes.StatusType(found.Status))
}

func orGone(status string) string {
	if status == "" {
		return "gone"
	}
	return status
}
