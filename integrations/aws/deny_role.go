package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return denying{deed{a, actions.Spec{
		Name:       "aws.deny-role",
		Title:      "Deny an IAM role everything",
		Does:       "Puts an inline policy on an IAM role that denies every action to everybody who acts as it, now and later.",
		Kind:       actions.KindIdentity,
		Reversible: true,
		Blast:      actions.BlastAll,
		Rights: []string{"iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy",
			"iam:ListRoles", simulate},
		TTL:     24 * time.Hour,
		Proof:   "The policy is read again, and IAM's simulator decides explicitDeny for the role.",
		Example: "aws.deny-role ci-deployer",
	}}, role}
})
