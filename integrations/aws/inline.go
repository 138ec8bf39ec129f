package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// The names of the inline policies that Tocsin writes. Whoever reads IAM sees whose they are.
const (
	denyName   = "TocsinDenyAll"
	revokeName = "TocsinRevokeOlderSessions"
)

// policy is an IAM policy document of the two kinds written here. An explicit deny beats
// every allow, also in policies of resources,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func denyAll() policy {
	return policy{"2012-10-17", []statement{{"TocsinDenyAll", "Deny", "*", "*", nil}}}
}

// revokeBefore denies everything to sessions issued before at, the way IAM's console
// revokes them, https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html.
// Long-term keys have no aws:TokenIssueTime, and a condition on a key that is not there
// does not hold: they are not touched.
func revokeBefore(at time.Time, mark string) policy {
	return policy{"2012-10-17", []statement{{mark, "Deny", "*", "*",
		map[string]map[string]string{"DateLessThan": {"aws:TokenIssueTime": at.UTC().Format(time.RFC3339)}}}}}
}

func (p policy) text() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic("aws: a policy that is not JSON: " + err.Error()) // strings all the way down
	}
	return string(b)
}

// markOf is a statement's name made of a plan's key: letters and digits only.
func markOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "Tocsin" + hex.EncodeToString(sum[:8])
}

// revokedAt reads the time out of a document that revokeBefore made with this mark. A
// document that was touched since is not one.
func revokedAt(document, mark string) (time.Time, bool) {
	var p policy
	if json.Unmarshal([]byte(document), &p) != nil || len(p.Statement) != 1 {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, p.Statement[0].Condition["DateLessThan"]["aws:TokenIssueTime"])
	if err != nil || revokeBefore(at, mark).text() != document {
		return time.Time{}, false
	}
	return at, true
}

// document reads an inline policy, "" where there is none.
func (a *Account) document(ctx context.Context, p principal, name string) (string, error) {
	var text *string
	var err error
	if p.kind == user {
		var out *iam.GetUserPolicyOutput
		if out, err = ask(ctx, a, "read the user's policy", "iam:GetUserPolicy", a.iam.GetUserPolicy, &iam.GetUserPolicyInput{UserName: &p.name, PolicyName: &name}); err == nil {
			text = out.PolicyDocument
		}
	} else {
		var out *iam.GetRolePolicyOutput
		if out, err = ask(ctx, a, "read the role's policy", "iam:GetRolePolicy", a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: &p.name, PolicyName: &name}); err == nil {
			text = out.PolicyDocument
		}
	}
	if coded(err, "NoSuchEntity", "NoSuchEntityException") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// IAM writes documents in RFC 3986's percent-encoding,
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html
	plain, err := url.PathUnescape(sdk.ToString(text))
	if err != nil {
		return "", fmt.Errorf("read the policy %s: it is not encoded as IAM does", name)
	}
	return plain, nil
}

// write puts the inline policy, or takes it away where the document is "".
func (a *Account) write(ctx context.Context, p principal, name, document string) error {
	var err error
	switch {
	case p.kind == user && document == "":
		_, err = ask(ctx, a, "take the policy from the user", "iam:DeleteUserPolicy", a.iam.DeleteUserPolicy, &iam.DeleteUserPolicyInput{UserName: &p.name, PolicyName: &name})
	case p.kind == user:
		_, err = ask(ctx, a, "put the policy on the user", "iam:PutUserPolicy", a.iam.PutUserPolicy, &iam.PutUserPolicyInput{UserName: &p.name, PolicyName: &name, PolicyDocument: &document})
	case document == "":
		_, err = ask(ctx, a, "take the policy from the role", "iam:DeleteRolePolicy", a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: &p.name, PolicyName: &name})
	default:
		_, err = ask(ctx, a, "put the policy on the role", "iam:PutRolePolicy", a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &p.name, PolicyName: &name, PolicyDocument: &document})
	}
	return err
}

// sampled are the calls that IAM's simulator is asked about: an identity that may do
// none of them explicitly is denied everything by a policy on "*".
var sampled = []string{"ec2:DescribeInstances", "iam:CreateUser", "s3:ListAllMyBuckets", "sts:AssumeRole"}

// deniedBySimulator asks what IAM would decide for a session issued at the time given.
func (a *Account) deniedBySimulator(ctx context.Context, arn string, issued time.Time) (bool, error) {
	results, err := a.simulated(ctx, arn, sampled, []iamtypes.ContextEntry{{
		ContextKeyName: sdk.String("aws:TokenIssueTime"), ContextKeyType: iamtypes.ContextKeyTypeEnumDate,
		ContextKeyValues: []string{issued.UTC().Format(time.RFC3339)},
	}})
	if err != nil {
		return false, err
	}
	for _, name := range sampled {
		if results[name] != iamtypes.PolicyEvaluationDecisionTypeExplicitDeny {
			return false, nil
		}
	}
	return true, nil
}

// policyState is what the actions on principals are about: the inline policy of one
// name. Revoked is the mark of a revocation made for the plan, which has no document
// before it is done, because its time is that of the deed.
type policyState struct {
	Document string `json:"document,omitempty"`
	Revoked  string `json:"revoked,omitempty"`
}

// principalOf is the principal of a plan or receipt, whose id is its ARN.
func principalOf(kind string, t actions.Target) principal {
	return principal{kind: kind, name: t.Name, arn: t.ID}
}
