package incident

import "fmt"

// unknown is also the answer to those who may not know that there is one.
func (d *deciding) unknown() *Refusal {
	return Refuse("no-such-incident", fmt.Sprintf("There is no incident %s that you can see.", d.s.Stream), "Try `list`.")
}

// admit checks who asks before what is asked.
func (d *deciding) admit() error {
	p := d.a.By
	if !p.Known() {
		return Refuse("unknown-person", "It is not known who you are.", "Ask an administrator to add you to the plan's people.")
	}
	if err := standing(p); err != nil {
		return err
	}
	if !d.s.MaySee(p.ID) {
		return d.unknown()
	}
	if _, vendor := d.a.What.(VendorSaid); !vendor { // recorded all the same, see vendorDoubted
		if err := d.believe(p, d.a.Via); err != nil {
			return err
		}
	}
	right, when := rightFor(d.a.What, d.s)
	if v := d.r.May(p, right, d.s); !v.Allowed {
		return Refuse("not-entitled", v.Why, hintFor(right))
	}
	switch {
	case d.s.Status == Merged && when != always:
		return Refuse("merged", fmt.Sprintf("%s was merged into %s.", d.s.Stream, d.s.Into), fmt.Sprintf("Go on in %s.", d.s.Into))
	case d.s.Status == Closed && when == whileOpen, d.s.Status == Resolved && when == whileUnresolved:
		return Refuse("not-open", fmt.Sprintf("%s is %s.", d.s.Stream, d.s.Status), "Reopen it first: `reopen <why>`.")
	case d.s.Status == Closed && when == whileUnresolved:
		return Refuse("not-open", fmt.Sprintf("%s is closed.", d.s.Stream), "Reopen it first: `reopen <why>`.")
	}
	d.meet(p)
	if d.s.People[p.ID].Joined {
		d.heard()
	}
	return nil
}

func standing(p Person) error {
	switch p.Standing {
	case Guest:
		return Refuse("guest", "Guests of this workspace cannot take part in incidents.", "Ask a member to do it.")
	case Deactivated:
		return Refuse("deactivated", "This account is deactivated.", "")
	case Foreign:
		return Refuse("foreign", "People of another workspace cannot take part in incidents here.", "Ask a member to do it.")
	}
	return nil
}

// when a command makes sense.
type when int

const (
	whileUnresolved when = iota // open only
	whileOpen                   // open or resolved
	afterToo                    // also when closed
	always                      // even when merged
)

func rightFor(c Command, s State) (Right, when) {
	switch c := c.(type) {
	case SetSeverity:
		if c.Severity > s.Severity {
			return MayDowngrade, whileUnresolved
		}
	case Exclude:
		return MayExclude, afterToo
	case SetTime:
		return MaySetTimes, afterToo
	case Distrust, Trust:
		return MayDistrust, afterToo
	case HoldForLegal, LiftLegalHold:
		return MayHoldLegal, always
	case ExportEvidence:
		return MayExport, always
	case HideEntry:
		return MayHide, always
	case MarkPrivileged:
		if c.Off {
			return MayWaive, always
		}
		return MayRespond, always
	case Redact:
		return MayRedact, always
	case Resolve:
		return MayResolve, whileUnresolved
	case EndDrill:
		return MayDrill, whileOpen
	case Close:
		return MayClose, whileOpen
	case MergeInto:
		return MayMerge, whileUnresolved
	case PublishPostMortem:
		return MayPublish, afterToo
	case AdoptPlan:
		return MayAdoptPlan, whileOpen
	case PageNow:
		return MayPageOthers, whileUnresolved
	case Reopen, AddItem, ChangeItem, EditPostMortem, RemindPostMortem, Relate, Join, ChangeTask, MarkScope, Retitle, SetType:
		return MayRespond, afterToo
	case StopActions:
		return MayStop, afterToo
	case ResumeActions:
		return MayResume, afterToo
	case ReviewAction:
		return MayReview, whileOpen
	case WaiveEvidence:
		return MayWaiveProof, whileUnresolved
	case UndoAction:
		return MayRespond, always
	case ExtendAction, KeepAction:
		return MayRespond, afterToo
	case AddToRoster, SettleRoster, BeginLook:
		return MayRespond, whileOpen
	case NoteLook, JudgeSignals, StopLook:
		return MayRespond, afterToo
	case AddNote, KeepMessage, EditEntry, Heard:
		return MayRespond, always
	case NewRoom, AddTask, AssignRole, OfferRole, AcceptRole, DeclineRole, SetPhase, PostUpdate:
		return MayRespond, whileOpen
	}
	return MayRespond, whileUnresolved
}

func hintFor(r Right) string {
	switch r {
	case MayDowngrade, MayResolve, MayClose, MayMerge, MayExclude:
		return "Ask the commander, or take the role if nobody holds it: `role commander me`."
	}
	return "The plan's rights.yaml says who may."
}
