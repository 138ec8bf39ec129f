package slack

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// The scopes of the bot's token that are used here
// (https://docs.slack.dev/reference/scopes).
const (
	readUsers   = "users:read"
	readEmails  = "users:read.email"
	readPublic  = "channels:read"
	readPrivate = "groups:read"
	kickPublic  = "channels:manage"
	kickPrivate = "groups:write"
)

// user is what the actions read of one.
type user struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Deleted bool   `json:"deleted"`
	Admin   bool   `json:"is_admin"`
	Owner   bool   `json:"is_owner"`
	Primary bool   `json:"is_primary_owner"`
	Team    string `json:"team_id"`
	Profile struct {
		Email string `json:"email"`
	} `json:"profile"`
}

func (u user) title() string {
	if u.Profile.Email != "" {
		return u.Profile.Email
	}
	return "@" + u.Name
}

var (
	idShape      = regexp.MustCompile(`^[UW][A-Z0-9]{5,20}$`)
	mentionShape = regexp.MustCompile(`^<@([UW][A-Z0-9]{5,20})(\|[^>]*)?>$`)
)

// user reads one by id.
func (s *slack) user(ctx context.Context, id string) (user, error) {
	var got struct {
		User user `json:"user"`
	}
	_, err := s.do(ctx, s.bot, call{step: "look up the user", method: "users.info", right: readUsers, query: url.Values{"user": {id}}, out: &got})
	return got.User, err
}

// find resolves a Slack id, a mention or an e-mail address. Display names are not taken:
// anybody can give themselves another's. It refuses break-glass accounts and the bot itself.
func (s *slack) find(ctx context.Context, typed string) (user, error) {
	c := call{step: "look up the user", method: "users.info", right: readUsers, query: url.Values{"user": {typed}}}
	if m := mentionShape.FindStringSubmatch(typed); m != nil {
		c.query.Set("user", m[1])
	} else if !idShape.MatchString(typed) {
		if !strings.Contains(typed, "@") || strings.HasPrefix(typed, "@") || len(typed) > 254 {
			return user{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed), Hint: "Name an e-mail address, a mention or a Slack id."}
		}
		c.method, c.right, c.query = "users.lookupByEmail", readEmails, url.Values{"email": {typed}}
	}
	var got struct {
		User user `json:"user"`
	}
	c.out = &got
	_, err := s.do(ctx, s.bot, c)
	u := got.User
	switch {
	case refused(err, "users_not_found", "user_not_found", "user_not_visible"):
		return user{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed)}
	case err != nil:
		return user{}, err
	case u.ID == "":
		return user{}, incident.GiveUp(fmt.Errorf("look up the user: Slack's answer names no user"))
	}
	self, err := s.me(ctx)
	switch {
	case err != nil:
		return user{}, err
	case u.ID == self.User:
		return user{}, incident.GiveUp(fmt.Errorf("%s is Tocsin itself: removing it would close this room", u.title()))
	case slices.ContainsFunc(s.conf.BreakGlass, func(b string) bool { return b == u.ID || strings.EqualFold(b, u.Profile.Email) }):
		return user{}, incident.GiveUp(fmt.Errorf("%s is a break-glass account: Tocsin never touches it", u.title()))
	}
	return u, nil
}

// plan begins the plan for a user, with what there is to warn of.
func plan(sp actions.Spec, in actions.Input, u user) actions.Plan {
	p := actions.Plan{Action: sp.Name, Target: actions.Target{Kind: actions.KindIdentity, ID: u.ID, Name: u.title()},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
	switch {
	case u.Primary:
		p.Warnings = append(p.Warnings, u.title()+" is the primary owner of the workspace.")
	case u.Owner:
		p.Warnings = append(p.Warnings, u.title()+" is an owner of the workspace.")
	case u.Admin:
		p.Warnings = append(p.Warnings, u.title()+" is an administrator of the workspace, and may come back unasked.")
	}
	if u.Deleted {
		p.Warnings = append(p.Warnings, u.title()+" is deactivated.")
	}
	return p
}

func cut(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
