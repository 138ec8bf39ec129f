package okta

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

const (
	superAdmin  = "SUPER_ADMIN" // the type of https://developer.okta.com/docs/concepts/role-assignment/
	maxAdmins   = 50            // administrators looked at to find another one
	maxWatched  = 10            // groups
	namesOnCard = 5
)

// bystanders are what else feels it when a user can no longer act: applications, groups,
// administration. They are asked about at once, because a responder waits. What Tocsin
// may not read is a warning, not a silence.
func (o *okta) bystanders(ctx context.Context, u user) (dependants, warnings []string, err error) {
	asked := []func(context.Context, user) (dependants, warnings []string, err error){o.applications, o.groups, o.administers}
	answers := make([]struct {
		dependants, warnings []string
		err                  error
	}, len(asked))
	var wg sync.WaitGroup
	for i, ask := range asked {
		wg.Go(func() { answers[i].dependants, answers[i].warnings, answers[i].err = ask(ctx, u) })
	}
	wg.Wait()
	for _, a := range answers {
		if a.err != nil {
			return nil, nil, a.err
		}
		dependants, warnings = append(dependants, a.dependants...), append(warnings, a.warnings...)
	}
	return dependants, warnings, nil
}

// applications are those the user signs in to through Okta.
func (o *okta) applications(ctx context.Context, u user) (dependants, warnings []string, err error) {
	apps, more, err := list[struct {
		Label string `json:"label"`
	}](ctx, o, rest.Call{Step: "list the user's applications", Method: http.MethodGet, Path: path(u.ID, "appLinks"), Query: url.Values{}, Right: readUsers})
	if !permitted(err, "the user's applications", &warnings) {
		return nil, nil, err
	}
	var names []string
	for _, a := range apps {
		names = append(names, a.Label)
	}
	if len(names) > 0 {
		dependants = append(dependants, u.Profile.Login+" loses sign-in to "+some(names, more, "application")+".")
	}
	return dependants, warnings, nil
}

// groups are those the user is in, and what the plan's watched groups say of them.
func (o *okta) groups(ctx context.Context, u user) (dependants, warnings []string, err error) {
	groups, more, err := list[group](ctx, o, rest.Call{Step: "list the user's groups", Method: http.MethodGet, Path: path(u.ID, "groups"), Right: readUsers})
	if !permitted(err, "the user's groups", &warnings) {
		return nil, nil, err
	}
	var names []string
	for _, g := range groups {
		if g.Profile.Name != "Everyone" {
			names = append(names, g.Profile.Name)
		}
	}
	if len(names) > 0 {
		dependants = append(dependants, u.Profile.Login+" is in "+some(names, more, "group")+".")
	}
	err = o.watched(ctx, u, groups, &warnings)
	return dependants, warnings, err
}

// group is what is read of one.
type group struct {
	ID      string `json:"id"`
	Profile struct {
		Name string `json:"name"`
	} `json:"profile"`
}

type role struct {
	Type   string `json:"type"`
	Label  string `json:"label"`
	Status string `json:"status"`
}

func (o *okta) roles(ctx context.Context, id string) ([]role, error) {
	got, _, err := list[role](ctx, o, rest.Call{Step: "list the user's administrator roles", Method: http.MethodGet, Path: path(id, "roles"), Query: url.Values{}, Right: readRoles})
	return slices.DeleteFunc(got, func(r role) bool { return r.Status == "INACTIVE" }), err
}

func isSuper(roles []role) bool {
	return slices.ContainsFunc(roles, func(r role) bool { return r.Type == superAdmin })
}

// administers warns of administrator roles, and of the last who has them all.
func (o *okta) administers(ctx context.Context, u user) (_, warnings []string, err error) {
	roles, err := o.roles(ctx, u.ID)
	if !permitted(err, "administrator roles", &warnings) {
		return nil, nil, err
	}
	var labels []string
	for _, r := range roles {
		labels = append(labels, r.Label)
	}
	if len(labels) == 0 {
		return nil, warnings, nil
	}
	warnings = append(warnings, u.Profile.Login+" is an administrator of Okta: "+some(labels, false, "role")+".")
	if !isSuper(roles) {
		return nil, warnings, nil
	}
	last, err := o.lastSuper(ctx, u.ID)
	if !permitted(err, "who else is an administrator", &warnings) {
		return nil, nil, err
	}
	if err == nil && last {
		warnings = append(warnings, u.Profile.Login+" is the last active super administrator: nobody could undo this in Okta.")
	}
	return nil, warnings, nil
}

