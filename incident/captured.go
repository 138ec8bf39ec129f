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
	ReactionAdded   CaptureKind = "reaction_added"
	ReactionRemoved CaptureKind = "reaction_removed"
	MemberJoined    CaptureKind = "joined"
	MemberLeft      CaptureKind = "left"
	PinAdded        CaptureKind = "pinned"
	PinRemoved      CaptureKind = "unpinned"
	TopicChanged    CaptureKind = "topic"  // topic, purpose or name: see Subject
	CaptureErased   CaptureKind = "erased" // texts of earlier lines were destroyed
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
	// For an erasure it is the person.
	Author string
	App    string // id of the app behind a bot; Own marks what Tocsin itself said
	Own    bool
	// Subject is what a later line can take back: "reaction:<ts>:<user>:<name>",
	// "member:<user>", "pin:<ts>". For a topic it says which. Empty for messages.
	Subject string
	// Key tells apart lines of one kind about one message: with Channel, TS and Kind it
	// is unique, whatever is delivered again.
	Key        string
	Occurred   time.Time // Slack's time
	At         time.Time // when it was written down
	BackFilled bool      // read from history later, not heard when it happened

	Text   Sealed   // as it reads; for an edit the new text, for an erasure the reason
	Was    Sealed   // for an edit or deletion, as it read before, if that was told
	File   Sealed   // id, name, type and size, as JSON
	Erased []string // Refs that an erasure destroyed
	Hash   string
}
