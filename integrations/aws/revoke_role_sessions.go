package aws

import (
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// roleSessions is how long a session of a role may last at most: after that nothing is
// left to revoke.
const roleSessions = 12 * time.Hour // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html

var _ = offer(func(a *Account) actions.Action {
	return revoking{deed{a, actions.Spec{
		Name:       "aws.revoke-role-sessions",
		Title:      "Revoke the sessions of an IAM role",
		Does:       "Denies everything to sessions of an IAM role that were begun before the deed, by an inline policy with aws:TokenIssueTime.",
		Kind:       actions.KindIdentity,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: []string{"iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy",
			"iam:ListRoles", simulate},
		TTL:     roleSessions,
		Proof:   "The policy is read again, and IAM's simulator decides explicitDeny for a session older than it.",
		Example: "aws.revoke-role-sessions ci-deployer",
	}}, role}
})
