package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return deleteAccessKey{deed{a, actions.Spec{ //nolint:gosec // the key is the example of AWS's own documents
		Name:     "aws.delete-access-key",
		Title:    "Delete an AWS access key",
		Does:     "Deletes a long-term access key of an IAM user for ever; AWS cannot bring it back.",
		Kind:     actions.KindCredential,
		Destroys: "what IAM knows of the key: whose it was, since when, and when it was last used for what",
		Blast:    actions.BlastTeam,
		Rights: []string{"iam:GetAccessKeyLastUsed", "iam:GetUser", "iam:ListAccessKeys", "iam:DeleteAccessKey",
			"iam:ListUsers", "sts:GetAccessKeyInfo"},
		Proof:   "IAM no longer lists the key; that every region has heard of it cannot be seen.",
		Example: "aws.delete-access-key AKIAIOSFODNN7EXAMPLE",
	}}}
})

type deleteAccessKey struct{ deed }

func (d deleteAccessKey) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	k, err := d.key(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := d.begin(in, actions.Target{ID: k.id, Name: k.id + " of " + k.holder.name})
	p.Found = actions.StateOf(keyState{k.holder.name, k.status})
	p.Want = actions.StateOf(keyState{k.holder.name, ""})
	p.Steps = []string{fmt.Sprintf("Delete the access key %s of the user %s, which is %s.", k.id, k.holder.name, k.status)}
	p.Dependants = []string{"Whatever signs with this key stops working."}
	p.Lost = []string{"The key itself: whatever used it needs a new one."}
	if k.status == string(iamtypes.StatusTypeActive) {
		p.Warnings = []string{"It is still Active. aws.disable-access-key does the same and can be undone."}
	}
	p.Warnings = append(p.Warnings, append(k.warnings(), d.findings(ctx, d.conf.Region, about{key: k.id})...)...)
	p.Owner = owner(k.holder.tags)
	return p, nil
}

// Preserve keeps what IAM knows of the key. The secret is not among it: IAM tells it once.
func (d deleteAccessKey) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	k, err := d.key(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	text, err := json.MarshalIndent(map[string]string{
		"access_key_id": k.id, "user": k.holder.name, "user_arn": k.holder.arn, "status": k.status,
		"created": k.created.UTC().Format(time.RFC3339), "use": k.used,
	}, "", "  ")
	if err != nil {
		return actions.Evidence{}, err
	}
	return actions.Evidence{Items: []actions.Item{content("access-key-"+k.id+".json", "IAM user "+k.holder.name, "application/json", text)}}, nil
}

// content is an item of evidence that is held in memory.
func content(name, from, kind string, b []byte) actions.Item {
	return actions.Item{Name: name, From: from, Type: kind, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func (d deleteAccessKey) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	k, err := stateIn[keyState](p.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	status, _, err := d.keyStatus(ctx, k.User, p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	r.Done = []string{fmt.Sprintf("The access key %s of %s is deleted.", p.Target.ID, k.User)}
	if status == "" {
		return r, nil
	}
	if status != k.Status {
		return actions.Receipt{}, stale(p)
	}
	_, err = ask(ctx, d.Account, "delete the access key", "iam:DeleteAccessKey", d.iam.DeleteAccessKey,
		&iam.DeleteAccessKeyInput{UserName: &k.User, AccessKeyId: &p.Target.ID})
	if coded(err, "NoSuchEntity", "NoSuchEntityException") {
		return r, nil // gone between the look and the deed, which is what was wanted
	}
	return r, err
}

func (d deleteAccessKey) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	k, err := stateIn[keyState](r.Found)
	if err != nil {
		return actions.Proof{}, err
	}
	status, _, err := d.keyStatus(ctx, k.User, r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	seen := fmt.Sprintf("IAM lists the access key %s of %s as %s.", r.Target.ID, k.User, orGone(status))
	if status != "" {
		return later(actions.Refuted(seen)), nil
	}
	return actions.Proven(seen, "It may take IAM some seconds until every region obeys."), nil
}
