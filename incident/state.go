package incident

import "time"

// State is what deciding needs to know of a stream, and no more: it does not grow
// with chatter. A store keeps it as a snapshot.
type State struct {
	Stream    ID        `json:"stream"`
	Workspace string    `json:"workspace"`
	Version   int64     `json:"version"` // moves with every commit
	Erased    int64     `json:"-"`       // how many erasures there had been, anywhere, when its texts were read
	Seq       int64     `json:"seq"`     // number of the last event
	Exists    bool      `json:"exists"`
	Declared  time.Time `json:"declared,omitzero"` // recorded
	Declarer  PersonID  `json:"declarer,omitempty"`

	Title    Sealed   `json:"title,omitzero"`
	Codename string   `json:"codename,omitempty"`
	Severity Severity `json:"severity,omitempty"`
	Type     string   `json:"type,omitempty"`
	Private  bool     `json:"private,omitempty"`
	Drill    bool     `json:"drill,omitempty"`
	Plan     string   `json:"plan,omitempty"` // digest of the plan it follows
	Status   Status   `json:"status,omitempty"`
	Phase    Phase    `json:"phase,omitempty"`
	Into     ID       `json:"into,omitempty"`    // merged into
	Merging  ID       `json:"merging,omitempty"` // asked to be merged into
	Related  []ID     `json:"related,omitempty"`

	Room      Room                 `json:"room,omitzero"`
	Messages  map[View]MessageRef  `json:"messages,omitempty"`
	People    map[PersonID]Part    `json:"people,omitempty"`
	Posts     map[Role]Post        `json:"posts,omitempty"`
	Times     Times                `json:"times,omitzero"`
	Clocks    map[ClockName]Clock  `json:"clocks,omitempty"`
	Paging    Paging               `json:"paging,omitzero"`
	Scope     []ScopeItem          `json:"scope,omitempty"`
	Tasks     []TaskItem           `json:"tasks,omitempty"`
	Items     []ActionItem         `json:"items,omitempty"`
	Listed    map[Phase]bool       `json:"listed,omitempty"` // phases whose checklist was laid out
	Hidden    map[int64]bool       `json:"hidden,omitempty"` // entries out of sight
	Kept      map[string]bool      `json:"kept,omitempty"`   // "channel/ts" of messages kept as key events
	Update    Sealed               `json:"update,omitzero"`  // the latest status update
	Report    Report               `json:"report,omitzero"`
	Hold      map[string]Held      `json:"hold,omitempty"`     // of a register: by whose hold it is
	Reminded  map[string]time.Time `json:"reminded,omitempty"` // by what was reminded of
	Severest  Severity             `json:"severest,omitempty"`
	Secrets   SecretsAt            `json:"secrets,omitzero"`
	Cards     []CardPosted         `json:"cards,omitempty"`  // messages that wait for an answer to a page
	Doubts    []Doubt              `json:"doubts,omitempty"` // what is not believed
	Privilege Privilege            `json:"privilege,omitzero"`
	Drilling  *Drilling            `json:"drilling,omitempty"` // the scenario that is played here
	Deeds     []Deed               `json:"deeds,omitempty"`
	Frozen    Freezing             `json:"frozen,omitzero"`
	Roster    []RosterItem         `json:"roster,omitempty"`
	LegalHold LegalHold            `json:"legal_hold,omitzero"`
	Signals   []SignalAt           `json:"signals,omitempty"`    // groups that were told of, at most MaxSignals
	Looks     []Look               `json:"looks,omitempty"`      // that go on
	LookCount int                  `json:"look_count,omitempty"` // how many there were

	Exceptions     []Exception `json:"exceptions,omitempty"`      // of the register: those that hold
	ExceptionCount int         `json:"exception_count,omitempty"` // how many there were
}

// Room is the channel of an incident.
type Room struct {
	Channel string `json:"channel,omitempty"`
	Name    string `json:"name,omitempty"`
	URL     string `json:"url,omitempty"`
	Lost    string `json:"lost,omitempty"` // why it is gone
}

// TimeKind is one of the times an incident has of its own.
type TimeKind string

// The times. Metrics and regulatory clocks read them.
const (
	Impact    TimeKind = "impact"    // start of impact
	Detected  TimeKind = "detection" // first detected, by anybody or anything
	Awareness TimeKind = "awareness" // the organisation became aware; a person's decision
)

