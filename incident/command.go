package incident

import "time"

// Command is what a person, a sensor, a vendor or a timer asks for.
type Command interface{ command() }

// Commands of people.
type (
	// Declare opens an incident. Title is required.
	Declare struct {
		Title    string
		Severity Severity // zero: the type's own, or the plan's default
		Type     string   // "" takes the plan's default
		Assets   []string // named at declaration: suspected hosts, services, identities
		Private  bool
		Drill    bool
		Exercise *Exercise   // the scenario of a drill
		Exclude  []Person    // takes effect before the first invite
		From     *MessageRef // declared from this message
		FromText string      // what that message said
		VendorID string      // PagerDuty incident this came from; claimed, so that it declares once
		// Signals are the group that declares it, and so only once; Title may be empty then.
		Signals *SignalGroup
	}
	// SetSeverity changes the severity. A downgrade needs a Reason.
	SetSeverity struct {
		Severity Severity
		Reason   string
	}
	// Retitle changes the title.
	Retitle struct{ Title string }
	// SetType changes the incident type to one the plan knows.
	SetType struct{ Type string }
	// MarkScope says what stands where: a host suspected, an identity confirmed, …
	MarkScope struct {
		Kind  ScopeKind
		Name  string // refanged and normalised by the grammar
		State ScopeState
		Note  string
	}
	// SetTime sets awareness, start of impact or detection, with the reason.
	SetTime struct {
		Which TimeKind
		At    time.Time
		Why   string
	}
	// Exclude bars a person from the incident; Lift ends that.
	Exclude struct {
		Person Person
		Lift   bool
	}
	// AssignRole gives a role that nobody holds, or takes it for oneself.
	AssignRole struct {
		Role Role
		To   Person
	}
	// OfferRole offers a held role to somebody; the holder keeps it until AcceptRole.
	OfferRole struct {
		Role Role
		To   Person
	}
	// AcceptRole accepts what was offered.
	AcceptRole struct{ Role Role }
	// DeclineRole declines what was offered.
	DeclineRole struct{ Role Role }
	// Join makes the asker (or Person, when given) a responder, or an observer.
	Join struct {
		Person   *Person
		Observer bool
	}
	// PageNow pages a person or runs a named ladder, beside whatever runs already.
	PageNow struct {
		Person *Person
		Ladder string
		Why    string
	}
	// Acknowledge answers the page. TakeDuty is "I have it": it counts from anybody
	// who may respond, the declarer included.
	Acknowledge struct{ TakeDuty bool }
	// Unacknowledge takes the answer back: the ladder runs again.
	Unacknowledge struct{ Why string }
	// PostUpdate is a status update for everybody who follows the incident.
	PostUpdate struct{ Text string }
	// AddNote puts a line on the timeline. Occurred of the envelope dates it.
	AddNote struct{ Text string }
	// KeepMessage keeps a message of the room as a key event.
	KeepMessage struct {
		Ref    MessageRef
		Author Person
		Text   string
	}
	// AddTask adds a task of the response.
	AddTask struct {
		Text  string
		Owner *Person
		Due   time.Time
	}
	// ChangeTask assigns, dates, finishes or reopens task N. Only what is given changes.
	ChangeTask struct {
		N     int
		Owner *Person
		Due   *time.Time
		Done  *bool
	}
	// SetPhase moves the response to a phase.
	SetPhase struct{ Phase Phase }
	// EditEntry corrects entry Seq of the timeline; the first text is kept.
	EditEntry struct {
		Seq      int64
		Text     string
		Occurred time.Time // zero: unchanged
		Why      string
	}
	// HideEntry takes entry Seq out of what is shown; the record keeps it.
	HideEntry struct {
		Seq int64
		Why string
	}
	// MergeInto asks another incident to take this one in; it ends when that one has.
	MergeInto struct{ Into ID }
	// Relate links two incidents.
	Relate struct{ To ID }
	// Resolve says the incident is over. Text says how, and becomes the summary.
	Resolve struct{ Text string }
	// Reopen takes a resolved or closed incident up again.
	Reopen struct{ Why string }
	// Close files it away. Refused while duties are open; each is named.
	Close struct{ Waive string }
	// AddItem adds a post-mortem action item.
	AddItem struct {
		Text  string
		Kind  string // prevent, detect, respond, process
		Owner *Person
		Due   time.Time
		From  *MessageRef
	}
	// ChangeItem changes action item N. Only what is given changes.
	ChangeItem struct {
		N     int
		Owner *Person
		Due   *time.Time
		Done  *bool
	}
	// EditPostMortem sets one section of the post-mortem.
	EditPostMortem struct {
		Section string
		Text    string
	}
	// PublishPostMortem asks for the GitHub issue to be written or brought up to date.
	// Waive is why what is marked as privileged may leave all the same.
	PublishPostMortem struct{ Waive string }
	// RemindPostMortem reminds whoever owns the post-mortem now.
	RemindPostMortem struct{}
	// AdoptPlan takes up the current plan in place of the one recorded.
	AdoptPlan struct{}
	// Redact erases the text of entry Seq for good, keeping the line.
	Redact struct {
		Seq  int64
		Refs []string // the Sealed texts of the entry; the engine fills them from the record
		Held ID       // another incident, under legal hold, that one of them belongs to; the engine fills it
		Why  string
	}
	// NewRoom opens another room when the first is gone or never opened.
	NewRoom struct{}
	// Heard says a responder is at work in the room: silence after an
	// acknowledgement is over.
	Heard struct{}
)

