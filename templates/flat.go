package templates

import (
	"regexp"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

var (
	userToken  = regexp.MustCompile(`<@([UW][A-Z0-9]+)>`)
	roomToken  = regexp.MustCompile(`<#([CG][A-Z0-9]+)>`)
	dateToken  = regexp.MustCompile(`<!date\^[^|>]*\|([^>]*)>(?: \(\d\d:\d\d UTC\))?`)
	linkToken  = regexp.MustCompile(`<(https?://[^|>]*)\|([^>]*)>`)
	plainToken = regexp.MustCompile(`<(https?://[^|>]*)>`)
	boldToken  = regexp.MustCompile(`\*([^*\n]+)\*`)
	codeToken  = regexp.MustCompile("`([^`\n]+)`")
)

// flat turns one line of mrkdwn into a Lead: names for mentions, no formatting,
// still escaped.
func flat(s incident.State, mrkdwn string) string {
	t := userToken.ReplaceAllStringFunc(mrkdwn, func(tok string) string {
		return Line(nameBySlack(s, userToken.FindStringSubmatch(tok)[1]), 80)
	})
	if s.Room.Name != "" {
		t = roomToken.ReplaceAllString(t, Line(s.Room.Name, maxRoomName))
	}
	t = dateToken.ReplaceAllString(t, "$1")
	t = linkToken.ReplaceAllString(t, "$2")
	t = codeToken.ReplaceAllString(boldToken.ReplaceAllString(t, "$1"), "$1")
	t = strings.Join(strings.Fields(t), " ")
	return cutEscaped(t, 300)
}

func nameBySlack(s incident.State, slack string) string {
	for id, part := range s.People {
		if part.Person.Slack == slack {
			return NameOf(s, id)
		}
	}
	return slack
}
