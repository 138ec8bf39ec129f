package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// userSessions is how long a session of a user may last at most: after that nothing is
// left to revoke.
const userSessions = 36 * time.Hour // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html

var _ = offer(func(a *Account) actions.Action {
	return revoking{deed{a, actions.Spec{
		Name:       "aws.revoke-user-sessions",
		Title:      "Revoke the sessions of an IAM user",
		Does:       "Denies everything to temporary sessions of an IAM user that were begun before the deed, by an inline policy with aws:TokenIssueTime.",
		Kind:       actions.KindIdentity,
		Reversible: true,
		Blast:      actions.BlastTarget,
		Rights: []string{"iam:GetUser", "iam:GetUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy",
			"iam:ListUsers", simulate},
		TTL:     userSessions,
		Proof:   "The policy is read again, and IAM's simulator decides explicitDeny for a session older than it.",
		Example: "aws.revoke-user-sessions mallory",
	}}, user}
})