// Commands that effects, vendors and clocks come back with.
type (
	// RoomIsOpen answers OpenRoom.
	RoomIsOpen struct{ Channel, Name, URL string }
	// Entered says somebody is in the room now, by whatever way.
	Entered struct{ Person Person }
	// RoomIsGone says the channel was deleted or archived under us.
	RoomIsGone struct{ Why string }
	// MessageIsUp answers a Refresh that posted for the first time.
	MessageIsUp struct {
		View    View
		Channel string
		TS      string
	}
	// PageTaken answers Page: the vendor took it, for these people.
	PageTaken struct {
		Page   PageID
		People []Person
		Vendor VendorRef
	}
	// PageTroubled is told while a page does not go through; the trying goes on.
	PageTroubled struct {
		Page   PageID
		Why    string
		People []Person // who it was for, from the cache
	}
	// PageSkipped answers Page when nobody on the rung may be paged.
	PageSkipped struct {
		Page PageID
		Why  string
	}
	// VendorSaid is a webhook about a page or an incident of ours.
	VendorSaid struct {
		Vendor VendorRef
		Kind   string // the vendor's event type, e.g. "incident.acknowledged"
		Who    Person
		People []Person // to whom it was reassigned or escalated
		Text   string
	}
	// Tick is a clock that woke up.
	Tick struct {
		Clock ClockName
		Stage Stage
		Armed int64 // number of the event that armed it
	}
	// Published answers Publish.
	Published struct {
		Repo    string
		Number  int
		URL     string
		Trouble string // what the vendor dropped or refused on the way, in a sentence
	}
	// ItemFiled answers FileItem.
	ItemFiled struct {
		N      int
		Number int
		URL    string
	}
	// EffectFailed is the engine's word that an effect gave up.
	EffectFailed struct {
		Effect EffectID
		Kind   string
		Why    string
	}
	// EffectStale is the engine's word that an effect was no longer wanted.
	EffectStale struct {
		Effect EffectID
		Kind   string
		Why    string
	}
	// TakeMerged arrives at the incident another one was merged into.
	// The engine fills Source when it performs the Tell.
	TakeMerged struct {
		From   ID
		Source *State `json:"-"`
	}
	// MergeTaken answers TakeMerged: this incident ends in that one.
	MergeTaken struct{ Into ID }
	// TakeRelated arrives at the incident another one was related to.
	TakeRelated struct{ From ID }
	// Nudge is a scheduled sweep's question: is anything overdue here?
	Nudge struct{ Sweep string }
)

func (Declare) command()           {}
func (SetSeverity) command()       {}
func (Retitle) command()           {}
func (SetType) command()           {}
func (MarkScope) command()         {}
func (SetTime) command()           {}
func (Exclude) command()           {}
func (AssignRole) command()        {}
func (OfferRole) command()         {}
func (AcceptRole) command()        {}
func (DeclineRole) command()       {}
func (Join) command()              {}
func (PageNow) command()           {}
func (Acknowledge) command()       {}
func (Unacknowledge) command()     {}
func (PostUpdate) command()        {}
func (AddNote) command()           {}
func (KeepMessage) command()       {}
func (AddTask) command()           {}
func (ChangeTask) command()        {}
func (SetPhase) command()          {}
func (EditEntry) command()         {}
func (HideEntry) command()         {}
func (MergeInto) command()         {}
func (Relate) command()            {}
func (Resolve) command()           {}
func (Reopen) command()            {}
func (Close) command()             {}
func (AddItem) command()           {}
func (ChangeItem) command()        {}
func (EditPostMortem) command()    {}
func (PublishPostMortem) command() {}
func (RemindPostMortem) command()  {}
func (AdoptPlan) command()         {}
func (Redact) command()            {}
func (NewRoom) command()           {}
func (Heard) command()             {}
func (MergeTaken) command()        {}
func (RoomIsOpen) command()        {}
func (Entered) command()           {}
func (RoomIsGone) command()        {}
func (MessageIsUp) command()       {}
func (PageTaken) command()         {}
func (PageTroubled) command()      {}
func (PageSkipped) command()       {}
func (VendorSaid) command()        {}
func (Tick) command()              {}
func (Published) command()         {}
func (ItemFiled) command()         {}
func (EffectFailed) command()      {}
func (EffectStale) command()       {}
func (TakeMerged) command()        {}
func (TakeRelated) command()       {}
func (Nudge) command()             {}
