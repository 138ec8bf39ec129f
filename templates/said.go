package templates

import (
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Said renders the event a Say effect follows from, at the place it is said. The
// first line is the news, the next what to do. The zero Card means: say nothing,
// because the event is not for people, or not for that person. Outside its room a
// confidential incident is a codename and nothing else.
func Said(t incident.Task, to incident.Place) Card {
	v := voice{s: t.State, r: t.Event, to: to}
	if say, ok := t.Effect.(incident.Say); ok {
		v.person, v.loud = say.Person, say.Loud
	}
	if to == incident.PlacePerson && v.person != "" && t.State.IsExcluded(v.person) {
		return Card{}
	}
	v.closed = t.State.Private && to != incident.PlaceRoom
	if t.State.Stream == incident.ExceptionsID {
		return v.saidOfExceptions()
	}
	if to == incident.PlaceAnnounce {
		return v.announce()
	}
	return v.say()
}

// voice is one event on its way to one place.
type voice struct {
	s      incident.State
	r      incident.Recorded
	to     incident.Place
	person incident.PersonID // addressee of a direct message
	loud   bool
	closed bool // only the codename may be said
}

func (v voice) say() Card {
	switch e := v.r.Event.(type) {
	case incident.Declared, incident.SeveritySet, incident.TypeSet, incident.Retitled, incident.Scoped,
		incident.TimeSet, incident.PhaseSet, incident.Excluded, incident.Intruded, incident.RoomLost, incident.PlanAdopted:
		return v.saidOfIncident()
	case incident.DrillBegun, incident.Injected, incident.DrillEnded, incident.DrillScored, incident.DrillYielded:
		return v.saidOfDrill()
	case incident.LegalHoldSet, incident.LegalHoldLiftAsked, incident.LegalHoldLifted, incident.EvidenceExported:
		return v.saidOfLegalHold()
	case incident.Distrusted, incident.TrustAsked, incident.Trusted:
		return v.saidOfTrust()
	case incident.RoleTaken, incident.RoleOffered, incident.RoleDeclined:
		return v.saidOfRoles()
	case incident.LadderStarted, incident.RungFired, incident.RungSkipped, incident.Paged, incident.PageTrouble,
		incident.LadderEnded, incident.LadderStopped, incident.Acknowledged, incident.AckIgnored,
		incident.Unacknowledged, incident.AskedAgain, incident.VendorNoted:
		return v.saidOfPaging()
	case incident.ClockWarned:
		return v.clockNear(e)
	case incident.ClockBreached:
		return v.clockMissed(e)
	case incident.Reminded:
		return v.reminded(e)
	case incident.Updated, incident.Noted, incident.TaskAdded, incident.TaskChanged, incident.ItemAdded, incident.ItemChanged:
		return v.saidOfWork()
	case incident.MergedAway, incident.TookMerged, incident.LinkedTo, incident.WasResolved, incident.WasReopened,
		incident.WasClosed, incident.PostMortemDrafted, incident.PostMortemPublished, incident.PostMortemEscalated, incident.ItemIsFiled:
		return v.saidOfEnd()
	case incident.ActionRequested, incident.ActionPlanned, incident.ActionNotPlanned, incident.ActionReplanned, incident.ActionApproved, incident.ApprovalRefused,
		incident.ActionDenied, incident.ApproversAsked, incident.ActionExpired, incident.ActionStarted, incident.ActionTroubled, incident.TargetMarked, incident.ActionEnded,
		incident.EvidenceKept, incident.EvidenceWaived, incident.ActionsFrozen, incident.ActionsResumed, incident.ReleaseAsked, incident.HoldExtended, incident.HoldRanOut,
		incident.HoldKept, incident.HoldShared, incident.GlassReviewed, incident.RosterAdded, incident.RosterSettled:
		return v.saidOfDeed()
	case incident.SignalSeen, incident.SignalGrew, incident.SignalsJudged, incident.LookEnded:
		return v.saidOfSignals()
	case incident.EffectDied, incident.EffectDropped, incident.EntryEdited, incident.EntryHidden, incident.Redacted, incident.SecretSeen, incident.PrivilegeMarked:
		return v.saidOfRecord()
	}
	return Card{}
}

// card puts a card together: news, then more lines, then buttons. Empty lines and
// empty button rows vanish.
func (v voice) card(tone Tone, news string, more ...Block) Card {
	if v.s.Drill {
		news = "*DRILL* · " + news
	}
	lead := news
	if len(more) > 0 && strings.HasSuffix(news, ":") { // a notification should carry the words too
		lead += " " + strings.ReplaceAll(strings.TrimPrefix(more[0].Text, "> "), "\n> ", " ")
	}
	c := Card{Lead: v.lead(lead), Tone: tone, Blocks: []Block{{Text: news}}}
	for _, b := range more {
		if !b.empty() {
			c.Blocks = append(c.Blocks, b)
		}
	}
	if v.to == incident.PlacePerson {
		c.Blocks = append(c.Blocks, Block{Context: []string{head(v.s, v.closed)}})
		if v.person != "" {
			c.Mentions = []incident.PersonID{v.person}
		}
	}
	return c
}

// toward adds people whom a loud card notifies.
func (v voice) toward(c Card, ids ...incident.PersonID) Card {
	if !v.loud || v.to == incident.PlacePerson {
		return c
	}
	for _, id := range ids {
		if id != "" && !v.s.IsExcluded(id) {
			c.Mentions = append(c.Mentions, id)
		}
	}
	return c
}

func (v voice) lead(news string) string {
	lead := news
	if v.to == incident.PlacePerson {
		lead = string(v.s.Stream) + ": " + news
	}
	return flat(v.s, lead)
}

// words is text that a person wrote, nothing where it may not be said.
func (v voice) words(t incident.Sealed) string {
	if v.closed {
		return ""
	}
	return Plain(t.String())
}

// short is words on one line.
func (v voice) short(t incident.Sealed) string {
	if v.closed {
		return ""
	}
	return Line(t.String(), maxLine)
}

// title is how the incident is called at this place.
func (v voice) title() string {
	if v.closed {
		return Line(v.s.Codename, maxLine)
	}
	return Line(v.s.Title.String(), maxLine)
}

func (v voice) who(id incident.PersonID) string {
	if v.closed && id != v.person {
		return "somebody"
	}
	return Who(v.s, id)
}

func (v voice) by() string { return v.who(v.r.By) }

func (v voice) direct() bool { return v.to == incident.PlacePerson }

func (v voice) button(label, words string) Button {
	return Button{Label: label, Words: words, Stream: v.s.Stream}
}

func (v voice) form(label, verb string) Button {
	return Button{Label: label, Words: verb, Opens: verb, Stream: v.s.Stream}
}

func (v voice) primary(label, words string) Button {
	b := v.button(label, words)
	b.Style = "primary"
	return b
}

// room is a button that leads a direct message's reader to the room.
func (v voice) room() []Button {
	if !v.direct() || v.s.Room.URL == "" || v.s.Room.Lost != "" {
		return nil
	}
	return []Button{{Label: "Open the room", URL: v.s.Room.URL, Stream: v.s.Stream}}
}

func text(t string) Block         { return Block{Text: t} }
func small(lines ...string) Block { return Block{Context: keep(lines)} }
func buttons(b ...Button) Block   { return Block{Buttons: b} }
func quoted(words string) Block   { return Block{Text: quote(words)} }
func because(words string) Block  { return Block{Text: prefixed("Why: ", words)} }

// prefixed puts a word before a text, where there is a text.
func prefixed(before, t string) string {
	if t == "" {
		return ""
	}
	return before + t
}

func (b Block) empty() bool {
	return b.Header == "" && b.Text == "" && len(b.Fields)+len(b.Context)+len(b.Buttons) == 0 && !b.Divider
}

const maxQuoted = 80 // lines; each costs two more characters of Slack's 3000

// quote marks every line as somebody's words.
func quote(words string) string {
	if words == "" {
		return ""
	}
	lines := strings.Split(words, "\n")
	if len(lines) > maxQuoted {
		lines = append(lines[:maxQuoted:maxQuoted], "…")
	}
	return "> " + strings.Join(lines, "\n> ")
}

func keep(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

// head says which incident a message outside the room is about.
func head(s incident.State, closed bool) string {
	parts := []string{string(s.Stream)}
	if sev := s.Severity.String(); sev != "" {
		parts = append(parts, sev)
	}
	name := Line(s.Name(), maxLine)
	if closed {
		name = Line(s.Codename, maxLine)
	}
	parts = append(parts, name)
	if isSlackChannel(s.Room.Channel) && s.Room.Lost == "" {
		parts = append(parts, "<#"+s.Room.Channel+">")
	}
	return strings.Join(keep(parts), " · ")
}

func isSlackChannel(id string) bool {
	return len(id) > 1 && (id[0] == 'C' || id[0] == 'G') && isSlackUser("U"+id[1:])
}

// announce is one line for those who only want to know.
func (v voice) announce() Card {
	c := v.say()
	if c.IsZero() {
		return c
	}
	a := Announcement(v.s, v.r.At)
	if _, ok := v.r.Event.(incident.Updated); ok && !v.s.Private && !v.s.Privilege.All {
		a.Blocks = append(a.Blocks, quoted(v.words(v.s.Update)))
	}
	return a
}
