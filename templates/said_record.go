package templates

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// owedTexts says what does not happen when an effect dies, and what to do instead.
var owedTexts = map[string]struct{ what, next string }{
	"open_room":       {"The room could not be opened", "Open a channel by hand and say there which incident it is for."},
	"dress_room":      {"Topic and bookmarks of the room were not set", "Nothing depends on it."},
	"invite":          {"Somebody could not be invited", "Invite them by hand."},
	"remove":          {"Somebody could not be removed from the room", "Remove them by hand NOW: they can still read here."},
	"say":             {"A message could not be posted", "“timeline” shows what happened."},
	"refresh":         {"A summary could not be brought up to date", "“status” shows the present state."},
	"page":            {"A page was not delivered", "Call the on-call by phone NOW."},
	"tell_pager":      {"The pager's incident was not brought in step", "Acknowledge or resolve it there by hand."},
	"wake":            {"A clock did not ring", "“status” shows what is due."},
	"publish":         {"The post-mortem was not published", "Put the reason right, then publish the post-mortem again."},
	"file_item":       {"An action item was not filed as an issue", "Put the reason right, then publish the post-mortem again."},
	"restate":         {"A message that was answered kept its buttons", "Pressing them changes nothing."},
	"archive_room":    {"The room was not archived", "Archive it by hand."},
	"score_drill":     {"The drill was not scored", "“drill score” makes the scorecard."},
	"call_off_drills": {"Drills that are open were not told to yield", "End them by hand: drill stop, and resolve them."},
	"show_chart":      {"The chart of the scorecard was not posted", "The scorecard in words says the same."},
	"tell":            {"Another incident was not told", "Tell them by hand."},
	"plan_action":     {"What a containment action would change could not be read", "Contain by hand NOW."},
	"enforce":         {"Containment was NOT carried out", "Contain by hand NOW."},
	"prolong":         {"The new end of a hold did NOT reach its target, whose own timer may end it as it was set", "Look whether it is still contained at the old end."},
	"release":         {"Containment was NOT lifted", "Lift it by hand when it is safe."},
}

func (v voice) saidOfRecord() Card {
	switch e := v.r.Event.(type) {
	case incident.EffectDied:
		return v.effectDied(e)
	case incident.EffectDropped:
		return v.card(Calm, fmt.Sprintf("Not done any more: %s.", owedName(e.Kind)), small(prefixed("Why: ", Line(e.Why, maxLine))))
	case incident.EntryEdited:
		return v.card(Calm, fmt.Sprintf("Entry %d of the timeline was corrected by %s.", e.Seq, v.by()), small(prefixed("Why: ", v.short(e.Why))))
	case incident.EntryHidden:
		return v.card(Calm, fmt.Sprintf("Entry %d of the timeline was hidden by %s. The record keeps it.", e.Seq, v.by()), small(prefixed("Why: ", v.short(e.Why))))
	case incident.Redacted:
		return v.card(Calm, fmt.Sprintf("The text of entry %d was erased for good by %s.", e.Seq, v.by()), small(prefixed("Why: ", Line(e.Why, maxLine))))
	case incident.PrivilegeMarked:
		return v.privilegeMarked(e)
	case incident.SecretSeen:
		return v.secretSeen(e)
	}
	return Card{}
}

func (v voice) effectDied(e incident.EffectDied) Card {
	t, ok := owedTexts[e.Kind]
	if !ok {
		t.what, t.next = "Something owed will not happen: "+owedName(e.Kind), "Do it by hand if it matters."
	}
	tone := Warn
	switch e.Kind {
	case "page", "enforce", "release", "prolong", "remove", "open_room":
		tone = Alarm
	}
	c := v.card(tone, "*"+t.what+".*", text(t.next), small(prefixed("Reason: ", v.reason(e.Why)), string(e.Effect)), buttons(v.room()...))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func owedName(kind string) string { return Line(wordsOf(kind), 60) }

// wordsOf reads a machine's name aloud: "incident.priority_updated" is "incident
// priority updated".
func wordsOf(kind string) string {
	return strings.Join(strings.FieldsFunc(kind, func(c rune) bool { return c == '_' || c == '.' || c == '-' }), " ")
}

// isWeb admits only web addresses without anything that could end a link early.
func isWeb(raw string) bool {
	if strings.ContainsAny(raw, "<>|\"' \n\t()[]`") || len(raw) > 1000 {
		return false
	}
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// reason is what the outside world answered; it may quote anything, so it stays in
// the room of a confidential incident.
func (v voice) reason(why string) string {
	if v.closed {
		return ""
	}
	return Line(why, maxLine)
}

// discreet keeps a reason from telling a room that anybody may read who was shut out.
func discreet(why string) string {
	if strings.Contains(strings.ToLower(why), "exclu") {
		return "nobody on it may be asked"
	}
	return why
}

// unmarked takes the code marks off a sentence of our own.
func unmarked(why string) string { return strings.ReplaceAll(why, "`", "") }
