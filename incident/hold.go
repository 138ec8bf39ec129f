package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Containment belongs to the target, not to the room. A stream named
// "hold:<kind>/<digest>" is the register of one target: deeds on it happen one after
// the other, the first hold does the deed, the last one's end undoes it, and every
// holder's room is told. The register names nobody: the digest is of the vendor's exact
// id, and words are sealed.

// HoldID names the register of a target by the vendor's exact id of it.
func HoldID(kind, id string) ID {
	sum := sha256.Sum256([]byte(kind + "\x00" + strings.ToLower(id)))
	return ID("hold:" + kind + "/" + hex.EncodeToString(sum[:12]))
}

// EverythingID is the register that freezes all deeds of a workspace.
const EverythingID ID = "hold:everything"

// HoldKey says whose hold it is: target Index of deed Deed of an incident.
type HoldKey struct {
	Incident ID  `json:"incident"`
	Deed     int `json:"deed"`
	Index    int `json:"index"`
}

func (k HoldKey) String() string { return fmt.Sprintf("%s.C%d#%d", k.Incident, k.Deed, k.Index) }

// Commands to a register of holds.
type (
	// PlaceHold asks for the deed at the target, and for the hold where it lasts. Move does
	// no deed: it gives another end to a hold that is there, whichever try placed it.
	PlaceHold struct {
		HoldKey
		Round    int       `json:"round"`
		Try      int       `json:"try"`
		Action   string    `json:"action"`
		Label    string    `json:"label"` // what other rooms may call the incident
		Once     bool      `json:"once,omitempty"`
		Move     bool      `json:"move,omitempty"`
		Until    time.Time `json:"until,omitzero"`
		OnExpiry string    `json:"on_expiry,omitempty"` // "ask" (default) or "release"
	}
	// EndHold ends an incident's hold. Force overwrites what somebody else did since.
	EndHold struct {
		HoldKey
		Force bool `json:"force,omitempty"`
	}
	// Freeze stops every deed of the workspace; Thaw lets them go on.
	Freeze struct {
		By   PersonID `json:"by"`
		From ID       `json:"from"`
		Thaw bool     `json:"thaw,omitempty"`
	}
	// Enforced answers Enforce.
	Enforced struct {
		HoldKey
		Round   int
		Try     int
		Mark    Mark
		Receipt string // JSON, what Release will need
		Words   DeedWords
	}
	// ReleasedIt answers Release.
	ReleasedIt struct {
		HoldKey
		Mark  Mark // released, disputed or stuck
		Words DeedWords
	}
	// Stuck is told on the way: it does not get through yet. End: it is done, and what its
	// target was not told is a new end.
	Stuck struct {
		HoldKey
		Words DeedWords
		End   bool
	}
	// Preserved is told on the way: what is kept before the deed.
	Preserved struct {
		HoldKey
		Items []KeptItem
	}
	// TargetShared tells a holder that somebody else came or went.
	TargetShared struct {
		N     int    `json:"n"`
		Index int    `json:"index"`
		Label string `json:"label"`
		Left  bool   `json:"left,omitempty"`
	}
)

// Events of a register of holds.
type (
	// HoldPlaced says an incident holds the target, or wants the deed done. First: the
	// deed is owed.
	HoldPlaced struct {
		Held  Held `json:"held"`
		First bool `json:"first,omitempty"`
	}
	// HoldEnforced says what the deed came to.
	HoldEnforced struct {
		HoldKey
		Mark    Mark   `json:"mark"`
		Receipt Sealed `json:"receipt,omitzero"`
		Words   Sealed `json:"words,omitzero"`
	}
	// HoldEnding says that the undoing is owed.
	HoldEnding struct {
		HoldKey
		Force bool `json:"force,omitempty"`
	}
	// HoldEnded says an incident holds it no longer.
	HoldEnded struct {
		HoldKey
		Mark  Mark   `json:"mark"`
		Words Sealed `json:"words,omitzero"`
	}
	// HoldTroubled says a deed or its undoing does not get through.
	HoldTroubled struct {
		HoldKey
		Words Sealed `json:"words"`
	}
	// HoldPreserved says what was kept before the deed.
	HoldPreserved struct {
		HoldKey
		Items []KeptItem `json:"items"`
	}
	// Frozen says that nothing is done in the workspace, or again is.
	Frozen struct {
		By   PersonID `json:"by"`
		From ID       `json:"from"`
		Thaw bool     `json:"thaw,omitempty"`
	}
)

