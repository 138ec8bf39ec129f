package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxRoomName = 80  // Slack: conversations.create, "name"
	maxTopic    = 250 // Slack: conversations.setTopic and setPurpose
	maxSlug     = 48
	roomTries   = 20 // archived channels keep their names, so collisions are ordinary
)

// Slug is a title as part of a channel's name: lower-case ASCII letters, digits and
// hyphens, at most 48, cut between words where possible. Latin, Cyrillic and Greek
// are transliterated; a title in no script it knows gives "".
func Slug(title string) string {
	var b strings.Builder
	gap := false
	for _, c := range strings.ToLower(clean(title)) {
		word := latin(c)
		if word == "" && mute(c) {
			continue
		}
		if word == "" {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteString(word)
	}
	return cutSlug(b.String(), maxSlug)
}

func cutSlug(slug string, n int) string {
	if len(slug) <= n {
		return slug
	}
	cutAt := slug[:n]
	if i := strings.LastIndexByte(cutAt, '-'); i > n/2 && slug[n] != '-' {
		cutAt = cutAt[:i]
	}
	return strings.Trim(cutAt, "-")
}

// RoomNames are candidates for the channel's name, best first:
// inc-0042-1123-okta-session-theft, then the same with -2, -3 …. A confidential
// incident is named after its codename only.
func RoomNames(s incident.State) []string {
	name := s.Title.Text
	if s.Private {
		name = s.Codename
	}
	slug := Slug(name)
	if slug == "" && !s.Private {
		slug = Slug(s.Type)
	}
	if slug == "" {
		slug = Slug(s.Codename)
	}
	base := Slug(string(s.Stream))
	if s.Drill && !strings.HasPrefix(base, "drill") {
		base = "drill-" + base
	}
	if !s.Declared.IsZero() {
		base += s.Declared.UTC().Format("-0102")
	}
	if slug != "" {
		base += "-" + slug
	}
	names := make([]string, 0, roomTries)
	for i := range roomTries {
		tail := ""
		if i > 0 {
			tail = fmt.Sprintf("-%d", i+1)
		}
		names = append(names, cutSlug(base, maxRoomName-len(tail))+tail)
	}
	return names
}

// Topic is the channel's topic: what it is, how bad, who leads. At most 250 runes.
func Topic(s incident.State) string {
	parts := []string{}
	if s.Drill {
		parts = append(parts, "DRILL")
	}
	if sev := s.Severity.String(); sev != "" {
		parts = append(parts, sev)
	}
	parts = append(parts, statusWord(s))
	if s.Phase != "" && s.Status == incident.Open {
		parts = append(parts, string(s.Phase))
	}
	lead := "no commander yet"
	if id := s.Holder(incident.Commander); id != "" {
		lead = "commander " + Line(NameOf(s, id), 60)
	}
	parts = append(parts, lead, string(s.Stream), Line(s.Name(), 120))
	return cutEscaped(strings.Join(parts, " · "), maxTopic)
}

// Purpose is the channel's purpose. At most 250 runes.
func Purpose(s incident.State) string {
	text := fmt.Sprintf("%s: %s. Declared %s. @tocsin help says what you can do here.",
		s.Stream, Line(s.Name(), 120), Stamp(s.Declared))
	if s.Drill {
		text = "DRILL, nothing here is real. " + text
	}
	return cutEscaped(text, maxTopic)
}
