package incident

import "time"

// Commands of people about containment.
type (
	// RequestAction asks for an action on targets. The plan says whether it may be, and
	// who has to approve.
	RequestAction struct {
		Action     string
		Kind       string // of the targets, from the action's Spec
		Targets    []string
		Params     map[string]string // checked by the action's Spec
		TTL        time.Duration     // 0: the grant's, or the action's own
		Lasts      bool              // from the Spec: it stays until released
		Reversible bool              // from the Spec
		Blast      string            // from the Spec
		DryRun     bool
		BreakGlass bool
		Reason     string
	}
	// ApproveAction says yes to the plan with this digest, and to no other.
	ApproveAction struct {
		N      int
		Digest string
	}
	// DenyAction says no.
	DenyAction struct {
		N   int
		Why string
	}
	// StopActions freezes pending deeds and all automation: of deed N, or of the incident.
	StopActions struct {
		N   int  // 0: all of them
		All bool // of every incident of the workspace
		Why string
	}
	// ResumeActions ends the freeze.
	ResumeActions struct {
		All bool
		Why string
	}
	// RetryAction takes up what a deed left undone, with the plan that was approved.
	RetryAction struct{ N int }
	// ReplanAction plans again what could not be done because the world changed.
	ReplanAction struct{ N int }
	// UndoAction releases what a deed holds. Force says that it is wanted although
	// somebody else changed the target since.
	UndoAction struct {
		N     int
		Force bool
		Why   string
	}
	// ExtendAction moves the end of a hold.
	ExtendAction struct {
		N   int
		TTL time.Duration // from now
	}
	// KeepAction says who answers for a hold that outlives the incident.
	KeepAction struct {
		N         int
		Owner     Person
		Until     time.Time
		Permanent bool
	}
	// WaiveEvidence lets a deed run although what it destroys could not be kept.
	WaiveEvidence struct {
		N   int
		Why string
	}
	// ReviewAction closes the review of a broken glass.
	ReviewAction struct {
		N    int
		Text string
	}
	// AddToRoster puts identities on the list of credentials to be reset.
	AddToRoster struct{ Names []string }
	// SettleRoster says entry N was reset by hand, or is waived; Why is needed for both.
	SettleRoster struct {
		N     int
		Waive bool
		Why   string
	}
)

// Commands that effects and registers come back with.
type (
	// ActionIsPlanned answers PlanAction. Err says why there is no plan at all.
	ActionIsPlanned struct {
		N, Round   int
		Digest     string
		Body       string // all plans, as the performer will need them again
		Briefs     []Brief
		Registers  []ID // one for each target; "" where there is no plan for it
		Names      []string
		Destroys   string
		Lasts      bool
		Reversible bool
		Err        string
	}
	// TargetSettled arrives from a register: what became of a deed at one target.
	TargetSettled struct {
		N        int        `json:"n"`
		Index    int        `json:"index"`
		Round    int        `json:"round"`
		Try      int        `json:"try"`
		Mark     Mark       `json:"mark"`
		Register ID         `json:"register"`
		Line     int64      `json:"line,omitempty"`   // of the register, where the words are
		Others   []string   `json:"others,omitempty"` // who else holds it
		Words    *DeedWords `json:"-"`                // the engine fills it from the register's record
	}
	// TargetTroubled says that a deed, or with End the new end of its hold, does not get through.
	TargetTroubled struct {
		N        int        `json:"n"`
		Index    int        `json:"index"`
		Register ID         `json:"register"`
		Line     int64      `json:"line,omitempty"`
		End      bool       `json:"end,omitempty"`
		Words    *DeedWords `json:"-"`
	}
	// EvidenceIsKept arrives from a register: what was kept before the deed.
	EvidenceIsKept struct {
		N        int        `json:"n"`
		Index    int        `json:"index"`
		Register ID         `json:"register"`
		Line     int64      `json:"line"`
		Items    []KeptItem `json:"-"` // the engine fills them
	}
)

// DeedWords is what was done or seen at a target, in sentences. They may name people
// and hosts, so they are sealed wherever they are kept.
type DeedWords struct {
	Done []string `json:"done,omitempty"`
	Seen []string `json:"seen,omitempty"`
	Why  string   `json:"why,omitempty"`
}

// KeptItem is one piece of evidence in the store.
type KeptItem struct {
	Name   Sealed `json:"name"`
	From   Sealed `json:"from"`
	Type   string `json:"type,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes
	SHA256 string `json:"sha256,omitempty"`
	ID     string `json:"id,omitempty"` // in the evidence store
	Key    Sealed `json:"key,omitzero"` // what it is encrypted with; erasing it erases the content
	Ref    Sealed `json:"ref,omitzero"` // what the vendor keeps
}

func (RequestAction) command()   {}
func (ApproveAction) command()   {}
func (DenyAction) command()      {}
func (StopActions) command()     {}
func (ResumeActions) command()   {}
func (RetryAction) command()     {}
func (ReplanAction) command()    {}
func (UndoAction) command()      {}
func (ExtendAction) command()    {}
func (KeepAction) command()      {}
func (WaiveEvidence) command()   {}
func (ReviewAction) command()    {}
func (AddToRoster) command()     {}
func (SettleRoster) command()    {}
func (ActionIsPlanned) command() {}
func (TargetSettled) command()   {}
func (TargetTroubled) command()  {}
func (EvidenceIsKept) command()  {}