// Effects of a register of holds.
type (
	// Enforce does the deed on the target of the stream. Answer: Enforced.
	Enforce struct {
		HoldKey
		Round int `json:"round"`
		Try   int `json:"try"`
	}
	// Release undoes it, restoring what was found. The receipt is on the line that the
	// hold names by then: the deed may have been under way when its end was asked for.
	// Answer: ReleasedIt.
	Release struct {
		HoldKey
		Force bool `json:"force,omitempty"`
	}
	// Prolong tells whoever might end the hold by a timer of their own when that is now: by
	// then the hold may be somebody else's as well. Answer: Stuck, where they are not told.
	Prolong struct{ HoldKey }
)

func (PlaceHold) command()    {}
func (EndHold) command()      {}
func (Freeze) command()       {}
func (Enforced) command()     {}
func (ReleasedIt) command()   {}
func (Stuck) command()        {}
func (Preserved) command()    {}
func (TargetShared) command() {}
func (HoldPlaced) event()     {}
func (HoldEnforced) event()   {}
func (HoldEnding) event()     {}
func (HoldEnded) event()      {}
func (HoldTroubled) event()   {}
func (HoldPreserved) event()  {}
func (Frozen) event()         {}
func (Enforce) effect()       {}
func (Release) effect()       {}
func (Prolong) effect()       {}

// Held is one incident's hold on a target.
type Held struct {
	HoldKey
	Round    int       `json:"round"`
	Try      int       `json:"try"`
	Action   string    `json:"action"`
	Label    string    `json:"label"`
	Once     bool      `json:"once,omitempty"`
	Until    time.Time `json:"until,omitzero"` // zero: until released
	OnExpiry string    `json:"on_expiry"`      // "ask" or "release"
	Since    time.Time `json:"since"`
	Mark     Mark      `json:"mark,omitempty"`
	Receipt  int64     `json:"receipt,omitempty"` // line of the register that has it
	Ending   bool      `json:"ending,omitempty"`
	Owed     int64     `json:"owed,omitempty"` // line that owes its deed or undoing
}

func holdClock(k HoldKey) ClockName { return ClockName("hold/" + k.String()) }

// SealWords seals what was done or seen.
func SealWords(w DeedWords) Sealed {
	if len(w.Done) == 0 && len(w.Seen) == 0 && w.Why == "" {
		return Sealed{}
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic("incident: words that are not JSON: " + err.Error())
	}
	return Seal(string(b))
}

// ReadWords reads what SealWords sealed; nothing when it was erased.
func ReadWords(s Sealed) DeedWords {
	var w DeedWords
	if s.Text == "" || json.Unmarshal([]byte(s.Text), &w) != nil {
		return DeedWords{}
	}
	return w
}

// ToldFrom says which line of which register has the words of a command; line 0: none.
func ToldFrom(c Command) (register ID, line int64) {
	switch c := c.(type) {
	case TargetSettled:
		return c.Register, c.Line
	case TargetTroubled:
		return c.Register, c.Line
	case EvidenceIsKept:
		return c.Register, c.Line
	}
	return "", 0
}

// FillWords puts the words of that line into the command.
func FillWords(c Command, e Event) Command {
	switch c := c.(type) {
	case TargetSettled:
		w := wordsOf(e)
		c.Words = &w
		return c
	case TargetTroubled:
		w := wordsOf(e)
		c.Words = &w
		return c
	case EvidenceIsKept:
		if kept, ok := e.(HoldPreserved); ok {
			for _, it := range kept.Items { // sealed anew in the incident's record
				it.Name, it.From, it.Key, it.Ref = Seal(it.Name.Text), Seal(it.From.Text), Seal(it.Key.Text), Seal(it.Ref.Text)
				c.Items = append(c.Items, it)
			}
		}
		return c
	}
	return c
}

func wordsOf(e Event) DeedWords {
	switch e := e.(type) {
	case HoldEnforced:
		return ReadWords(e.Words)
	case HoldEnded:
		return ReadWords(e.Words)
	case HoldTroubled:
		return ReadWords(e.Words)
	}
	return DeedWords{}
}
