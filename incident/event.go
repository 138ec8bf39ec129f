package incident

import "time"

// Event is what became true. Events are the timeline, the audit trail and the
// post-mortem's source; they are never changed, only followed by others.
type Event interface{ event() }

// Recorded is an event on its line of the record.
type Recorded struct {
	Stream   ID
	Seq      int64     // 1, 2, 3 … within the stream
	At       time.Time // recorded, UTC
	Occurred time.Time // in the world, UTC
	By       PersonID
	Via      Door
	Root     CommandID
	Event    Event
	Hash     string // hex SHA-256 over the line before and this one's stored bytes
}

// The events. Times inside them are UTC. Text that a person wrote is Sealed.
type (
	// Declared opens the record. Every value taken from the plan is in it.
	Declared struct {
		ID       ID          `json:"id"`
		Title    Sealed      `json:"title"`
		Codename string      `json:"codename"`
		Severity Severity    `json:"severity"`
		Type     string      `json:"type"`
		Private  bool        `json:"private,omitempty"`
		Drill    bool        `json:"drill,omitempty"`
		Plan     string      `json:"plan"` // digest
		From     *MessageRef `json:"from,omitempty"`
		FromText Sealed      `json:"from_text,omitzero"`
	}
	// Met says a person touched the incident for the first time, with their accounts.
	Met struct {
		Person Person `json:"person"`
	}
	// Excluded bars a person, or lifts that.
	Excluded struct {
		Person PersonID `json:"person"`
		Lifted bool     `json:"lifted,omitempty"`
	}
	// RoomOpened says the room is there.
	RoomOpened struct {
		Channel string `json:"channel"`
		Name    string `json:"name"`
		URL     string `json:"url,omitempty"`
	}
	// Intruded says somebody is in the room who should not be.
	Intruded struct {
		Person   PersonID `json:"person"`
		Excluded bool     `json:"excluded,omitempty"` // was barred; false: nobody brought them in
	}
	// RoomLost says the channel was archived or deleted while the incident was open.
	RoomLost struct {
		Why string `json:"why"`
	}
	// RoomWanted says a new room is to be opened in place of the lost one.
	RoomWanted struct{}
	// MessagePinned says where a kept-up message lives.
	MessagePinned struct {
		View    View   `json:"view"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	}
	// SeveritySet changes the severity.
	SeveritySet struct {
		From   Severity `json:"from"`
		To     Severity `json:"to"`
		Reason Sealed   `json:"reason,omitzero"`
	}
	// Retitled changes the title.
	Retitled struct {
		Title Sealed `json:"title"`
	}
	// TypeSet changes the type.
	TypeSet struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	// Scoped says what stands where, item N from 1.
	Scoped struct {
		N     int        `json:"n"`
		Kind  ScopeKind  `json:"kind"`
		Name  Sealed     `json:"name"`
		State ScopeState `json:"state"`
		Note  Sealed     `json:"note,omitzero"`
	}
	// TimeSet sets one of the incident's own times.
	TimeSet struct {
		Which TimeKind  `json:"which"`
		At    time.Time `json:"at"`
		Why   Sealed    `json:"why,omitzero"`
	}
	// RoleTaken says who holds a role now.
	RoleTaken struct {
		Role   Role     `json:"role"`
		Person PersonID `json:"person"`
		From   PersonID `json:"from,omitempty"`
	}
	// RoleOffered says to whom a role was offered; the holder keeps it meanwhile.
	RoleOffered struct {
		Role Role     `json:"role"`
		To   PersonID `json:"to"`
	}
	// RoleDeclined says the offer was declined.
	RoleDeclined struct {
		Role   Role     `json:"role"`
		Person PersonID `json:"person"`
	}
	// Joined says somebody is a responder or observer now.
	Joined struct {
		Person   PersonID `json:"person"`
		Observer bool     `json:"observer,omitempty"`
	}
	// VendorNoted records what a vendor said that changed nothing here by itself.
	VendorNoted struct {
		Vendor VendorRef `json:"vendor"`
		Kind   string    `json:"kind"`
		Who    PersonID  `json:"who,omitempty"`
		Text   Sealed    `json:"text,omitzero"`
	}
	// ClockSet arms a clock. Warn is zero for clocks without a warning.
	ClockSet struct {
		Clock ClockName `json:"clock"`
		Due   time.Time `json:"due"`
		Warn  time.Time `json:"warn,omitzero"`
	}
	// ClockStopped ends a clock; Met says its target was kept.
	ClockStopped struct {
		Clock ClockName `json:"clock"`
		Met   bool      `json:"met,omitempty"`
	}
	// ClockWarned says a target is near.
	ClockWarned struct {
		Clock ClockName `json:"clock"`
		Due   time.Time `json:"due"`
	}
	// ClockBreached says a target was missed. A breach stays one.
	ClockBreached struct {
		Clock ClockName `json:"clock"`
		Due   time.Time `json:"due"`
	}
	// Updated is a status update.
	Updated struct {
		Text Sealed `json:"text"`
	}
	// Noted is a line somebody put on the timeline.
	Noted struct {
		Text Sealed `json:"text"`
	}
	// Kept is a message of the room that is a key event.
	Kept struct {
		Ref    MessageRef `json:"ref"`
		Author PersonID   `json:"author"`
		Text   Sealed     `json:"text"`
	}
	// TaskAdded adds task N, from 1.
	TaskAdded struct {
		N         int       `json:"n"`
		Text      Sealed    `json:"text"`
		Phase     Phase     `json:"phase"`
		Owner     PersonID  `json:"owner,omitempty"`
		Due       time.Time `json:"due,omitzero"`
		Checklist bool      `json:"checklist,omitempty"` // from the plan's checklist for type and phase
	}
	// TaskChanged changes task N; what is nil stays.
	TaskChanged struct {
		N     int        `json:"n"`
		Owner *PersonID  `json:"owner,omitempty"`
		Due   *time.Time `json:"due,omitempty"`
		Done  *bool      `json:"done,omitempty"`
	}
	// PhaseSet moves the response on.
	PhaseSet struct {
		From Phase `json:"from"`
		To   Phase `json:"to"`
	}
	// EntryEdited corrects an entry of the timeline.
	EntryEdited struct {
		Seq  int64     `json:"seq"`
		Text Sealed    `json:"text,omitzero"`
		When time.Time `json:"when,omitzero"`
		Why  Sealed    `json:"why,omitzero"`
	}
	// EntryHidden takes an entry out of what is shown.
	EntryHidden struct {
		Seq int64  `json:"seq"`
		Why Sealed `json:"why"`
	}
	// Redacted erased the text of an entry for good.
	Redacted struct {
		Seq  int64    `json:"seq"`
		Refs []string `json:"refs"` // digests whose text, salt and key are gone
		Why  string   `json:"why"`  // named by kind only ("password pasted"), never the text itself
	}
	// MergeAsked says this incident is on its way into another.
	MergeAsked struct {
		Into ID `json:"into"`
	}
	// MergedAway ended this incident in another.
	MergedAway struct {
		Into ID `json:"into"`
	}
	// TookMerged says another incident was merged into this one.
	TookMerged struct {
		From ID `json:"from"`
	}
	// LinkedTo relates two incidents.
	LinkedTo struct {
		To ID `json:"to"`
	}
	// WasResolved says it is over.
	WasResolved struct {
		Text Sealed `json:"text,omitzero"`
	}
	// WasReopened says it is not.
	WasReopened struct {
		Why Sealed `json:"why,omitzero"`
	}
	// WasClosed files it away.
	WasClosed struct {
		Waived Sealed `json:"waived,omitzero"`
	}
	// ItemAdded adds action item N, from 1.
	ItemAdded struct {
		N     int         `json:"n"`
		Text  Sealed      `json:"text"`
		Kind  string      `json:"kind"`
		Owner PersonID    `json:"owner,omitempty"`
		Due   time.Time   `json:"due,omitzero"`
		From  *MessageRef `json:"from,omitempty"`
	}
	// ItemChanged changes action item N; what is nil stays.
	ItemChanged struct {
		N     int        `json:"n"`
		Owner *PersonID  `json:"owner,omitempty"`
		Due   *time.Time `json:"due,omitempty"`
		Done  *bool      `json:"done,omitempty"`
	}
	// ItemIsFiled says which issue stands for action item N.
	ItemIsFiled struct {
		N      int    `json:"n"`
		Number int    `json:"number"`
		URL    string `json:"url"`
	}
	// PostMortemDrafted says the draft is there and when it is due.
	PostMortemDrafted struct {
		Owner PersonID  `json:"owner,omitempty"`
		Due   time.Time `json:"due,omitzero"`
	}
	// PostMortemEdited sets one section.
	PostMortemEdited struct {
		Section string `json:"section"`
		Text    Sealed `json:"text"`
	}
	// PublishAsked says who asked for the issue to be written, and why what is
	// privileged may leave with it.
	PublishAsked struct {
		Waived Sealed `json:"waived,omitzero"` // since version 2
	}
	// PostMortemPublished says where the issue is.
	PostMortemPublished struct {
		Repo    string `json:"repo"`
		Number  int    `json:"number"`
		URL     string `json:"url"`
		Trouble string `json:"trouble,omitempty"`
	}
	// Reminded says the owner of the post-mortem was reminded.
	Reminded struct {
		Person PersonID `json:"person,omitempty"`
		What   string   `json:"what"`
	}
	// EffectDied says something the world owed will not happen, and why.
	EffectDied struct {
		Effect EffectID `json:"effect"`
		Kind   string   `json:"kind"`
		Why    string   `json:"why"`
	}
	// EffectDropped says something was no longer wanted when its time came.
	EffectDropped struct {
		Effect EffectID `json:"effect"`
		Kind   string   `json:"kind"`
		Why    string   `json:"why"`
	}
	// PlanAdopted says the incident follows a newer plan now.
	PlanAdopted struct {
		Plan string `json:"plan"` // digest
	}
)

func (Declared) event()            {}
func (Met) event()                 {}
func (Excluded) event()            {}
func (RoomOpened) event()          {}
func (Intruded) event()            {}
func (RoomLost) event()            {}
func (RoomWanted) event()          {}
func (MessagePinned) event()       {}
func (SeveritySet) event()         {}
func (Retitled) event()            {}
func (TypeSet) event()             {}
func (Scoped) event()              {}
func (TimeSet) event()             {}
func (RoleTaken) event()           {}
func (RoleOffered) event()         {}
func (RoleDeclined) event()        {}
func (Joined) event()              {}
func (VendorNoted) event()         {}
func (ClockSet) event()            {}
func (ClockStopped) event()        {}
func (ClockWarned) event()         {}
func (ClockBreached) event()       {}
func (Updated) event()             {}
func (Noted) event()               {}
func (Kept) event()                {}
func (TaskAdded) event()           {}
func (TaskChanged) event()         {}
func (PhaseSet) event()            {}
func (EntryEdited) event()         {}
func (EntryHidden) event()         {}
func (Redacted) event()            {}
func (MergeAsked) event()          {}
func (MergedAway) event()          {}
func (TookMerged) event()          {}
func (LinkedTo) event()            {}
func (WasResolved) event()         {}
func (WasReopened) event()         {}
func (WasClosed) event()           {}
func (ItemAdded) event()           {}
func (ItemChanged) event()         {}
func (ItemIsFiled) event()         {}
func (PostMortemDrafted) event()   {}
func (PostMortemEdited) event()    {}
func (PublishAsked) event()        {}
func (PostMortemPublished) event() {}
func (Reminded) event()            {}
func (EffectDied) event()          {}
func (EffectDropped) event()       {}
func (PlanAdopted) event()         {}
