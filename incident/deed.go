package incident

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A deed is one request for containment: an action on one or more targets. The
// incident keeps what was asked, what was shown, who approved and what came of it; what
// happens at one target happens in that target's register of holds, so that two
// incidents never cut and free the same host against each other.

// DeedStatus is where a deed stands.
type DeedStatus string

// The statuses. Those after DeedRunning are ends, but a deed in effect can still be
// released, and one that ended in part can be taken up again.
const (
	DeedPlanning  DeedStatus = "planning"
	DeedWaiting   DeedStatus = "waiting"      // for approval
	DeedEvidence  DeedStatus = "evidence"     // could not be kept; waits for a waiver
	DeedRunning   DeedStatus = "running"      // approved, under way
	DeedInEffect  DeedStatus = "in effect"    // held, on every target
	DeedDone      DeedStatus = "done"         // nothing stays held
	DeedPartial   DeedStatus = "partly done"  // some targets, not all
	DeedFailed    DeedStatus = "failed"       // no target
	DeedPlanned   DeedStatus = "planned only" // a dry run
	DeedNotOpen   DeedStatus = "not possible" // no plan could be made
	DeedDenied    DeedStatus = "denied"
	DeedExpired   DeedStatus = "expired"
	DeedStopped   DeedStatus = "stopped"
	DeedReleasing DeedStatus = "releasing"
	DeedReleased  DeedStatus = "released"
)

// Mark is what became of a deed at one target.
type Mark string

// The marks.
const (
	MarkNone     Mark = ""              // nothing yet
	MarkRunning  Mark = "running"       // its register was asked
	MarkInEffect Mark = "in effect"     // seen to be
	MarkUnproven Mark = "not proven"    // the vendor keeps it; that it works was not seen
	MarkNoEffect Mark = "not in effect" // done, and seen not to work
	MarkDone     Mark = "done"          // a deed that leaves nothing held
	MarkAlready  Mark = "already"       // it was so by somebody else's doing: nothing to undo
	MarkFailed   Mark = "failed"        // nothing was changed
	MarkPartial  Mark = "half done"     // something was changed, not all
	MarkStale    Mark = "changed"       // the target changed since the plan; nothing was done
	MarkEvidence Mark = "no evidence"   // it could not be kept first; nothing was done
	MarkBarred   Mark = "withheld"      // no longer allowed when its moment came; nothing was done
	MarkSkipped  Mark = "skipped"       // no plan could be made for it
	MarkDrill    Mark = "drill"         // planned and never done
	MarkReleased Mark = "released"
	MarkShared   Mark = "held elsewhere" // released here; another incident holds it still
	MarkDisputed Mark = "disputed"       // somebody else changed it since: asks before releasing
	MarkStuck    Mark = "not released"   // the release did not work
)

// Holds reports whether the target is, or may be, contained because of this deed.
func (m Mark) Holds() bool {
	switch m {
	case MarkInEffect, MarkUnproven, MarkNoEffect, MarkPartial, MarkDisputed, MarkStuck, MarkAlready:
		return true
	}
	return false
}

// settled reports whether nothing is expected at the target any more.
func (m Mark) settled() bool { return m != MarkNone && m != MarkRunning }

// Need is how many approvals a deed wants, and from whom: ids of roles and people, and
// the plan's own words. Requester and approvers are compared as persons.
type Need struct {
	Count int      `json:"count"`
	From  []string `json:"from"`
}

// Grant is what the plan answered when the deed was asked for; replay needs no plan.
type Grant struct {
	Name      string        `json:"name"`
	Source    string        `json:"source"` // file:line
	Needs     []Need        `json:"needs,omitempty"`
	TTL       time.Duration `json:"ttl,omitempty"`
	MaxTTL    time.Duration `json:"max_ttl,omitempty"`
	OnExpiry  string        `json:"on_expiry,omitempty"` // "ask" or "release"
	ExpiresIn time.Duration `json:"expires_in"`          // how long an approval may be waited for
}

// Approval is one person's yes to what was shown.
type Approval struct {
	By   PersonID  `json:"by"`
	Via  Door      `json:"via"`
	At   time.Time `json:"at"`
	Need int       `json:"need"` // which of the grant's needs it counts for
}

// DeedTarget is one target of a deed.
type DeedTarget struct {
	Register ID    `json:"r,omitempty"`
	Mark     Mark  `json:"m,omitempty"`
	Seq      int64 `json:"s,omitempty"` // of the event that said so
}

