package incident

import "time"

// Events of containment. What was done at a target stands in the incident's own record
// too: the register is shared and names nobody.
type (
	// ActionRequested says what was asked for, and what the plan answered.
	ActionRequested struct {
		N          int           `json:"n"`
		Action     string        `json:"action"`
		Kind       string        `json:"kind"`
		Count      int           `json:"count"`
		Names      Sealed        `json:"names"`
		Params     Sealed        `json:"params,omitzero"`
		Reason     Sealed        `json:"reason,omitzero"`
		TTL        time.Duration `json:"ttl,omitempty"`
		DryRun     bool          `json:"dry_run,omitempty"`
		BreakGlass bool          `json:"break_glass,omitempty"`
		Lead       PersonID      `json:"lead,omitempty"` // who is paged for a broken glass
		Reversible bool          `json:"reversible,omitempty"`
		Lasts      bool          `json:"lasts,omitempty"`
		Grant      Grant         `json:"grant"`
	}
	// ActionPlanned says exactly what would change. Body is what runs, Briefs what is shown.
	ActionPlanned struct {
		N          int       `json:"n"`
		Round      int       `json:"round"`
		Digest     string    `json:"digest"`
		Body       Sealed    `json:"body"`
		Briefs     Sealed    `json:"briefs"`
		Names      Sealed    `json:"names"` // as the vendor knows the targets
		Registers  []ID      `json:"registers"`
		Destroys   string    `json:"destroys,omitempty"`
		Reversible bool      `json:"reversible,omitempty"`
		Lasts      bool      `json:"lasts,omitempty"`
		Expires    time.Time `json:"expires,omitzero"` // of the question; zero where nobody has to be asked
	}
	// ActionNotPlanned says why there is no plan.
	ActionNotPlanned struct {
		N     int    `json:"n"`
		Round int    `json:"round"`
		Why   Sealed `json:"why"`
	}
	// ActionReplanned says that another plan is being made, because the world changed or
	// somebody wants it. Approvals of the plan before are void.
	ActionReplanned struct {
		N     int `json:"n"`
		Round int `json:"round"`
	}
	// ActionApproved is one approval of the plan with this digest.
	ActionApproved struct {
		N      int    `json:"n"`
		Round  int    `json:"round"`
		Digest string `json:"digest"`
		Need   int    `json:"need"`
		Left   []Need `json:"left,omitempty"` // what is still wanted after it
	}
	// ApprovalRefused says that somebody tried to approve and could not: the attempt matters.
	ApprovalRefused struct {
		N    int    `json:"n"`
		Code string `json:"code"`
	}
	// ActionDenied ends a deed with a no.
	ActionDenied struct {
		N   int    `json:"n"`
		Why Sealed `json:"why,omitzero"`
	}
	// ApproversAsked says who was paged because nobody answered.
	ApproversAsked struct {
		N      int        `json:"n"`
		People []PersonID `json:"people,omitempty"`
		Time   int        `json:"time"` // how often now
	}
	// ActionExpired says nobody approved in time.
	ActionExpired struct {
		N int `json:"n"`
	}
	// ActionStarted says the deed is under way: the plan with this digest.
	ActionStarted struct {
		N      int       `json:"n"`
		Round  int       `json:"round"`
		Try    int       `json:"try"`
		Digest string    `json:"digest"`
		Until  time.Time `json:"until,omitzero"`
		At     []int     `json:"at"` // the targets whose registers are asked
	}
	// TargetMarked says what became of the deed at one target.
	TargetMarked struct {
		N      int      `json:"n"`
		Index  int      `json:"index"`
		Mark   Mark     `json:"mark"`
		Done   Sealed   `json:"done,omitzero"` // a line each
		Seen   Sealed   `json:"seen,omitzero"`
		Why    Sealed   `json:"why,omitzero"`
		Others []string `json:"others,omitempty"`
	}
	// ActionTroubled says that the deed does not get through at a target, and the trying goes on;
	// with End, that a target which ends its hold by a timer of its own was not told of a new end.
	ActionTroubled struct {
		N     int    `json:"n"`
		Index int    `json:"index"`
		Why   Sealed `json:"why"`
		End   bool   `json:"end,omitempty"` // since version 2
	}
	// ActionEnded says how the deed stands, once every target is settled. Words are of the
	// only target; of several each has its own line.
	ActionEnded struct {
		N      int        `json:"n"`
		Status DeedStatus `json:"status"`
		Words  Sealed     `json:"words,omitzero"`
	}
	// EvidenceKept is the custody of what was kept before the deed.
	EvidenceKept struct {
		N     int        `json:"n"`
		Index int        `json:"index"`
		Items []KeptItem `json:"items"`
	}
	// EvidenceWaived says who lets the deed run without.
	EvidenceWaived struct {
		N   int    `json:"n"`
		Why Sealed `json:"why"`
	}
	// ActionsFrozen says that deeds and automation stand still. N 0 is all of the incident.
	ActionsFrozen struct {
		N   int    `json:"n,omitempty"`
		All bool   `json:"all,omitempty"`
		Why Sealed `json:"why,omitzero"`
	}
	// ActionsResumed ends that.
	ActionsResumed struct {
		All bool   `json:"all,omitempty"`
		Why Sealed `json:"why,omitzero"`
	}
	// ReleaseAsked says that a hold is to end.
	ReleaseAsked struct {
		N     int    `json:"n"`
		Force bool   `json:"force,omitempty"`
		Why   Sealed `json:"why,omitzero"`
	}
	// HoldExtended moves the end of a hold.
	HoldExtended struct {
		N     int       `json:"n"`
		Until time.Time `json:"until"`
	}
	// HoldRanOut says that a time to live is over and the hold stays: somebody has to decide.
	HoldRanOut struct {
		N    int  `json:"n"`
		Soon bool `json:"soon,omitempty"` // it is only near
	}
	// HoldKept says who answers for a hold from now on.
	HoldKept struct {
		N    int  `json:"n"`
		Keep Keep `json:"keep"`
	}
	// HoldShared says that another incident holds the target too, or does not any more.
	HoldShared struct {
		N     int    `json:"n"`
		Index int    `json:"index"`
		Label string `json:"label"`
		Left  bool   `json:"left,omitempty"`
	}
	// GlassReviewed ends the review of a broken glass.
	GlassReviewed struct {
		N    int    `json:"n"`
		Text Sealed `json:"text"`
	}
	// RosterAdded puts an identity on the list of credentials to be reset.
	RosterAdded struct {
		N    int    `json:"n"`
		Name Sealed `json:"name"`
	}
	// RosterSettled says entry N is reset, by deed Deed or by hand, or waived.
	RosterSettled struct {
		N      int    `json:"n"`
		Deed   int    `json:"deed,omitempty"`
		Waived bool   `json:"waived,omitempty"`
		Why    Sealed `json:"why,omitzero"`
	}
)

// PlanAction asks the action what it would change. Answer: ActionIsPlanned.
type PlanAction struct {
	N     int `json:"n"`
	Round int `json:"round"`
}

func (ActionRequested) event()  {}
func (ActionPlanned) event()    {}
func (ActionNotPlanned) event() {}
func (ActionReplanned) event()  {}
func (ActionApproved) event()   {}
func (ApprovalRefused) event()  {}
func (ActionDenied) event()     {}
func (ApproversAsked) event()   {}
func (ActionExpired) event()    {}
func (ActionStarted) event()    {}
func (TargetMarked) event()     {}
func (ActionTroubled) event()   {}
func (ActionEnded) event()      {}
func (EvidenceKept) event()     {}
func (EvidenceWaived) event()   {}
func (ActionsFrozen) event()    {}
func (ActionsResumed) event()   {}
func (ReleaseAsked) event()     {}
func (HoldExtended) event()     {}
func (HoldRanOut) event()       {}
func (HoldKept) event()         {}
func (HoldShared) event()       {}
func (GlassReviewed) event()    {}
func (RosterAdded) event()      {}
func (RosterSettled) event()    {}
func (PlanAction) effect()      {}
