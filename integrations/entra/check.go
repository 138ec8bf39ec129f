package entra

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// granted are the ids of the application permissions that give a right, the wider ones
// included (https://learn.microsoft.com/graph/permissions-reference).
var granted = []struct {
	right string
	ids   []string
}{
	{readUsers, []string{"df021288-bdef-4463-88db-98f22de89214", "741f803b-c850-494e-b5df-cde7c675a1ca", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"}},
	{disable, []string{"3011c876-62b7-4ada-afa2-506cbbecc68c"}},
	{revoke, []string{"77f3a031-c388-4f99-b373-dc68676a979e"}},
	{readDirectory, []string{"7ab1d382-f21e-4acd-a863-ba3e13f7da61", "19dbc75e-c2e2-444c-a770-ec69d8559fc7"}},
}

// Check reads which application permissions the app registration was granted and returns
// those that are missing, one line each.
func (e *entra) Check(ctx context.Context) ([]string, error) {
	var got struct {
		Value []struct {
			Role string `json:"appRoleId"`
		} `json:"value"`
	}
	_, err := e.rest.Do(ctx, rest.Call{Step: "read the application's permissions", Method: http.MethodGet,
		Path: "/servicePrincipals(appId='" + url.PathEscape(e.conf.Client) + "')/appRoleAssignments", Query: url.Values{"$top": {"200"}}, Out: &got, Right: readDirectory})
	var right *actions.MissingRight
	if errors.As(err, &right) {
		return []string{right.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, g := range granted {
		has := func(a struct {
			Role string `json:"appRoleId"`
		}) bool {
			return slices.Contains(g.ids, a.Role)
		}
		if !slices.ContainsFunc(got.Value, has) {
			missing = append(missing, g.right+": the application was not granted it")
		}
	}
	return missing, nil
}
