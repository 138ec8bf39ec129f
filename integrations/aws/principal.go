package aws

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// The kinds of principals, in AWS's words.
const (
	user = "user"
	role = "role"
)

// principal is an IAM user or role that was found.
type principal struct {
	kind string // user or role
	name string
	path string
	arn  string
	tags []iamtypes.Tag
}

// nameShape is what IAM takes for names of users and roles.
var nameShape = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// nameOf reads what a person typed: a name, "user/mallory", an ARN, or for roles the ARN
// of a session as CloudTrail writes it. It refuses ARNs of another account.
func nameOf(kind, typed string, me own) (string, error) {
	name := strings.TrimSpace(typed)
	if strings.HasPrefix(name, "arn:") {
		part := strings.SplitN(name, ":", 6)
		if len(part) != 6 {
			return "", &actions.NoTarget{Kind: actions.KindIdentity, Name: typed, Hint: "That is not a whole ARN."}
		}
		if part[4] != me.account {
			return "", refuse("%s is in the account %s; Tocsin acts in %s here", typed, part[4], me.account)
		}
		name = part[5]
		if rest, ok := strings.CutPrefix(name, "assumed-role/"); ok && part[2] == "sts" {
			role, _, _ := strings.Cut(rest, "/")
			name = "role/" + role
		}
		if !strings.HasPrefix(name, kind+"/") {
			return "", &actions.NoTarget{Kind: actions.KindIdentity, Name: typed, Hint: "It is not the ARN of a " + kind + "."}
		}
		name = name[strings.LastIndex(name, "/")+1:]
	}
	name = strings.TrimPrefix(name, kind+"/")
	if !nameShape.MatchString(name) {
		return "", &actions.NoTarget{Kind: actions.KindIdentity, Name: typed, Hint: "IAM has no names of that form."}
	}
	return name, nil
}

// principal finds the user or role that a person typed and that may be touched.
func (a *Account) principal(ctx context.Context, kind, typed string) (principal, error) {
	me, err := a.self(ctx)
	if err != nil {
		return principal{}, err
	}
	name, err := nameOf(kind, typed, me)
	if err != nil {
		return principal{}, err
	}
	p, err := a.look(ctx, kind, name)
	if coded(err, "NoSuchEntity", "NoSuchEntityException") {
		return principal{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: typed, Hint: a.nearby(ctx, kind, name)}
	}
	if err != nil {
		return principal{}, err
	}
	return p, a.spare(ctx, p)
}

func (a *Account) look(ctx context.Context, kind, name string) (principal, error) {
	if kind == user {
		out, err := ask(ctx, a, "look at the user", "iam:GetUser", a.iam.GetUser, &iam.GetUserInput{UserName: &name})
		if err != nil {
			return principal{}, err
		}
		u := out.User
		return principal{user, sdk.ToString(u.UserName), sdk.ToString(u.Path), sdk.ToString(u.Arn), u.Tags}, nil
	}
	out, err := ask(ctx, a, "look at the role", "iam:GetRole", a.iam.GetRole, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return principal{}, err
	}
	r := out.Role
	return principal{role, sdk.ToString(r.RoleName), sdk.ToString(r.Path), sdk.ToString(r.Arn), r.Tags}, nil
}

// nearby names a few that are called alike. It is a courtesy: what goes wrong is not said.
func (a *Account) nearby(ctx context.Context, kind, name string) string {
	var names []string
	most := sdk.Int32(1000) // IAM's longest page
	if kind == user {
		if out, err := ask(ctx, a, "list users", "iam:ListUsers", a.iam.ListUsers, &iam.ListUsersInput{MaxItems: most}); err == nil {
			for _, u := range out.Users {
				names = append(names, sdk.ToString(u.UserName))
			}
		}
	} else if out, err := ask(ctx, a, "list roles", "iam:ListRoles", a.iam.ListRoles, &iam.ListRolesInput{MaxItems: most}); err == nil {
		for _, r := range out.Roles {
			names = append(names, sdk.ToString(r.RoleName))
		}
	}
	return alike(name, names)
}

// alike is "Did you mean …?" with at most three of the names, "" with none.
func alike(typed string, names []string) string {
	typed = strings.ToLower(typed)
	var near []string
	for _, n := range names {
		if low := strings.ToLower(n); len(near) < 3 && (strings.Contains(low, typed) || strings.Contains(typed, low) || apart(low, typed) <= 2) {
			near = append(near, n)
		}
	}
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf("Did you mean %s?", strings.Join(near, " or "))
}

// apart is how many bytes have to be typed anew to make b of a.
func apart(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// owner is who the tags say is responsible.
func owner(tags []iamtypes.Tag) string {
	for _, key := range []string{"owner", "team"} {
		if v, ok := tagged(tags, key); ok {
			return v
		}
	}
	return ""
}
