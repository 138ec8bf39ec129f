package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// secretSeen warns of a secret without repeating it. Rotating comes first: whatever is
// erased here, everybody who could read the room may have it.
func (v voice) secretSeen(e incident.SecretSeen) Card {
	kinds := secretKinds(e.Found)
	next := "Rotate it now: whoever could read it may have it. Then delete the message in Slack."
	erase := "“redact” with the link of the message and a reason erases what the record holds of it."
	var row []Button
	if e.Entry != 0 {
		next = "Rotate it now: whoever could read it may have it. Then have it erased here."
		erase = fmt.Sprintf("“redact %d” with a reason erases it from the record for good; a message that repeats it is deleted in Slack.", e.Entry)
		b := v.button("Erase it", fmt.Sprintf("redact %d secret posted", e.Entry))
		b.Style = "danger"
		b.Confirm = &Confirm{Title: fmt.Sprintf("Erase entry %d?", e.Entry), Text: "Its text is destroyed for good. The line stays and says who erased it.", Yes: "Erase it"}
		row = append(row, b)
	}
	where := secretPlace(e, v.who)
	if e.Ref != nil && isWeb(e.Ref.Permalink) && !v.closed {
		where = strings.Replace(where, "a message", "<"+e.Ref.Permalink+"|a message>", 1)
	}
	if v.direct() {
		return v.card(Warn, fmt.Sprintf("*What you wrote looks like it holds a secret:* %s.", kinds), text(next), small("It is not repeated here. "+erase), buttons(append(row, v.room()...)...))
	}
	return v.card(Warn, fmt.Sprintf("*Something that looks like a secret was posted:* %s, in %s.", kinds, where), text(next), small(erase), buttons(row...))
}

// secretKinds is what was found: "aws access token, 2 × password".
func secretKinds(found []incident.FoundSecret) string {
	return several(found, 5, func(f incident.FoundSecret) string {
		kind := Line(wordsOf(f.Kind), 60)
		if f.Count > 1 {
			return fmt.Sprintf("%d × %s", f.Count, kind)
		}
		return kind
	})
}

func secretPlace(e incident.SecretSeen, name func(incident.PersonID) string) string {
	place := "a message"
	if e.Entry != 0 {
		place = fmt.Sprintf("entry %d of the timeline", e.Entry)
	}
	if e.Author == "" {
		return place
	}
	return place + " by " + name(e.Author)
}
