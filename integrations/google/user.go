package google

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// user is what the actions read of one
// (https://developers.google.com/workspace/admin/directory/reference/rest/v1/users).
type user struct {
	ID        string   `json:"id"`
	Email     string   `json:"primaryEmail"`
	Aliases   []string `json:"aliases"`
	Suspended bool     `json:"suspended"`
	Archived  bool     `json:"archived"`
	Admin     bool     `json:"isAdmin"` // super administrator
	Delegated bool     `json:"isDelegatedAdmin"`
	Reason    string   `json:"suspensionReason"`
}

// standing is the state of a user.
type standing struct {
	Suspended bool `json:"suspended"`
	Archived  bool `json:"archived"`
}

func (u user) state() actions.State { return actions.StateOf(standing{u.Suspended, u.Archived}) }

const users = "/admin/directory/v1/users"

func path(id string, below ...string) string {
	return users + "/" + url.PathEscape(id) + strings.Join(append([]string{""}, below...), "/")
}

func (g *google) user(ctx context.Context, id string) (user, error) {
	var u user
	_, err := g.directory.Do(ctx, rest.Call{Step: "read the user", Method: http.MethodGet, Path: path(id), Out: &u, Right: scopeUsers})
	return u, err
}

// find resolves an e-mail address, an alias or an id. It refuses break-glass accounts and
// the administrator Tocsin acts for. An address of a domain that is not this Workspace's is
// forbidden by Google rather than unknown.
func (g *google) find(ctx context.Context, typed string) (user, error) {
	if g.conf.Subject == "" {
		return user{}, &actions.MissingRight{Right: scopeUsers, To: "act in Workspace: no administrator to act for is configured"}
	}
	no := &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed)}
	if typed == "" || strings.Trim(typed, ".") == "" || len([]rune(typed)) > 200 {
		no.Hint = "Name an e-mail address."
		return user{}, no
	}
	u, err := g.user(ctx, typed)
	if rest.IsStatus(err, http.StatusNotFound) {
		near, err := g.near(ctx, typed)
		if len(near) > 0 {
			no.Hint = "Did you mean " + strings.Join(near, " or ") + "?"
		}
		if err != nil {
			return user{}, err
		}
		return user{}, no
	}
	is := func(name string) bool {
		return name == u.ID || strings.EqualFold(name, u.Email) || slices.ContainsFunc(u.Aliases, func(a string) bool { return strings.EqualFold(a, name) })
	}
	switch {
	case err != nil:
		return user{}, err
	case u.ID == "" || u.Email == "":
		return user{}, incident.GiveUp(fmt.Errorf("read the user: Google's answer names none"))
	case is(g.conf.Subject):
		return user{}, incident.GiveUp(fmt.Errorf("%s is the administrator Tocsin itself acts for: act on them in Google's own console", u.Email))
	case slices.ContainsFunc(g.conf.BreakGlass, is):
		return user{}, incident.GiveUp(fmt.Errorf("%s is a break-glass account: Tocsin never touches it", u.Email))
	}
	return u, nil
}

// near are up to three addresses that begin alike.
func (g *google) near(ctx context.Context, typed string) ([]string, error) {
	start := strings.Map(func(r rune) rune { // what a search query could read as its own is left out
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, typed[:min(len(typed), 3)])
	if start == "" {
		return nil, nil
	}
	got, err := g.search(ctx, "email:"+start+"*", "3")
	var out []string
	for _, u := range got {
		out = append(out, u.Email)
	}
	return out, err
}

func (g *google) search(ctx context.Context, query, most string) ([]user, error) {
	var got struct {
		Users []user `json:"users"`
	}
	_, err := g.directory.Do(ctx, rest.Call{Step: "search the users", Method: http.MethodGet, Path: users, Out: &got, Right: scopeUsers,
		Query: url.Values{"customer": {"my_customer"}, "query": {query}, "maxResults": {most}, "orderBy": {"email"}}})
	return got.Users, err
}

// warn says which administrator a user is, and whether the last.
func (g *google) warn(ctx context.Context, u user) ([]string, error) {
	switch {
	case u.Delegated && !u.Admin:
		return []string{u.Email + " is a delegated administrator."}, nil
	case !u.Admin:
		return nil, nil
	}
	out := []string{u.Email + " is a super administrator."}
	admins, err := g.search(ctx, "isAdmin=true", "100")
	other := func(a user) bool { return a.ID != u.ID && !a.Suspended }
	if err == nil && !slices.ContainsFunc(admins, other) {
		out = append(out, u.Email+" is the last super administrator who is not suspended: nobody could undo this in Google.")
	}
	return out, err
}

// plan begins the plan for a user.
func plan(s actions.Spec, in actions.Input, u user) actions.Plan {
	return actions.Plan{Action: s.Name, Target: actions.Target{Kind: actions.KindIdentity, ID: u.ID, Name: u.Email},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
}

// recall reads a state of our own making.
func recall[T any](s actions.State) (v T, err error) {
	if json.Unmarshal(s, &v) != nil {
		return v, fmt.Errorf("read the plan: %w", actions.ErrStale)
	}
	return v, nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
