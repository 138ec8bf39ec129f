package okta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// The statuses of a user that matter here
// (https://developer.okta.com/docs/concepts/user-accounts/#user-statuses).
const (
	active    = "ACTIVE"
	suspended = "SUSPENDED"
	expired   = "PASSWORD_EXPIRED"
	gone      = "DEPROVISIONED"
)

const maxName = 200 // runes of a login that somebody typed

// user is what the actions read of one.
type user struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Profile struct {
		Login   string `json:"login"`
		Email   string `json:"email"`
		Manager string `json:"manager"`
	} `json:"profile"`
	Credentials struct {
		Provider struct {
			Type string `json:"type"`
		} `json:"provider"`
	} `json:"credentials"`
}

func (u user) target() actions.Target {
	return actions.Target{Kind: actions.KindIdentity, ID: u.ID, Name: u.Profile.Login}
}

// standing is the state of a user.
type standing struct {
	Status string `json:"status"`
}

// path is the address of a user or of what belongs to them.
func path(id string, below ...string) string {
	p := "/api/v1/users/" + url.PathEscape(id)
	for _, b := range below {
		p += "/" + b
	}
	return p
}

// user reads one by id. One that is not there is a *rest.Status of 404.
func (o *okta) user(ctx context.Context, id string) (user, http.Header, error) {
	var u user
	h, err := o.rest.Do(ctx, rest.Call{Step: "read the user", Method: http.MethodGet, Path: path(id), Out: &u, Right: readUsers})
	return u, h, err
}

// standing reads the status of a target.
func (o *okta) standing(ctx context.Context, id string) (actions.State, error) {
	u, _, err := o.user(ctx, id)
	if err != nil {
		return nil, err
	}
	return actions.StateOf(standing{u.Status}), nil
}

// find resolves what a person typed: an id, a login, the short form of a login, or an
// e-mail address. It refuses break-glass accounts and Tocsin's own.
func (o *okta) find(ctx context.Context, typed string) (user, error) {
	if typed == "" || typed == "." || typed == ".." || strings.EqualFold(typed, "me") || len([]rune(typed)) > maxName {
		return user{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed), Hint: "Name a login or an e-mail address."}
	}
	u, _, err := o.user(ctx, typed)
	if rest.IsStatus(err, http.StatusNotFound) {
		u, err = o.byEmail(ctx, typed)
	}
	if err != nil {
		return user{}, err
	}
	if u.ID == "" || u.Profile.Login == "" {
		return user{}, incident.GiveUp(fmt.Errorf("read the user: Okta's answer names no user"))
	}
	self, err := o.me(ctx)
	switch {
	case err != nil:
		return user{}, err
	case u.ID == self:
		return user{}, incident.GiveUp(fmt.Errorf("%s is the account Tocsin itself works with: act on it in Okta's own console", u.Profile.Login))
	case o.breakGlass(u):
		return user{}, incident.GiveUp(fmt.Errorf("%s is a break-glass account: Tocsin never touches it", u.Profile.Login))
	}
	return u, nil
}

func (o *okta) breakGlass(u user) bool {
	return slices.ContainsFunc(o.conf.BreakGlass, func(b string) bool {
		return b == u.ID || strings.EqualFold(b, u.Profile.Login) || strings.EqualFold(b, u.Profile.Email)
	})
}

// byEmail looks for users with that address, and for names that are near.
func (o *okta) byEmail(ctx context.Context, typed string) (user, error) {
	var got []user
	// The SCIM filter of https://developer.okta.com/docs/api/#filter: a quote in it would
	// ask for something else.
	term := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(typed)
	_, err := o.rest.Do(ctx, rest.Call{Step: "look for the user", Method: http.MethodGet, Path: "/api/v1/users", Out: &got, Right: readUsers,
		Query: url.Values{"search": {`profile.email eq "` + term + `"`}, "limit": {"10"}}})
	if err != nil {
		return user{}, err
	}
	if len(got) == 1 {
		return got[0], nil
	}
	if len(got) > 1 {
		return user{}, &actions.Ambiguous{Kind: actions.KindIdentity, Name: typed, Fits: logins(got)}
	}
	near, _, _ := strings.Cut(typed, "@")
	_, err = o.rest.Do(ctx, rest.Call{Step: "look for the user", Method: http.MethodGet, Path: "/api/v1/users", Out: &got, Right: readUsers,
		Query: url.Values{"q": {near[:min(len(near), 40)]}, "limit": {"3"}}})
	if err != nil {
		return user{}, err
	}
	no := &actions.NoTarget{Kind: actions.KindIdentity, Name: typed}
	if len(got) > 0 {
		no.Hint = "Did you mean " + strings.Join(logins(got), " or ") + "?"
	}
	return user{}, no
}

func logins(list []user) []string {
	out := make([]string, 0, len(list))
	for _, u := range list {
		out = append(out, u.Profile.Login)
	}
	slices.Sort(out)
	return out
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxName {
		return string(r[:maxName]) + "…"
	}
	return s
}
