package bot

import (
	"regexp"
	"strings"
)

// Slack's mark-up in text: links, mentions, channels.
// https://docs.slack.dev/messaging/formatting-message-text
var slackMark = regexp.MustCompile(`<([^<>\n]+)>`)

// unmark reads Slack's mark-up and entities as what the person saw when typing. The
// ids behind mentions go into users.
func unmark(s string, users map[string]string) string {
	s = slackMark.ReplaceAllStringFunc(s, func(m string) string {
		body, label, _ := strings.Cut(m[1:len(m)-1], "|")
		switch {
		case strings.HasPrefix(body, "@"):
			if label == "" {
				label = body[1:]
			}
			label = "@" + strings.TrimPrefix(label, "@")
			users[lower(label)] = body[1:]
			return label
		case strings.HasPrefix(body, "#"):
			if label == "" {
				label = body[1:]
			}
			return "#" + strings.TrimPrefix(label, "#")
		case strings.HasPrefix(body, "!"):
			if label == "" {
				label = strings.TrimPrefix(body, "!")
			}
			return "@" + strings.TrimPrefix(label, "@")
		}
		return unlink(body, label, m)
	})
	return unescape.Replace(s)
}

// unlink prefers the label only where it says the same as the address: a label may lie.
func unlink(url, label, whole string) string {
	bare := strings.TrimPrefix(url, "mailto:")
	if bare != url {
		return bare
	}
	i := strings.Index(url, "://")
	if i < 0 {
		if strings.HasPrefix(url, "tel:") {
			return strings.TrimPrefix(url, "tel:")
		}
		return whole
	}
	if label != "" && strings.TrimSuffix(url[i+3:], "/") == strings.TrimSuffix(label, "/") {
		return label
	}
	return url
}

// Slack escapes these three, and no others.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

var defanged = strings.NewReplacer(
	"[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[DOT]", ".",
	"[:]", ":", "[://]", "://", "[/]", "/", "[at]", "@", "(at)", "@", "[@]", "@", "[AT]", "@",
)

var hxxp = regexp.MustCompile(`(?i)^(?:hxxp|hXXp|h\*\*p|meow)(s?)://`)

// refang gives an indicator the shape that programs compare: evil[.]com is evil.com,
// hxxps:// is https://, user[at]example.com is an address.
func refang(s string) string {
	s = defanged.Replace(strings.TrimSpace(s))
	s = hxxp.ReplaceAllString(s, "http$1://")
	return strings.Trim(s, ",;")
}
