package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (d *deciding) declare(c Declare) error {
	if d.a.By.Standing != System {
		if !d.a.By.Known() {
			return Refuse("unknown-person", "It is not known who you are.", "Ask an administrator to add you to the plan's people.")
		}
		if err := standing(d.a.By); err != nil {
			return err
		}
		if v := d.r.May(d.a.By, MayDeclare, d.s); !v.Allowed {
			return Refuse("not-entitled", v.Why, hintFor(MayDeclare))
		}
	}
	if err := d.checkExercise(c); err != nil {
		return err
	}
	var signals SignalGroup
	if c.Signals != nil {
		signals = cleanGroup(*c.Signals)
		c.Drill = c.Drill || signals.Drill
		if c.Title == "" {
			c.Title = signals.title()
		}
	}
	title, err := line("title", c.Title, MaxTitle)
	if err != nil {
		return err
	}
	if len(c.Assets) > 50 || len(c.Exclude) > 50 {
		return Refuse("too-many", "At most 50 assets and 50 people can be named at once.", "Add the others with `scope` and `exclude`.")
	}
	kind := c.Type
	if kind == "" {
		kind = d.r.DefaultType()
	}
	if err := d.knownType(kind); err != nil {
		return err
	}
	sev := c.Severity
	if sev == 0 {
		sev = d.r.DefaultSeverity(kind)
	}
	for _, p := range c.Exclude {
		if p.ID == d.a.By.ID {
			return Refuse("exclude-self", "You cannot exclude yourself from an incident you declare.", "Let somebody else declare it.")
		}
	}
	d.emit(Declared{
		ID: d.s.Stream, Title: Seal(title), Codename: d.codename(c.Private), Severity: sev, Type: kind,
		Private: c.Private, Drill: c.Drill, Plan: d.r.Digest(), From: c.From, FromText: Seal(c.FromText),
	})
	if c.VendorID != "" {
		d.c.Claims = append(d.c.Claims, "pd:"+c.VendorID)
	}
	// Exclusion precedes every invitation, page, note and home tab.
	for _, p := range c.Exclude {
		d.meet(p)
		d.emit(Excluded{Person: p.ID})
	}
	if d.a.By.Standing != System {
		d.meet(d.a.By)
		d.emit(Joined{Person: d.a.By.ID})
	}
	d.openRoom()
	if c.FromText != "" {
		d.say(PlaceRoom, "", false)
	}
	for _, a := range c.Assets {
		kind, name := ScopeHost, a
		if k, n, ok := strings.Cut(a, ":"); ok && slices.Contains(ScopeKinds(), ScopeKind(k)) {
			kind, name = ScopeKind(k), n
		}
		if err := d.scoped(MarkScope{Kind: kind, Name: name, State: Suspected}); err != nil {
			return err
		}
	}
	if c.Signals != nil {
		d.c.Claims = append(d.c.Claims, claimSignal(signals.ID))
		d.newSignal(signals)
	}
	d.layOut(Detection)
	d.startClocks(d.a.At)
	d.startLadder(d.r.Ladder(sev, kind), "")
	d.beginDrill(c.Exercise)
	return nil
}

func (d *deciding) knownType(kind string) error {
	types := d.r.Types()
	if slices.Contains(types, kind) {
		return nil
	}
	return Refuse("unknown-type", fmt.Sprintf("%q is not an incident type of the plan.", kind), "Types: "+strings.Join(types, ", ")+".")
}

// layOut makes tasks of the plan's checklist for a phase, once.
func (d *deciding) layOut(p Phase) {
	for _, item := range d.r.Checklist(d.s.Type, p) {
		d.emit(TaskAdded{N: len(d.s.Tasks) + 1, Text: Seal(item), Phase: p, Checklist: true})
	}
}

// roomIsOpen dresses the room and brings in who belongs there.
func (d *deciding) roomIsOpen(c RoomIsOpen) error {
	if d.s.Room.Channel == c.Channel {
		return nil
	}
	d.emit(RoomOpened(c))
	d.c.Claims = append(d.c.Claims, "slack:"+c.Channel)
	d.owe(DressRoom{}, laneRoom, RankAct, d.a.At, time.Time{})
	d.tellPager("bridge") // of pages that were faster than the room
	var people []Person
	for _, id := range sortedKeys(d.s.People) {
		if part := d.s.People[id]; part.Joined || part.Observer || d.s.holdsAny(id) || d.s.paged(id) {
			people = append(people, part.Person)
		}
	}
	people = append(people, d.r.Invitees(d.s.Severity, d.s.Type)...)
	for _, it := range d.s.Scope {
		people = append(people, d.r.Owners(it.Name.Text)...)
	}
	d.invite(people...)
	return nil
}

// invite owes one invitation a person, each in its own call, so that one bad id
// costs only itself. A confidential room takes nobody in by itself but those the
// plan names for it and those brought in by name.
func (d *deciding) invite(people ...Person) {
	if d.s.Room.Channel == "" {
		return // roomIsOpen invites everybody who was met until then
	}
	seen := map[PersonID]bool{}
	for _, p := range people {
		if p.ID == "" || seen[p.ID] || d.s.IsExcluded(p.ID) || p.Standing == System {
			continue
		}
		seen[p.ID] = true
		d.meet(p)
		if d.s.Person(p.ID).Slack != "" {
			d.owe(Invite{p.ID}, "invite", RankAct, d.a.At, time.Time{})
		}
	}
}

// newRoom asks for another room in place of one that was archived, deleted, or could
// not be opened. The names that are taken stay taken; the next free one is used.
func (d *deciding) newRoom() error {
	if d.s.Room.Lost == "" {
		if d.s.Room.Channel == "" {
			return Refuse("opening", "The room is being opened already.", "")
		}
		return Refuse("same", "The incident has its room: "+d.s.Room.Name+".", "")
	}
	d.emit(RoomWanted{})
	d.openRoom()
	return nil
}

// openRoom owes the room and, first thing in it, the summary.
func (d *deciding) openRoom() {
	d.owe(OpenRoom{}, laneRoom, RankAct, d.a.At, time.Time{})
	d.owe(Refresh{View: ViewSummary}, laneRoom, RankAct, d.a.At, time.Time{})
	d.merge("summary")
}

func (d *deciding) roomIsGone(c RoomIsGone) error {
	if d.s.Room.Lost != "" {
		return nil
	}
	d.emit(RoomLost(c))
	for _, who := range d.owners() {
		d.say(PlacePerson, who, true)
	}
	return nil
}

// codename words: short, speakable over a bad line, no meaning for any incident.
var (
	codeFirst  = strings.Fields("amber basalt cedar cobalt copper coral crimson dusky ember fallow flint granite hazel indigo ivory jasper juniper lunar maple misty onyx opal pewter quartz russet saffron sable silver slate umber velvet willow")
	codeSecond = strings.Fields("anchor beacon bison comet condor crane delta falcon fjord garnet glacier harbor heron ibis kestrel lagoon lantern lynx magpie mesa osprey otter pelican plover raven reef sparrow summit tern thicket walrus wren")
)

// Codename is what a confidential incident is called outside its room.
func Codename(id ID) string {
	var h uint32 = 2166136261
	for _, b := range []byte(id) {
		h = (h ^ uint32(b)) * 16777619 // FNV-1a: spread, not secrecy
	}
	a, b := codeFirst[h%uint32(len(codeFirst))], codeSecond[(h>>8)%uint32(len(codeSecond))]
	return strings.ToUpper(a[:1]) + a[1:] + " " + strings.ToUpper(b[:1]) + b[1:]
}
