package slack

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const maxName = 80 // runes; conversations.create, "Naming"

// reserved names belong to Slack.
var reserved = []string{"here", "channel", "everyone", "group", "archive", "archived", "all", "me", "slack", "slackbot"}

// checkName is Slack's opinion on a channel name.
func checkName(name string) error {
	if name == "" {
		return no("invalid_name_required")
	}
	if utf8.RuneCountInString(name) > maxName {
		return no("invalid_name_maxlength")
	}
	if strings.Trim(name, "-_.,!?'\"") == "" {
		return no("invalid_name_punctuation")
	}
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_", r) {
			return no("invalid_name_specials")
		}
	}
	if slices.Contains(reserved, name) {
		return no("name_taken")
	}
	return nil
}

// nameTaken looks at every channel, private and archived ones too: an archived
// channel keeps its name.
func (s *Server) nameTaken(name string, but *channel) bool {
	for _, c := range s.channels {
		if c != but && !c.im && c.name == name {
			return true
		}
	}
	return false
}
