package incident

import (
	"fmt"
	"time"
)

// Legal hold: what is in the record may be wanted by a court, so nothing of it is
// erased, whoever asks and whatever the plan says of retention. One person sets it;
// it takes two to lift, because whoever wants something gone must not be able to do it
// alone.
type (
	// HoldForLegal sets a legal hold. Said again while somebody wants it lifted, it takes
	// that voice away.
	HoldForLegal struct{ Why string }
	// LiftLegalHold lifts it, once two persons have said so.
	LiftLegalHold struct{ Why string }
)

type (
	// LegalHoldSet says that nothing of this incident is erased from now on.
	LegalHoldSet struct {
		Why  Sealed `json:"why,omitzero"`
		From ID     `json:"from,omitempty"` // the incident merged into this one that brought it along
	}
	// LegalHoldLiftAsked is the first of two voices for lifting it.
	LegalHoldLiftAsked struct {
		Why Sealed `json:"why,omitzero"`
	}
	// LegalHoldLifted says it is over, by two persons.
	LegalHoldLifted struct {
		First PersonID `json:"first"`
		Why   Sealed   `json:"why,omitzero"`
	}
)

func (HoldForLegal) command()     {}
func (LiftLegalHold) command()    {}
func (LegalHoldSet) event()       {}
func (LegalHoldLiftAsked) event() {}
func (LegalHoldLifted) event()    {}

// LegalHold is whether one stands, and the first voice for lifting it.
type LegalHold struct {
	On       bool      `json:"on,omitempty"`
	By       PersonID  `json:"by,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Why      Sealed    `json:"why,omitzero"`
	Voice    PersonID  `json:"voice,omitempty"`
	VoiceVia Door      `json:"voice_via,omitempty"`
	VoiceAt  time.Time `json:"voice_at,omitzero"`
}

func (d *deciding) holdForLegal(c HoldForLegal) error {
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	if d.s.LegalHold.On && d.s.LegalHold.Voice == "" {
		return Refuse("same", fmt.Sprintf("%s is under legal hold already.", d.s.Stream), "")
	}
	d.emit(LegalHoldSet{Why: Seal(why)})
	d.say(PlaceRoom, "", true)
	return nil
}

// liftLegalHold takes one voice, then a second one of somebody else.
func (d *deciding) liftLegalHold(c LiftLegalHold) error {
	h := d.s.LegalHold
	if !h.On {
		return Refuse("no-legal-hold", fmt.Sprintf("%s is not under legal hold.", d.s.Stream), "")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	switch {
	case !d.speaksFor(h):
		d.emit(LegalHoldLiftAsked{Seal(why)})
	case h.Voice == d.a.By.ID:
		return Refuse("second-person", "You said so already; it takes a second person.", "Somebody else who may has to say it within a day.")
	case h.VoiceVia == ViaCLI && d.a.Via == ViaCLI:
		// Whoever holds the server's key speaks there in anybody's name.
		return Refuse("one-operator", "The first voice came from the command line, where one operator can speak in any name; the second has to come by another way.",
			"Say it in Slack, or over the API with a token of one's own: `tocsin token create`.")
	default:
		d.emit(LegalHoldLifted{h.Voice, Seal(why)})
	}
	d.say(PlaceRoom, "", true)
	return nil
}

// speaksFor reports whether there is a first voice that still counts.
func (d *deciding) speaksFor(h LegalHold) bool {
	return h.Voice != "" && d.a.At.Sub(h.VoiceAt) < liftWaits && d.s.MaySee(h.Voice) &&
		d.s.Disbelieved(d.s.Person(h.Voice), h.VoiceVia) == nil && d.r.May(d.s.Person(h.Voice), MayHoldLegal, d.s).Allowed
}

// noErasing refuses what would erase something that is held.
func (d *deciding) noErasing(elsewhere ID) error {
	held := elsewhere
	if d.s.LegalHold.On {
		held = d.s.Stream
	}
	if held == "" {
		return nil
	}
	return Refuse("legal-hold", fmt.Sprintf("%s is under legal hold: nothing of it is erased.", held),
		"`timeline hide` takes an entry out of sight and keeps it. Two persons lift the hold: `legal-hold lift <why>`.")
}

// bringHold carries a legal hold over from an incident that is merged into this one:
// what goes on here belongs to the same matter.
func (d *deciding) bringHold(from State) {
	if !from.LegalHold.On || d.s.LegalHold.On {
		return
	}
	d.emit(LegalHoldSet{From: from.Stream})
	d.say(PlaceRoom, "", true)
}

func applyLegalHold(h LegalHold, r Recorded) LegalHold {
	switch e := r.Event.(type) {
	case LegalHoldSet:
		if h.On { // an objection to lifting it
			h.Voice, h.VoiceVia, h.VoiceAt = "", "", time.Time{}
			return h
		}
		return LegalHold{On: true, By: r.By, At: r.At, Why: e.Why}
	case LegalHoldLiftAsked:
		h.Voice, h.VoiceVia, h.VoiceAt = r.By, r.Via, r.At
	case LegalHoldLifted:
		return LegalHold{}
	}
	return h
}
