package templates

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Announcement is the one message in the announcement channel, for those who only
// want to know. A confidential incident is a codename, a severity and a status.
func Announcement(s incident.State, _ time.Time) Card {
	name := Line(s.Name(), maxLine)
	parts := []string{"*" + strings.Join(keep([]string{s.Severity.String(), string(s.Stream)}), " ") + "*", name, "*" + statusWord(s) + "*"}
	if s.Drill {
		parts = append([]string{"*DRILL*"}, parts...)
	}
	if !s.Private {
		if s.Status == incident.Open && s.Phase != "" {
			parts = append(parts, string(s.Phase))
		}
		if id := s.Holder(incident.Commander); id != "" {
			parts = append(parts, "commander "+Line(NameOf(s, id), 60))
		}
		if isSlackChannel(s.Room.Channel) && s.Room.Lost == "" {
			parts = append(parts, "<#"+s.Room.Channel+">")
		}
	}
	line := strings.Join(parts, " · ")
	c := Card{Lead: flat(s, line), Tone: summaryTone(s), Blocks: []Block{{Text: line}}}
	notes := []string{"declared " + When(s.Declared, "")}
	switch {
	case !s.Times.Closed.IsZero():
		notes = append(notes, "closed "+When(s.Times.Closed, ""))
	case !s.Times.Resolved.IsZero():
		notes = append(notes, fmt.Sprintf("resolved after %s", Age(s.Times.Resolved.Sub(s.Declared))))
	case !s.Times.Updated.IsZero():
		notes = append(notes, "last update "+When(s.Times.Updated, ""))
	}
	c.Blocks = append(c.Blocks, Block{Context: notes})
	return c
}
