package aws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/tocsin-ir/tocsin/actions"
)

// Long-term keys begin with AKIA, temporary ones with ASIA,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var (
	keyShape       = regexp.MustCompile(`^AKIA[A-Z2-7]{12,124}$`)
	temporaryShape = regexp.MustCompile(`^ASIA[A-Z2-7]{12,124}$`)
)

// keyState is what the actions on keys are about. Status is as IAM writes it, "" for a
// key that is gone.
type keyState struct {
	User   string `json:"user"`
	Status string `json:"status"`
}

// accessKey is a key that was found.
type accessKey struct {
	id      string
	holder  principal
	status  string
	created time.Time
	used    string // "last used 2026-11-24 for s3 in eu-west-1", or that it never was
}

// key finds the key that a person typed.
func (a *Account) key(ctx context.Context, typed string) (accessKey, error) {
	if temporaryShape.MatchString(typed) {
		return accessKey{}, refuse("%s is a temporary key, which AWS cannot disable; use aws.revoke-role-sessions or aws.revoke-user-sessions", typed)
	}
	if !keyShape.MatchString(typed) {
		return accessKey{}, &actions.NoTarget{Kind: actions.KindCredential, Name: typed, Hint: "An access key id begins with AKIA; never type the secret."}
	}
	out, err := ask(ctx, a, "ask whose key it is", "iam:GetAccessKeyLastUsed", a.iam.GetAccessKeyLastUsed, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &typed})
	if err != nil {
		return accessKey{}, a.whose(ctx, typed, err)
	}
	k := accessKey{id: typed, used: "It was never used."}
	if u := out.AccessKeyLastUsed; u != nil && u.LastUsedDate != nil {
		k.used = fmt.Sprintf("It was last used on %s for %s in %s.", u.LastUsedDate.UTC().Format(time.DateOnly), sdk.ToString(u.ServiceName), sdk.ToString(u.Region))
	}
	name := sdk.ToString(out.UserName)
	if !nameShape.MatchString(name) {
		return accessKey{}, refuse("%s is a key of the account's root user; only the root user can disable it", typed)
	}
	if k.holder, err = a.principal(ctx, user, name); err != nil {
		return accessKey{}, err
	}
	if k.status, k.created, err = a.keyStatus(ctx, name, typed); err != nil {
		return accessKey{}, err
	}
	if k.status == "" {
		return accessKey{}, &actions.NoTarget{Kind: actions.KindCredential, Name: typed, Hint: "The user " + name + " no longer has it."}
	}
	return k, nil
}

// whose explains why IAM does not tell: for a key of another account it answers as for a
// missing right.
func (a *Account) whose(ctx context.Context, id string, err error) error {
	if coded(err, "NoSuchEntity", "NoSuchEntityException") {
		return &actions.NoTarget{Kind: actions.KindCredential, Name: id, Hint: "It may have been deleted, or belong to another account."}
	}
	var right *actions.MissingRight
	if !errors.As(err, &right) {
		return err
	}
	me, _ := a.self(ctx)
	info, other := ask(ctx, a, "ask which account the key belongs to", "sts:GetAccessKeyInfo", a.sts.GetAccessKeyInfo, &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
	if other != nil || sdk.ToString(info.Account) == me.account {
		return err
	}
	return refuse("%s belongs to the account %s; Tocsin acts in %s here", id, sdk.ToString(info.Account), me.account)
}

// keyStatus reads the status of a user's key, "" when the user or the key is gone.
func (a *Account) keyStatus(ctx context.Context, holder, id string) (string, time.Time, error) {
	in := &iam.ListAccessKeysInput{UserName: &holder}
	for {
		out, err := ask(ctx, a, "list the user's access keys", "iam:ListAccessKeys", a.iam.ListAccessKeys, in)
		if coded(err, "NoSuchEntity", "NoSuchEntityException") {
			return "", time.Time{}, nil
		}
		if err != nil {
			return "", time.Time{}, err
		}
		for _, k := range out.AccessKeyMetadata {
			if sdk.ToString(k.AccessKeyId) == id {
				return string(k.Status), sdk.ToTime(k.CreateDate), nil
			}
		}
		if !out.IsTruncated || out.Marker == nil {
			return "", time.Time{}, nil
		}
		in.Marker = out.Marker
	}
}

// warnings are what holds for every deed on a key.
func (k accessKey) warnings() []string {
	return []string{
		k.used,
		"Sessions that were begun with this key go on until they expire; aws.revoke-user-sessions ends them.",
	}
}
