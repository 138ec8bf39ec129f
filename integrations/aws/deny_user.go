package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

var _ = offer(func(a *Account) actions.Action {
	return denying{deed{a, actions.Spec{
		Name:       "aws.deny-user",
		Title:      "Deny an IAM user everything",
		Does:       "Puts an inline policy on an IAM user that denies every action, for its keys, its console sign-in and its open sessions.",
		Kind:       actions.KindIdentity,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: []string{"iam:GetUser", "iam:GetUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy",
			"iam:ListUsers", simulate},
		TTL:     24 * time.Hour,
		Proof:   "The policy is read again, and IAM's simulator decides explicitDeny for the user.",
		Example: "aws.deny-user mallory",
	}}, user}
})
