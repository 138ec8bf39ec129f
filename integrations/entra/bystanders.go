package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// globalAdmin is the template of the role "Global Administrator"
// (https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference).
const globalAdmin = "62e90394-69f5-4237-9190-012177145e10"

type thing struct {
	Name     string `json:"displayName"`
	Template string `json:"roleTemplateId"`
}

// bystanders are the roles an account has and what it owns. What Tocsin may not read is a
// warning, not a silence.
func (e *entra) bystanders(ctx context.Context, u user) (dependants, warnings []string, err error) {
	var owned []thing
	var ownedErr error
	var wg sync.WaitGroup
	wg.Go(func() { owned, ownedErr = e.things(ctx, "list what the account owns", path(u.ID, "ownedObjects")) })
	defer wg.Wait()
	roles, err := e.things(ctx, "list the account's roles", path(u.ID, "transitiveMemberOf", "microsoft.graph.directoryRole"))
	if !permitted(err, "the account's roles", &warnings) {
		return nil, nil, err
	}
	if len(roles) > 0 {
		warnings = append(warnings, u.Name+" is an administrator: "+some(roles)+".")
	}
	if slices.ContainsFunc(roles, func(r thing) bool { return r.Template == globalAdmin }) {
		last, err := e.lastAdmin(ctx, u.ID)
		if !permitted(err, "who else is a Global Administrator", &warnings) {
			return nil, nil, err
		}
		if err == nil && last {
			warnings = append(warnings, u.Name+" is the last enabled Global Administrator: nobody could undo this in Entra.")
		}
	}
	wg.Wait()
	if !permitted(ownedErr, "what the account owns", &warnings) {
		return nil, nil, ownedErr
	}
	if len(owned) > 0 {
		dependants = append(dependants, u.Name+" owns "+some(owned)+".")
	}
	if u.Synced {
		warnings = append(warnings, u.Name+" comes from an on-premises directory: disable it there too, or a synchronisation may enable it again.")
	}
	return dependants, warnings, nil
}

func (e *entra) things(ctx context.Context, step, at string) ([]thing, error) {
	var got struct {
		Value []thing `json:"value"`
	}
	// A cast in the path is an advanced query (https://learn.microsoft.com/graph/aad-advanced-queries).
	_, err := e.rest.Do(ctx, rest.Call{Step: step, Method: http.MethodGet, Path: at, Out: &got, Right: readDirectory,
		Query: url.Values{"$count": {"true"}, "$top": {"100"}}, Header: http.Header{"ConsistencyLevel": {"eventual"}}})
	return got.Value, err
}

// lastAdmin reports whether no other enabled account is a Global Administrator.
func (e *entra) lastAdmin(ctx context.Context, id string) (bool, error) {
	var got struct {
		Value []struct {
			ID      string `json:"id"`
			Enabled *bool  `json:"accountEnabled"`
		} `json:"value"`
	}
	_, err := e.rest.Do(ctx, rest.Call{Step: "list the Global Administrators", Method: http.MethodGet, Path: "/directoryRoles/roleTemplateId=" + globalAdmin + "/members",
		Query: url.Values{"$select": {"id,accountEnabled"}}, Out: &got, Right: readDirectory})
	for _, m := range got.Value {
		if m.ID != id && m.Enabled != nil && *m.Enabled {
			return false, err
		}
	}
	return true, err
}

func permitted(err error, what string, warnings *[]string) bool {
	var missing *actions.MissingRight
	if errors.As(err, &missing) {
		*warnings = append(*warnings, "Tocsin may not read "+what+" ("+missing.Right+"): who else feels this is not known.")
		return true
	}
	return err == nil
}

// some names five and counts the rest.
func some(list []thing) string {
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
