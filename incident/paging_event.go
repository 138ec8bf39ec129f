package incident

// Events of paging: the ladder, its rungs, and who answered.
type (
	// LadderStarted says paging began, on a ladder of the plan.
	LadderStarted struct {
		Ladder Ladder `json:"ladder"`
		Why    Sealed `json:"why,omitzero"`
	}
	// RungFired says a page was owed to a rung. Rung counts from 0; Round from 1.
	RungFired struct {
		Page  PageID   `json:"page"`
		Rung  int      `json:"rung"`
		Round int      `json:"round"`
		To    PersonID `json:"to,omitempty"` // one person paged by name, outside any ladder
		Again bool     `json:"again,omitempty"`
		Why   Sealed   `json:"why,omitzero"` // said by whoever paged by name
	}
	// RungSkipped says why a rung was passed over; the next fires at once.
	RungSkipped struct {
		Page PageID `json:"page"`
		Why  string `json:"why"`
	}
	// Paged says the vendor accepted the page. That is not delivery.
	Paged struct {
		Page   PageID     `json:"page"`
		People []PersonID `json:"people,omitempty"`
		Vendor VendorRef  `json:"vendor,omitzero"`
	}
	// PagerNamed says which of the pager's incidents is a page of ours.
	PagerNamed struct {
		Page   PageID    `json:"page"`
		Vendor VendorRef `json:"vendor"`
	}
	// PageTrouble says a page does not go through; the trying goes on.
	PageTrouble struct {
		Page   PageID     `json:"page"`
		Why    string     `json:"why"`
		People []PersonID `json:"people,omitempty"`
	}
	// LadderEnded says nobody is left to page: out loud.
	LadderEnded struct {
		Ladder string `json:"ladder"`
		Rounds int    `json:"rounds"`
	}
	// LadderStopped says paging stopped, and why.
	LadderStopped struct {
		Why string `json:"why"`
	}
	// Acknowledged says who answered.
	Acknowledged struct {
		Person PersonID `json:"person"`
		Page   PageID   `json:"page,omitempty"`
		Duty   bool     `json:"duty,omitempty"` // took it without having been paged
	}
	// AckIgnored says an acknowledgement did not stop the ladder, and why.
	AckIgnored struct {
		Person PersonID `json:"person"`
		Why    string   `json:"why"`
	}
	// Unacknowledged says the answer was taken back.
	Unacknowledged struct {
		Person PersonID `json:"person"`
		Page   PageID   `json:"page,omitempty"` // in the pager, this one; else here
		Why    Sealed   `json:"why,omitzero"`
	}
	// AskedAgain says the one who acknowledged was asked whether they are still at it.
	AskedAgain struct {
		Person PersonID `json:"person"`
	}
)

func (LadderStarted) event()  {}
func (RungFired) event()      {}
func (RungSkipped) event()    {}
func (Paged) event()          {}
func (PagerNamed) event()     {}
func (PageTrouble) event()    {}
func (LadderEnded) event()    {}
func (LadderStopped) event()  {}
func (Acknowledged) event()   {}
func (AckIgnored) event()     {}
func (Unacknowledged) event() {}
func (AskedAgain) event()     {}
