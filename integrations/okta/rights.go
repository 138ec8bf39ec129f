package okta

import (
	"errors"
	"slices"
)

// The scopes of an API service app; an API token's user needs an administrator role that
// allows the same (https://developer.okta.com/docs/api/oauth2/).
const (
	readUsers    = "okta.users.read"
	manageUsers  = "okta.users.manage"
	readGroups   = "okta.groups.read"
	readRoles    = "okta.roles.read"
	readLogs     = "okta.logs.read"
	readTokens   = "okta.apiTokens.read"   //nolint:gosec // the name of a scope
	manageTokens = "okta.apiTokens.manage" //nolint:gosec // the name of a scope
)

var errKey = errors.New("sign in: the private key of Okta's API service app cannot sign")

// scopes are all that the actions ask for.
func scopes() []string {
	out := []string{readUsers, manageUsers, readGroups, readRoles, readLogs, readTokens, manageTokens}
	slices.Sort(out)
	return out
}
