package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// ManifestOptions say what the app is called and how Slack reaches it.
type ManifestOptions struct {
	Name       string // of the app, at most 35 characters; "Tocsin" when empty
	Prefix     string // of the first command; "/incident" when empty
	Report     string // the second command; "/postmortem" when empty
	SocketMode bool
	URL        string // https address of the server, without a path; for HTTP only
}

// Scopes are what the bot asks for, and nothing it does not use.
func Scopes() []string {
	return []string{
		"app_mentions:read",                 // @tocsin in threads
		"bookmarks:read", "bookmarks:write", // links at the top of the room
		"channels:history", "groups:history", // what is said in rooms; what was posted before a crash
		"channels:join",                   // the announcement channel
		"channels:manage", "groups:write", // open, dress and archive rooms; invite and remove
		"channels:read", "groups:read", // find a room that was opened before a crash
		"chat:write", "commands",
		"files:write",                       // answers too long for a message; the chart of a scorecard
		"files:read",                        // what is in files shared in rooms
		"im:history", "im:read", "im:write", // words said to the app directly; direct messages
		"pins:read", "pins:write", // the summary; what people pin
		"reactions:read",                 // :pushpin:; what is captured
		"users:read", "users:read.email", // who is who
	}
}

// Events are what the bot wants to hear of.
func Events() []string {
	return []string{
		"app_home_opened", "app_mention", "channel_archive", "channel_deleted", "group_archive", "group_deleted",
		"member_joined_channel", "member_left_channel", "message.channels", "message.groups", "message.im",
		"pin_added", "pin_removed", "reaction_added", "reaction_removed",
	}
}

var commandName = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)

type object = map[string]any

// Manifest is the complete app manifest, as JSON, for Slack's "create from manifest".
// https://docs.slack.dev/reference/app-manifest
func Manifest(o ManifestOptions) ([]byte, error) {
	if o.Name == "" {
		o.Name = "Tocsin"
	}
	if len([]rune(o.Name)) > 35 {
		return nil, errors.New("manifest: an app's name has at most 35 characters")
	}
	r := &Room{Prefix: o.Prefix, Report: o.Report}
	if o.Report != "" {
		r.Report = "/" + strings.TrimPrefix(o.Report, "/")
	}
	first, second, third, fourth := r.prefix(bookIncident), r.prefix(bookReport), r.prefix(bookContain), r.prefix(bookSignals)
	for _, c := range []string{first, second, third, fourth} {
		if !commandName.MatchString(c) {
			return nil, fmt.Errorf("manifest: %q is no command name; lower case letters, digits, - and _, at most 32 characters with the slash", c)
		}
	}
	if first == second {
		return nil, fmt.Errorf("manifest: both commands are called %s", first)
	}
	base := strings.TrimSuffix(o.URL, "/")
	if !o.SocketMode {
		if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, errors.New("manifest: without Socket Mode, the address of the server is needed, as in https://tocsin.example.com")
		}
	}
	text, err := json.MarshalIndent(object{
		"_metadata":           object{"major_version": 2, "minor_version": 1},
		"display_information": about(o.Name),
		"features": object{
			"app_home": object{"home_tab_enabled": true, "messages_tab_enabled": true, "messages_tab_read_only_enabled": false},
			"bot_user": object{"display_name": strings.ToLower(o.Name), "always_online": true},
			"slash_commands": []object{
				slashCommand(o, base, first, "Security incidents: declare, page, keep time, resolve", "declare p1 what is wrong | status | help"),
				slashCommand(o, base, second, "Post-mortems: show, edit, publish, action items", "show | edit | publish | help"),
				slashCommand(o, base, third, "Containment: plan, approve, do, prove, release", "<action> <target> | list | status | help"),
				slashCommand(o, base, fourth, "Signals: what hosts do right now, hunts, rules, sensors", "live <host> | hunt domain <name> | recent | help"),
			},
			"shortcuts": shortcuts(),
		},
		"oauth_config": object{"scopes": object{"bot": Scopes()}},
		"settings":     settings(o, base),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(text, '\n'), nil
}

func about(name string) object {
	return object{
		"name":             name,
		"description":      "War rooms for security incidents",
		"background_color": "#7a1f1f",
		"long_description": "Declare an incident in one line. The app opens a room, brings in and pages the right people until somebody answers, " +
			"watches the clocks, keeps the timeline, and turns the record into a post-mortem with owned, dated action items.",
	}
}

func slashCommand(o ManifestOptions, base, name, description, hint string) object {
	c := object{"command": name, "description": description, "usage_hint": hint, "should_escape": true}
	if !o.SocketMode {
		c["url"] = base + "/slack/command"
	}
	return c
}

func shortcuts() []object {
	return []object{
		{"name": "Declare an incident", "type": "global", "callback_id": shortcutDeclare, "description": "Open a war room"},
		{"name": "Declare from message", "type": "message", "callback_id": shortcutDeclareFrom, "description": "Open a war room about this message"},
		{"name": "Add to timeline", "type": "message", "callback_id": shortcutKeep, "description": "Keep this message as a key event"},
		{"name": "Make a task", "type": "message", "callback_id": shortcutTask, "description": "Turn this message into a task"},
		{"name": "Make an action item", "type": "message", "callback_id": shortcutItem, "description": "Turn this message into an action item"},
	}
}

func settings(o ManifestOptions, base string) object {
	events := object{"bot_events": Events()}
	interactivity := object{"is_enabled": true}
	if !o.SocketMode {
		events["request_url"] = base + "/slack/events"
		interactivity["request_url"] = base + "/slack/interactive"
	}
	return object{
		"event_subscriptions":    events,
		"interactivity":          interactivity,
		"org_deploy_enabled":     false,
		"socket_mode_enabled":    o.SocketMode,
		"token_rotation_enabled": false,
	}
}