// Deed is one request for containment. N counts from 1 within the incident.
type Deed struct {
	N          int           `json:"n"`
	Seq        int64         `json:"seq"` // of the request
	Action     string        `json:"action"`
	Kind       string        `json:"kind"`
	Names      Sealed        `json:"names"`           // of the targets, a line each
	Params     Sealed        `json:"params,omitzero"` // JSON
	Reason     Sealed        `json:"reason,omitzero"`
	By         PersonID      `json:"by"`
	Via        Door          `json:"via"`
	At         time.Time     `json:"at"`
	TTL        time.Duration `json:"ttl,omitempty"`
	DryRun     bool          `json:"dry_run,omitempty"`
	BreakGlass bool          `json:"break_glass,omitempty"`
	Reviewed   PersonID      `json:"reviewed,omitempty"` // who looked at a broken glass afterwards
	Grant      Grant         `json:"grant"`

	Status     DeedStatus   `json:"status"`
	Round      int          `json:"round"`            // of planning; a changed world wants another
	Try        int          `json:"try,omitempty"`    // of carrying the plan out
	Planned    int64        `json:"planned,omitzero"` // event with the plan
	Digest     string       `json:"digest,omitempty"`
	Reversible bool         `json:"reversible,omitempty"`
	Lasts      bool         `json:"lasts,omitempty"` // it stays until released
	Destroys   string       `json:"destroys,omitempty"`
	Waived     PersonID     `json:"waived,omitempty"` // who waived evidence
	Expires    time.Time    `json:"expires,omitzero"` // of the question
	Approvals  []Approval   `json:"approvals,omitempty"`
	Until      time.Time    `json:"until,omitzero"` // end of the hold
	Targets    []DeedTarget `json:"targets"`
	Asked      int          `json:"asked,omitempty"` // how often approvers were paged
	Keep       Keep         `json:"keep,omitzero"`
	Stopped    bool         `json:"stopped,omitempty"`
	RanOut     bool         `json:"ran_out,omitempty"` // the time to live is over, and it stays
}

// Keep is who answers for a hold that outlives its incident, and how long.
type Keep struct {
	Owner     PersonID  `json:"owner,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Permanent bool      `json:"permanent,omitempty"`
}

// ID names the deed for people and vendors: "INC-0042.C3".
func (d Deed) ID(stream ID) string { return fmt.Sprintf("%s.C%d", stream, d.N) }

// TargetNames lists the targets as they were named; "[erased]" where that was erased.
func (d Deed) TargetNames() []string {
	if d.Names.Text == "" {
		return slices.Repeat([]string{d.Names.String()}, max(1, len(d.Targets)))
	}
	return strings.Split(d.Names.Text, "\n")
}

// Name is the name of target i, counted from 0.
func (d Deed) Name(i int) string {
	if names := d.TargetNames(); i >= 0 && i < len(names) {
		return names[i]
	}
	return "?"
}

// Count says how many targets have a mark that f accepts.
func (d Deed) Count(f func(Mark) bool) int {
	n := 0
	for _, t := range d.Targets {
		if f(t.Mark) {
			n++
		}
	}
	return n
}

// Holding is how many targets the deed still holds.
func (d Deed) Holding() int {
	if !d.Lasts {
		return 0
	}
	return d.Count(Mark.Holds)
}

// Missing lists the needs that are not met yet, with the count still wanted.
func (d Deed) Missing() []Need {
	var out []Need
	for i, n := range d.Grant.Needs {
		for _, a := range d.Approvals {
			if a.Need == i {
				n.Count--
			}
		}
		if n.Count > 0 {
			out = append(out, n)
		}
	}
	return out
}

// Deed finds deed n.
func (s State) Deed(n int) (Deed, bool) {
	if n < 1 || n > len(s.Deeds) {
		return Deed{}, false
	}
	return s.Deeds[n-1], true
}

// Brief is what a plan says of one target, for people: what is shown on the card.
type Brief struct {
	Name       string   `json:"name"`
	Owner      string   `json:"owner,omitempty"`
	Steps      []string `json:"steps,omitempty"`
	Dependants []string `json:"dependants,omitempty"`
	Lost       []string `json:"lost,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
	Already    bool     `json:"already,omitempty"`
	Refused    string   `json:"refused,omitempty"` // why no plan could be made
}

// ReadBriefs reads what ActionPlanned keeps. nil when it was erased.
func ReadBriefs(s Sealed) []Brief {
	var out []Brief
	if s.Text == "" || json.Unmarshal([]byte(s.Text), &out) != nil {
		return nil
	}
	return out
}

func sealBriefs(b []Brief) Sealed {
	text, err := json.Marshal(b)
	if err != nil {
		panic("incident: a brief that is not JSON: " + err.Error())
	}
	return Seal(string(text))
}

// MaxTargets bounds one request; grants bound it further.
const MaxTargets = 1_000

// maxDeeds bounds how many requests one incident keeps.
const maxDeeds = 500