// Times are set by people or by what happened. Zero: not known.
type Times struct {
	Impact       time.Time `json:"impact,omitzero"`
	Detected     time.Time `json:"detected,omitzero"`
	Awareness    time.Time `json:"awareness,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Contained    time.Time `json:"contained,omitzero"`
	Resolved     time.Time `json:"resolved,omitzero"`
	Closed       time.Time `json:"closed,omitzero"`
	Updated      time.Time `json:"updated,omitzero"` // last status update
	Heard        time.Time `json:"heard,omitzero"`   // last anything from a responder
}

// ClockName names a clock: "acknowledge", "update", "contain", "resolve" are the
// targets of the severity; "rung", "quiet", "offer", "postmortem", "task/3", "item/2"
// are ours.
type ClockName string

// The clocks.
const (
	ClockAck        ClockName = "acknowledge"
	ClockUpdate     ClockName = "update"
	ClockContain    ClockName = "contain"
	ClockResolve    ClockName = "resolve"
	ClockRung       ClockName = "rung"       // when the next rung fires
	ClockQuiet      ClockName = "quiet"      // acknowledged, but silent
	ClockPostMortem ClockName = "postmortem" // published by then
)

// Stage is which bell of a clock rings.
type Stage string

// The bells. Remind bells come between Warn and Due, for clocks that have them.
const (
	StageWarn   Stage = "warn"
	StageRemind Stage = "remind"
	StageDue    Stage = "due"
)

// Clock is a target with its time.
type Clock struct {
	Due      time.Time `json:"due"`
	Warn     time.Time `json:"warn,omitzero"`
	Armed    int64     `json:"armed"` // number of the event that armed it; an older Wake is stale
	Warned   bool      `json:"warned,omitempty"`
	Breached bool      `json:"breached,omitempty"`
	Stopped  bool      `json:"stopped,omitempty"`
	Met      bool      `json:"met,omitempty"`
	At       time.Time `json:"at,omitzero"` // when it was stopped
}

// Running reports whether the clock may still ring.
func (c Clock) Running() bool { return !c.Due.IsZero() && !c.Stopped }

// PageID names one page: the number of the event that owed it, as text.
type PageID string

// Paging is where the ladder stands.
type Paging struct {
	Ladder   Ladder            `json:"ladder,omitzero"`
	Running  bool              `json:"running,omitempty"`
	Ended    bool              `json:"ended,omitempty"` // exhausted
	Rung     int               `json:"rung,omitempty"`
	Round    int               `json:"round,omitempty"`
	Pages    map[PageID]PageAt `json:"pages,omitempty"`
	AckedBy  PersonID          `json:"acked_by,omitempty"`
	AckedVia Door              `json:"acked_via,omitempty"`
	AskedAt  time.Time         `json:"asked_at,omitzero"` // asked whether they are still at it
}

// Answered reports whether nothing is asked any more of those a page reached: somebody
// has the incident, or, of a page by name, has answered since it went out. Who pages a
// specialist by name does so because whoever has it already needs them.
func (p Paging) Answered(id PageID) bool {
	if at := p.Pages[id]; at.To != "" {
		return at.Told
	}
	return p.AckedBy != ""
}

// PageAt is one page and what became of it.
type PageAt struct {
	At      time.Time  `json:"at"`
	Rung    int        `json:"rung"`
	To      PersonID   `json:"to,omitempty"`
	Why     Sealed     `json:"why,omitzero"` // of a page by name
	People  []PersonID `json:"people,omitempty"`
	Vendor  VendorRef  `json:"vendor,omitzero"`
	Taken   bool       `json:"taken,omitempty"`
	Skipped bool       `json:"skipped,omitempty"`
	Trouble string     `json:"trouble,omitempty"`
	AckedBy PersonID   `json:"acked_by,omitempty"`
	Again   bool       `json:"again,omitempty"`
	Told    bool       `json:"told,omitempty"` // the pager knows of an acknowledgement; it will echo it
	Def     Rung       `json:"def,omitzero"`   // the rung as the plan had it
}

// ScopeKind is what kind of thing is affected.
type ScopeKind string

// The kinds of scope.
const (
	ScopeHost      ScopeKind = "host"
	ScopeIdentity  ScopeKind = "identity"
	ScopeService   ScopeKind = "service"
	ScopeData      ScopeKind = "data"
	ScopeIndicator ScopeKind = "indicator"
)

// ScopeState is how sure we are.
type ScopeState string

// The states of scope.
const (
	Suspected ScopeState = "suspected"
	Confirmed ScopeState = "confirmed"
	Cleared   ScopeState = "cleared"
)

// ScopeItem is one affected thing. N counts from 1.
type ScopeItem struct {
	N     int        `json:"n"`
	Kind  ScopeKind  `json:"kind"`
	Name  Sealed     `json:"name"`
	State ScopeState `json:"state"`
	By    PersonID   `json:"by"`
	At    time.Time  `json:"at"`
}

// TaskItem is one task of the response. N counts from 1.
type TaskItem struct {
	N         int       `json:"n"`
	Text      Sealed    `json:"text"`
	Phase     Phase     `json:"phase"`
	Owner     PersonID  `json:"owner,omitempty"`
	Due       time.Time `json:"due,omitzero"`
	Done      bool      `json:"done,omitempty"`
	DoneBy    PersonID  `json:"done_by,omitempty"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	Checklist bool      `json:"checklist,omitempty"`
}

