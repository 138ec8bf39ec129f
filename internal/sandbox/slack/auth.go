package slack

import (
	"crypto/subtle"
	"slices"
	"strings"
)

// admit checks the token and that it carries a scope of the method.
func (s *Server) admit(m Method, token string) (scopes []string, err error) {
	if token == "" {
		return nil, no("not_authed")
	}
	bot, app := same(token, s.app.BotToken), same(token, s.app.AppToken)
	if !bot && !app {
		return nil, no("invalid_auth")
	}
	if s.revoked {
		return nil, no("token_revoked")
	}
	if m.App != app && m.Name != "auth.test" {
		return nil, no("not_allowed_token_type")
	}
	if app {
		return []string{"connections:write"}, nil
	}
	scopes = slices.Clone(s.app.Scopes)
	c := &call{scopes: scopes}
	return scopes, c.need(m.Scopes...)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// need asks for any one of the scopes; none at all asks for nothing.
func (c *call) need(anyOf ...string) error {
	if len(anyOf) == 0 || slices.ContainsFunc(anyOf, func(sc string) bool { return slices.Contains(c.scopes, sc) }) {
		return nil
	}
	return &refused{"missing_scope", obj{
		"needed": strings.Join(anyOf, ","), "provided": strings.Join(c.scopes, ","),
	}}
}

// scope names what a deed on this kind of channel needs. deed is one of read,
// history, write, write.invites, write.topic, join.
func (ch *channel) scope(deed string) []string {
	kind := "channels"
	switch {
	case ch.im:
		kind = "im"
	case ch.private:
		kind = "groups"
	}
	switch deed {
	case "read", "history", "join":
		return []string{kind + ":" + deed}
	}
	whole := kind + ":write"
	if kind == "channels" {
		whole = "channels:manage"
	}
	if deed == "write" {
		return []string{whole}
	}
	return []string{whole, kind + ":" + deed}
}

func authMethods() []Method {
	return []Method{
		{Name: "auth.test", Tier: 4, do: authTest},
		{Name: "apps.connections.open", Tier: 3, App: true, Errors: []string{"socket_mode_not_enabled"}, do: openConnection},
		{Name: "bots.info", Tier: 3, Scopes: []string{"users:read"}, Errors: []string{"bot_not_found"}, do: botInfo},
		{Name: "team.info", Tier: 3, Scopes: []string{"team:read"}, Errors: []string{"team_not_found"}, do: teamInfo},
	}
}

func authTest(s *Server, c *call) (obj, error) {
	if slices.Contains(c.scopes, "connections:write") {
		return obj{"app_name": s.app.Name, "app_id": s.app.AppID}, nil
	}
	return obj{
		"url": s.base + "/", "team": s.team.Name, "team_id": s.team.ID,
		"user": s.app.Name, "user_id": s.botUser, "bot_id": s.botID, "is_enterprise_install": false,
	}, nil
}

func botInfo(s *Server, c *call) (obj, error) {
	if id := c.str("bot"); id != "" && id != s.botID {
		return nil, no("bot_not_found")
	}
	return obj{"bot": obj{
		"id": s.botID, "deleted": false, "name": s.app.Name, "updated": 1700000000,
		"app_id": s.app.AppID, "user_id": s.botUser, "icons": obj{},
	}}, nil
}

func teamInfo(s *Server, c *call) (obj, error) {
	if id := c.str("team"); id != "" && id != s.team.ID {
		return nil, no("team_not_found")
	}
	return obj{"team": obj{
		"id": s.team.ID, "name": s.team.Name, "domain": s.team.Domain, "url": s.base + "/",
		"email_domain": "example.com", "icon": obj{"image_default": true},
	}}, nil
}
