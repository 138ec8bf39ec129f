package okta

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Check reads a little of everything the actions read and returns the rights that are
// missing, one line each. Of an API token it also says where its user's roles allow no
// change; the scopes of an API service app are all asked for at sign-in, which fails
// where one was not granted.
func (o *okta) Check(ctx context.Context) ([]string, error) {
	var missing []string
	self, err := o.me(ctx)
	if err != nil {
		return o.lacks(missing, err)
	}
	for _, try := range []struct{ path, right string }{
		{"/api/v1/users", readUsers}, {"/api/v1/groups", readGroups}, {"/api/v1/iam/assignees/users", readRoles},
		{"/api/v1/logs", readLogs}, {"/api/v1/api-tokens", readTokens},
	} {
		_, err := o.rest.Do(ctx, rest.Call{Step: "look at " + try.path, Method: http.MethodGet, Path: try.path, Query: url.Values{"limit": {"1"}}, Right: try.right})
		if missing, err = o.lacks(missing, err); err != nil {
			return missing, err
		}
	}
	if self == "" {
		return missing, nil
	}
	roles, err := o.roles(ctx, self)
	if err != nil {
		return o.lacks(missing, err)
	}
	changes := func(r role) bool {
		return slices.Contains([]string{superAdmin, "ORG_ADMIN", "USER_ADMIN", "CUSTOM"}, r.Type)
	}
	if !slices.ContainsFunc(roles, changes) {
		missing = append(missing, manageUsers+": Tocsin's account has no administrator role that may change users")
	}
	if !isSuper(roles) {
		missing = append(missing, manageTokens+": only a super administrator's API token may revoke the tokens of others")
	}
	return missing, nil
}

func (o *okta) lacks(so []string, err error) ([]string, error) {
	var right *actions.MissingRight
	if errors.As(err, &right) {
		return append(so, right.Error()), nil
	}
	return so, err
}