// ActionItem is one thing to do so that it does not happen again. N counts from 1.
type ActionItem struct {
	N      int         `json:"n"`
	Text   Sealed      `json:"text"`
	Kind   string      `json:"kind"`
	Owner  PersonID    `json:"owner,omitempty"`
	Due    time.Time   `json:"due,omitzero"`
	Done   bool        `json:"done,omitempty"`
	Number int         `json:"number,omitempty"` // issue number once filed
	URL    string      `json:"url,omitempty"`
	From   *MessageRef `json:"from,omitempty"`
	Seq    int64       `json:"seq,omitempty"` // of the entry that added it
}

// Report is the post-mortem.
type Report struct {
	Drafted  time.Time         `json:"drafted,omitzero"`
	Owner    PersonID          `json:"owner,omitempty"`
	Due      time.Time         `json:"due,omitzero"`
	Sections map[string]Sealed `json:"sections,omitempty"`
	Asked    int64             `json:"asked,omitempty"` // number of the latest PublishAsked
	Told     int64             `json:"told,omitempty"`  // number of the latest PostMortemPublished
	Repo     string            `json:"repo,omitempty"`
	Number   int               `json:"number,omitempty"`
	URL      string            `json:"url,omitempty"`
	At       time.Time         `json:"at,omitzero"` // last published
	Trouble  string            `json:"trouble,omitempty"`
	Late     int               `json:"late,omitempty"`    // the last step of telling others that it is overdue
	LateTo   []PersonID        `json:"late_to,omitempty"` // who was told
}

// Freezing is that no deed is done here, since when and by whom.
type Freezing struct {
	Is bool      `json:"is,omitempty"`
	By PersonID  `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
}

// RosterItem is an identity whose credentials have to be reset. N counts from 1.
type RosterItem struct {
	N      int      `json:"n"`
	Name   Sealed   `json:"name"`
	Done   bool     `json:"done,omitempty"`
	Waived bool     `json:"waived,omitempty"`
	Deed   int      `json:"deed,omitempty"`
	By     PersonID `json:"by,omitempty"`
}

// Name is how the incident may be called outside its room: the codename of a
// confidential one, the title of any other.
func (s State) Name() string {
	if s.Private {
		return s.Codename
	}
	return s.Title.String()
}

// Live reports whether there is an incident that is not closed or merged.
func (s State) Live() bool { return s.Exists && s.Status != Closed && s.Status != Merged }

// Holder is who holds a role; "" when nobody does.
func (s State) Holder(r Role) PersonID { return s.Posts[r].Holder }

// Person returns what is known of a person in this incident.
func (s State) Person(id PersonID) Person {
	if p, ok := s.People[id]; ok {
		return p.Person
	}
	return Person{ID: id}
}

// IsExcluded reports whether the person is barred from the incident.
func (s State) IsExcluded(id PersonID) bool { return s.People[id].Excluded }

// MaySee reports whether a person may be shown anything of the incident: never when
// excluded; a confidential incident only to those who were brought in.
func (s State) MaySee(id PersonID) bool {
	part, met := s.People[id]
	if part.Excluded {
		return false
	}
	return !s.Private || met && (part.Joined || part.Observer || id == s.Declarer || s.holdsAny(id) || s.paged(id))
}

// paged reports whether somebody was paged for this incident: they need to know.
func (s State) paged(id PersonID) bool {
	for _, p := range s.Paging.Pages {
		if p.To == id && id != "" || has(p.People, id) {
			return true
		}
	}
	return false
}

func (s State) holdsAny(id PersonID) bool {
	for _, p := range s.Posts {
		if p.Holder == id || p.Offered == id {
			return true
		}
	}
	return false
}
