package google

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Check reads the administrator that Tocsin acts for, which proves the delegation and its
// scopes, and asks IAM what Tocsin may do with its own service account; of other projects'
// accounts nothing can be said before one is named.
func (g *google) Check(ctx context.Context) ([]string, error) {
	var missing []string
	lacks := func(err error) error {
		var right *actions.MissingRight
		if errors.As(err, &right) {
			missing = append(missing, right.Error())
			return nil
		}
		return err
	}
	if g.conf.Subject == "" {
		missing = append(missing, scopeUsers+": no administrator to act for is configured; only keys of service accounts can be disabled")
	} else {
		_, err := g.user(ctx, g.conf.Subject)
		if err := lacks(err); err != nil {
			return missing, err
		}
		_, err = g.directory.Do(ctx, rest.Call{Step: "list the administrator's grants", Method: http.MethodGet, Path: path(g.conf.Subject, "tokens"), Right: scopeSecurity})
		if err := lacks(err); err != nil {
			return missing, err
		}
	}
	// A question, not a change: testIamPermissions answers which of those asked for are there.
	// For keys IAM answers on the account that has them.
	want := []string{readKeys, readKey, disableKeys, enableKeys}
	var got struct {
		Permissions []string `json:"permissions"`
	}
	_, err := g.iam.Do(ctx, rest.Call{Step: "ask IAM for Tocsin's rights", Method: http.MethodPost, Out: &got, Right: readKeys,
		Path: "/v1/projects/-/serviceAccounts/" + g.own.Email + ":testIamPermissions", In: map[string]any{"permissions": want}})
	if err := lacks(err); err != nil {
		return missing, err
	}
	for _, w := range want {
		if !slices.Contains(got.Permissions, w) {
			missing = append(missing, w+": Tocsin's service account does not have it in its own project")
		}
	}
	return missing, nil
}
