package incident

import "time"

// CaptureKind says what was captured.
type CaptureKind string

// What happens in a room.
const (
	SaidMessage     CaptureKind = "message"
	SaidReply       CaptureKind = "reply" // in a thread
	SaidEdited      CaptureKind = "edited"
	SaidDeleted     CaptureKind = "deleted"
	FileShared      CaptureKind = "file"
	FileKept        CaptureKind = "file_kept" // its content is in the evidence store, or why it is not
	ReactionAdded   CaptureKind = "reaction_added"
	ReactionRemoved CaptureKind = "reaction_removed"
	MemberJoined    CaptureKind = "joined"
	MemberLeft      CaptureKind = "left"
	PinAdded        CaptureKind = "pinned"
	PinRemoved      CaptureKind = "unpinned"
	TopicChanged    CaptureKind = "topic" // topic, purpose or name: see Subject
)

// Telling is how a captured thing was told, where there is more than one way and each
// has a name of its own for it.
type Telling string

// The ways. The zero Telling is for what has the same name however it is told.
const (
	ToldByEvent   Telling = "event"
	ToldByMessage Telling = "message" // "@alice has joined the channel"
	ToldByState   Telling = "state"   // seen to be so, without saying since when
)

// Captured is one line of what was said and done in a room. It is part of the record,
// with a chain of its own for each stream, and never of the State.
type Captured struct {
	Stream  ID
	Seq     int64 // counts from 1; 0 until it is stored
	Channel string
	TS      string // Slack's name of the message it is or is about, or of the moment
	Thread  string // TS of the head, for a reply
	Kind    CaptureKind
	// Author is whoever did it: a Slack account or bot, also one that nobody knows.
	Author string
	By     PersonID // the person behind it, "" when nobody knows
	App    string   // id of the app behind a bot; Own marks what Tocsin itself said
	Own    bool
	// Subject is what a later line can take back: "reaction:<ts>:<user>:<name>",
	// "member:<user>", "pin:<ts>"; "text:<ts>" for a change that Slack does not mark as
	// an edit. For a topic it says which. Empty for messages.
	Subject string
	// Name is what it is known by: with Channel it is in the record once, however often
	// it is told. Told says in which way Name tells it.
	Name       string
	Told       Telling
	Occurred   time.Time // Slack's time, to the microsecond
	At         time.Time // when it was written down
	BackFilled bool      // read later, not heard when it happened

	Text Sealed // as it reads; for an edit the new text
	Was  Sealed // for an edit or deletion, as it read before, if that was told
	File Sealed // what is known of the file or of its content, as JSON
	Hash string
}

// Sighting is what Slack showed of a room at one moment: who is in it, what is pinned,
// who has reacted. It tells that something is so, and not since when.
type Sighting struct {
	Stream  ID
	Channel string
	// After is the last captured line before Slack was asked. What the record says of a
	// subject in a later line is newer than the sighting, or might be.
	After int64
	At    time.Time // when Slack was asked
	// There are lines of what is so (ReactionAdded, PinAdded, MemberJoined, and
	// SaidEdited for a text); Slack was shown everything of a Whole ("pin", "member",
	// "reaction:<ts>"), so that what the record has of it beside There is so no more.
	There []Captured
	Whole []string
}
