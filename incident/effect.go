package incident

import "time"

// Effect is work the world still owes.
type Effect interface{ effect() }

// Rank orders effects of different lanes; lower goes first.
type Rank int

// The ranks. Some workers take only RankPage, so that chatter cannot hold up a page.
const (
	RankPage    Rank = 0 // pages, containment, clocks that fire pages
	RankAct     Rank = 1 // rooms, invitations, what must be said
	RankSay     Rank = 2 // what is said
	RankRefresh Rank = 3 // what is shown; may be merged
)

// Owed is an effect with what the queue needs to know of it.
type Owed struct {
	ID       EffectID
	Seq      int64 // number of the event it follows from
	Lane     string
	Rank     Rank
	Due      time.Time // not before; UTC
	NotAfter time.Time // stale from then on; zero: never by time alone
	Merge    string    // a waiting effect with the same Merge in its lane stands for this one too
	Effect   Effect
}

// Task is an effect that somebody has claimed. The engine fills State and Event.
type Task struct {
	Owed
	Incident ID
	Attempt  int
	Owner    string
	State    State    // as it is now
	Event    Recorded // the event it follows from
}

// Outcome settles a task.
type Outcome struct {
	Done  bool      // finished: performed, dropped or given up
	Dead  bool      // with Done: given up, a dead letter
	Retry time.Time // without Done: when to try again
	Free  bool      // without Done: the attempt does not count (Retry-After)
	Error string    // last error, redacted
}

// View names something that is kept up to date in place.
type View string

// The views.
const (
	ViewSummary  View = "summary"  // the pinned message of the room
	ViewAnnounce View = "announce" // the one message in the announcement channel
	ViewHome     View = "home"     // a person's home tab
)

// Place is where something is said.
type Place string

// The places. PlaceRoom falls back to nothing: a room that is not open yet delays
// what is said in it, in order.
const (
	PlaceRoom     Place = "room"
	PlacePerson   Place = "person"   // direct message
	PlaceAnnounce Place = "announce" // the announcement channel
)

// VendorRef points at something a vendor keeps for us.
type VendorRef struct {
	Vendor   string `json:"vendor"`
	Incident string `json:"incident,omitempty"` // the vendor's id
	Key      string `json:"key,omitempty"`      // de-duplication key, ours
	URL      string `json:"url,omitempty"`
}

// The effects. None carries text a person wrote: an effect names the event it
// follows from, and what is said is rendered from that event when it is said.
type (
	// OpenRoom creates the channel. Answer: RoomIsOpen.
	OpenRoom struct{}
	// DressRoom sets topic, purpose and bookmarks from the present state.
	DressRoom struct{}
	// Invite brings one person into the room, so that a bad id costs only itself.
	Invite struct {
		Person PersonID `json:"person"`
	}
	// Remove takes an excluded person out of the room.
	Remove struct {
		Person PersonID `json:"person"`
	}
	// Say renders the event it follows from at a place.
	Say struct {
		To     Place    `json:"to"`
		Person PersonID `json:"person,omitempty"` // for PlacePerson
		Loud   bool     `json:"loud,omitempty"`   // mentions those it concerns
	}
	// Refresh renders the present state where it is kept up to date.
	Refresh struct {
		View   View     `json:"view"`
		Person PersonID `json:"person,omitempty"` // for ViewHome
	}
	// Page pages a rung. Answer: PageTaken or PageSkipped; told on the way: PageTroubled.
	Page struct {
		Page PageID   `json:"page"`
		Rung Rung     `json:"rung"`
		To   PersonID `json:"to,omitempty"`
	}
	// TellPager brings the pager's incident in step: acknowledge, resolve, priority, note.
	TellPager struct {
		Op     string    `json:"op"`
		Vendor VendorRef `json:"vendor"`
	}
	// Wake is a clock. Answer: Tick. The engine performs it.
	Wake struct {
		Clock ClockName `json:"clock"`
		Stage Stage     `json:"stage"`
	}
	// Publish writes the post-mortem issue or brings it up to date. Answer: Published.
	Publish struct{}
	// FileItem writes or brings up to date the issue of one action item. Answer: ItemFiled.
	FileItem struct {
		N int `json:"n"`
	}
	// ArchiveRoom archives the channel of a closed or merged incident.
	ArchiveRoom struct{}
	// Tell hands a command to another stream. The engine performs it.
	Tell struct {
		Stream  ID      `json:"stream"`
		Command Command `json:"-"` // see encode.go
	}
)

func (OpenRoom) effect()    {}
func (DressRoom) effect()   {}
func (Invite) effect()      {}
func (Remove) effect()      {}
func (Say) effect()         {}
func (Refresh) effect()     {}
func (Page) effect()        {}
func (TellPager) effect()   {}
func (Wake) effect()        {}
func (Publish) effect()     {}
func (FileItem) effect()    {}
func (ArchiveRoom) effect() {}
func (Tell) effect()        {}