// lastSuper looks for another active super administrator, among at most maxAdmins.
func (o *okta) lastSuper(ctx context.Context, id string) (bool, error) {
	var got struct {
		Value []struct {
			ID string `json:"id"`
		} `json:"value"`
	}
	_, err := o.rest.Do(ctx, rest.Call{Step: "list administrators", Method: http.MethodGet, Path: "/api/v1/iam/assignees/users",
		Query: url.Values{"limit": {fmt.Sprint(maxAdmins)}}, Out: &got, Right: readRoles})
	if err != nil {
		return false, err
	}
	for _, a := range got.Value[:min(len(got.Value), maxAdmins)] {
		if a.ID == id {
			continue
		}
		roles, err := o.roles(ctx, a.ID)
		if err != nil {
			return false, err
		}
		if !isSuper(roles) {
			continue
		}
		if other, _, err := o.user(ctx, a.ID); err != nil || other.Status == active {
			return false, err
		}
	}
	return len(got.Value) < maxAdmins, nil
}

// watched warns where the user owns a group that matters, or is its only member.
func (o *okta) watched(ctx context.Context, u user, in []group, warnings *[]string) error {
	for _, name := range o.conf.Watch[:min(len(o.conf.Watch), maxWatched)] {
		id, err := o.groupID(ctx, name, in)
		if !permitted(err, "the group "+name, warnings) {
			return err
		}
		if id == "" {
			continue
		}
		owners, _, err := list[struct {
			ID string `json:"id"`
		}](ctx, o, rest.Call{Step: "list the owners of a group", Method: http.MethodGet, Path: "/api/v1/groups/" + url.PathEscape(id) + "/owners", Right: readGroups})
		if rest.IsStatus(err, http.StatusNotFound) { // an organisation without group owners
			err = nil
		}
		if !permitted(err, "the owners of "+name, warnings) {
			return err
		}
		for _, w := range owners {
			if w.ID == u.ID {
				*warnings = append(*warnings, fmt.Sprintf("%s owns the group %s, with %d other owners.", u.Profile.Login, name, len(owners)-1))
			}
		}
		if !slices.ContainsFunc(in, func(g group) bool { return g.ID == id }) {
			continue
		}
		members, more, err := list[user](ctx, o, rest.Call{Step: "list the members of a group", Method: http.MethodGet, Path: "/api/v1/groups/" + url.PathEscape(id) + "/users", Right: readGroups})
		if !permitted(err, "the members of "+name, warnings) {
			return err
		}
		others := slices.ContainsFunc(members, func(m user) bool { return m.ID != u.ID && m.Status == active })
		if err == nil && !more && !others {
			*warnings = append(*warnings, u.Profile.Login+" is the only active member of the group "+name+".")
		}
	}
	return nil
}

// groupID finds a group by its exact name, among the user's own first; "" when there is none.
func (o *okta) groupID(ctx context.Context, name string, in []group) (string, error) {
	for _, g := range in {
		if g.Profile.Name == name {
			return g.ID, nil
		}
	}
	got, _, err := list[group](ctx, o, rest.Call{Step: "look for a group", Method: http.MethodGet, Path: "/api/v1/groups", Query: url.Values{"q": {name}}, Right: readGroups})
	for _, g := range got {
		if g.Profile.Name == name {
			return g.ID, nil
		}
	}
	return "", err
}

// permitted reports whether to go on: true without an error, and true with a warning where
// only the right to look is missing.
func permitted(err error, what string, warnings *[]string) bool {
	var missing *actions.MissingRight
	if errors.As(err, &missing) {
		*warnings = append(*warnings, "Tocsin may not read "+what+" ("+missing.Right+"): who else feels this is not known.")
		return true
	}
	return err == nil
}

// some names a few and counts the rest: "3 groups: a, b, c".
func some(names []string, more bool, one string) string {
	slices.Sort(names)
	count := fmt.Sprint(len(names))
	if more {
		count = "more than " + count
	}
	if len(names) != 1 || more {
		one += "s"
	}
	shown, rest := names, ""
	if len(names) > namesOnCard {
		shown, rest = names[:namesOnCard], ", …"
	}
	return count + " " + one + ": " + strings.Join(shown, ", ") + rest
}
