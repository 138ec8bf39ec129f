package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// manifest is the part of an app manifest that matters here.
// https://docs.slack.dev/reference/app-manifest
type manifest struct {
	Display struct {
		Name string `json:"name"`
	} `json:"display_information"`
	Features struct {
		Bot struct {
			DisplayName string `json:"display_name"`
		} `json:"bot_user"`
		Home struct {
			Enabled bool `json:"home_tab_enabled"`
		} `json:"app_home"`
		Commands []struct {
			Command     string `json:"command"`
			URL         string `json:"url"`
			Description string `json:"description"`
			UsageHint   string `json:"usage_hint"`
			Escape      bool   `json:"should_escape"`
		} `json:"slash_commands"`
		Shortcuts []struct {
			Name        string `json:"name"`
			Type        string `json:"type"`
			CallbackID  string `json:"callback_id"`
			Description string `json:"description"`
		} `json:"shortcuts"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		SocketMode bool `json:"socket_mode_enabled"`
		Events     struct {
			URL string   `json:"request_url"`
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity struct {
			Enabled bool   `json:"is_enabled"`
			URL     string `json:"request_url"`
		} `json:"interactivity"`
	} `json:"settings"`
}

var commandName = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)

// InstallManifest installs an app by its manifest (JSON): commands, shortcuts, scopes,
// events, Socket Mode and URLs. Tokens and signing secret stay. It returns what Slack
// would object to, all of it joined.
func (s *Server) InstallManifest(text []byte) error {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("read app manifest: %w", err)
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("read app manifest: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.app
	a.Name = or(m.Features.Bot.DisplayName, m.Display.Name)
	a.HomeTab = m.Features.Home.Enabled
	a.SocketMode = m.Settings.SocketMode
	a.Scopes, a.Events = m.OAuth.Scopes.Bot, m.Settings.Events.Bot
	a.EventsURL = or(m.Settings.Events.URL, a.EventsURL)
	a.InteractivityURL = or(m.Settings.Interactivity.URL, a.InteractivityURL)
	a.Commands, a.Shortcuts = nil, nil
	for _, c := range m.Features.Commands {
		a.Commands = append(a.Commands, Command{
			Command: c.Command, Description: c.Description, UsageHint: c.UsageHint, URL: c.URL, Escape: c.Escape,
		})
	}
	for _, sc := range m.Features.Shortcuts {
		a.Shortcuts = append(a.Shortcuts, Shortcut(sc))
	}
	s.setApp(a)
	u := *s.users[s.botUser]
	u.Name, u.RealName = strings.ToLower(strings.ReplaceAll(a.Name, " ", "_")), a.Name
	s.users[s.botUser] = &u
	s.changed()
	return nil
}

func (m *manifest) check() error {
	var wrong []error
	object := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if n := len([]rune(m.Display.Name)); n == 0 || n > 35 {
		object("display_information.name must have 1 to 35 characters, has %d", n)
	}
	for _, c := range m.Features.Commands {
		if !commandName.MatchString(c.Command) {
			object("slash command %q: a slash and at most 31 of a-z, 0-9, - and _", c.Command)
		}
		if c.Description == "" {
			object("slash command %q wants a description", c.Command)
		}
		if !m.Settings.SocketMode && c.URL == "" {
			object("slash command %q wants a url without Socket Mode", c.Command)
		}
	}
	for _, sc := range m.Features.Shortcuts {
		if sc.Type != "global" && sc.Type != "message" {
			object("shortcut %q: type is global or message", sc.Name)
		}
		if sc.CallbackID == "" || len(sc.CallbackID) > maxID {
			object("shortcut %q wants a callback_id of at most %d characters", sc.Name, maxID)
		}
	}
	if len(m.Features.Commands) > 0 && !slices.Contains(m.OAuth.Scopes.Bot, "commands") {
		object("slash commands want the bot scope %q", "commands")
	}
	for _, e := range m.Settings.Events.Bot {
		if need := eventScopes[e]; need != "" && !slices.Contains(m.OAuth.Scopes.Bot, need) {
			object("event %q wants the bot scope %q", e, need)
		}
	}
	return errors.Join(wrong...)
}
