package entra

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// user is what the actions read of one
// (https://learn.microsoft.com/graph/api/resources/user).
type user struct {
	ID        string     `json:"id"`
	Name      string     `json:"userPrincipalName"`
	Mail      string     `json:"mail"`
	Type      string     `json:"userType"` // Member, Guest
	Enabled   bool       `json:"accountEnabled"`
	Synced    bool       `json:"onPremisesSyncEnabled"`
	ValidFrom *time.Time `json:"signInSessionsValidFromDateTime"`
}

const fields = "id,userPrincipalName,mail,userType,accountEnabled,onPremisesSyncEnabled,signInSessionsValidFromDateTime"

func path(id string, below ...string) string {
	return "/users/" + url.PathEscape(id) + strings.Join(append([]string{""}, below...), "/")
}

func (e *entra) user(ctx context.Context, id string) (user, error) {
	var u user
	_, err := e.rest.Do(ctx, rest.Call{Step: "read the account", Method: http.MethodGet, Path: path(id), Query: url.Values{"$select": {fields}}, Out: &u, Right: readUsers})
	return u, err
}

// find resolves an id, a user principal name or an e-mail address. It refuses break-glass
// accounts; Tocsin itself is an application and no account.
func (e *entra) find(ctx context.Context, typed string) (user, error) {
	if typed == "" || strings.Trim(typed, ".") == "" || strings.HasPrefix(typed, "$") || len([]rune(typed)) > 200 {
		return user{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed), Hint: "Name a user principal name or an e-mail address."}
	}
	u, err := e.user(ctx, typed)
	if rest.IsStatus(err, http.StatusNotFound) {
		u, err = e.byMail(ctx, typed)
	}
	switch {
	case err != nil:
		return user{}, err
	case u.ID == "" || u.Name == "":
		return user{}, incident.GiveUp(fmt.Errorf("read the account: Entra's answer names none"))
	case slices.ContainsFunc(e.conf.BreakGlass, func(b string) bool {
		return b == u.ID || strings.EqualFold(b, u.Name) || u.Mail != "" && strings.EqualFold(b, u.Mail)
	}):
		return user{}, incident.GiveUp(fmt.Errorf("%s is a break-glass account: Tocsin never touches it", u.Name))
	}
	return u, nil
}

func (e *entra) byMail(ctx context.Context, typed string) (user, error) {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" } // OData string literal
	got, err := e.search(ctx, "mail eq "+quote(typed))
	if err != nil {
		return user{}, err
	}
	if len(got) == 1 {
		return got[0], nil
	}
	if len(got) > 1 {
		return user{}, &actions.Ambiguous{Kind: actions.KindIdentity, Name: typed, Fits: names(got)}
	}
	no := &actions.NoTarget{Kind: actions.KindIdentity, Name: typed}
	start := []rune(typed)
	got, err = e.search(ctx, "startswith(userPrincipalName,"+quote(string(start[:min(len(start), 3)]))+")")
	if err != nil {
		return user{}, err
	}
	if len(got) > 0 {
		no.Hint = "Did you mean " + strings.Join(names(got[:min(len(got), 3)]), " or ") + "?"
	}
	return user{}, no
}

func (e *entra) search(ctx context.Context, filter string) ([]user, error) {
	var got struct {
		Value []user `json:"value"`
	}
	_, err := e.rest.Do(ctx, rest.Call{Step: "look for the account", Method: http.MethodGet, Path: "/users", Out: &got, Right: readUsers,
		Query: url.Values{"$filter": {filter}, "$top": {"10"}, "$select": {fields}}})
	return got.Value, err
}

func names(list []user) []string {
	var out []string
	for _, u := range list {
		out = append(out, u.Name)
	}
	slices.Sort(out)
	return out
}

// plan begins the plan for an account.
func plan(s actions.Spec, in actions.Input, u user) actions.Plan {
	return actions.Plan{Action: s.Name, Target: actions.Target{Kind: actions.KindIdentity, ID: u.ID, Name: u.Name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
}

func cut(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
