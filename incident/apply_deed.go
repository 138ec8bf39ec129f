package incident

import (
	"slices"
)

// applyDeed folds what became true of a deed. It copies what it changes.
func applyDeed(s State, r Recorded) State {
	change := func(n int, f func(*Deed)) {
		if n < 1 || n > len(s.Deeds) {
			return
		}
		s.Deeds = slices.Clone(s.Deeds)
		d := &s.Deeds[n-1]
		d.Targets = slices.Clone(d.Targets)
		f(d)
	}
	switch e := r.Event.(type) {
	case ActionRequested:
		s.Deeds = append(slices.Clip(s.Deeds), Deed{N: e.N, Seq: r.Seq, Action: e.Action, Kind: e.Kind, Names: e.Names, Params: e.Params, Reason: e.Reason,
			By: r.By, Via: r.Via, At: r.At, TTL: e.TTL, DryRun: e.DryRun, BreakGlass: e.BreakGlass, Reversible: e.Reversible, Lasts: e.Lasts, Grant: e.Grant,
			Status: DeedPlanning, Round: 1, Targets: make([]DeedTarget, e.Count)})
	case ActionPlanned:
		change(e.N, func(d *Deed) { plannedDeed(d, r, e) })
	case ActionNotPlanned:
		change(e.N, func(d *Deed) { d.Status = DeedNotOpen })
	case ActionReplanned:
		change(e.N, func(d *Deed) {
			d.Status, d.Round, d.Digest, d.Planned, d.Approvals, d.Asked, d.Stopped = DeedPlanning, e.Round, "", 0, nil, 0, false
		})
	case ActionApproved:
		change(e.N, func(d *Deed) {
			d.Approvals = append(slices.Clip(d.Approvals), Approval{By: r.By, Via: r.Via, At: r.At, Need: e.Need})
		})
	case ActionDenied:
		change(e.N, func(d *Deed) { d.Status = DeedDenied })
	case ApproversAsked:
		change(e.N, func(d *Deed) { d.Asked = e.Time })
	case ActionExpired:
		change(e.N, func(d *Deed) { d.Status = DeedExpired })
	case ActionStarted:
		change(e.N, func(d *Deed) {
			d.Status, d.Try, d.Until, d.Stopped = DeedRunning, e.Try, e.Until, false
			for _, i := range e.At {
				if i >= 0 && i < len(d.Targets) {
					d.Targets[i].Mark = MarkRunning
				}
			}
		})
	case TargetMarked:
		change(e.N, func(d *Deed) {
			if e.Index >= 0 && e.Index < len(d.Targets) {
				d.Targets[e.Index].Mark, d.Targets[e.Index].Seq = e.Mark, r.Seq
			}
		})
	case ActionEnded:
		change(e.N, func(d *Deed) { d.Status = e.Status })
	case EvidenceWaived:
		change(e.N, func(d *Deed) { d.Waived = r.By })
	case ActionsFrozen:
		s = applyFrozen(s, r, e)
	case ActionsResumed:
		s.Frozen = Freezing{}
	case ReleaseAsked:
		change(e.N, func(d *Deed) { d.Status = DeedReleasing })
	case HoldExtended:
		change(e.N, func(d *Deed) { d.Until, d.RanOut, d.Keep = e.Until, false, Keep{} })
	case HoldRanOut:
		change(e.N, func(d *Deed) { d.RanOut = d.RanOut || !e.Soon })
	case HoldKept:
		change(e.N, func(d *Deed) { d.Keep, d.RanOut = e.Keep, false })
	case GlassReviewed:
		change(e.N, func(d *Deed) { d.Reviewed = r.By })
	case RosterAdded:
		s.Roster = append(slices.Clip(s.Roster), RosterItem{N: e.N, Name: e.Name})
	case RosterSettled:
		if e.N >= 1 && e.N <= len(s.Roster) {
			s.Roster = slices.Clone(s.Roster)
			it := &s.Roster[e.N-1]
			it.Done, it.Waived, it.Deed, it.By = !e.Waived, e.Waived, e.Deed, r.By
		}
	}
	return s
}

func plannedDeed(d *Deed, r Recorded, e ActionPlanned) {
	d.Status, d.Digest, d.Planned, d.Names = DeedPlanning, e.Digest, r.Seq, e.Names
	d.Destroys, d.Reversible, d.Lasts, d.Expires = e.Destroys, e.Reversible, e.Lasts, e.Expires
	if !e.Expires.IsZero() {
		d.Status = DeedWaiting
	}
	for i := range d.Targets {
		switch {
		case i < len(e.Registers) && e.Registers[i] != "":
			d.Targets[i] = DeedTarget{Register: e.Registers[i]}
		case !d.Targets[i].Mark.Holds() && d.Targets[i].Mark != MarkDone:
			d.Targets[i] = DeedTarget{Mark: MarkSkipped, Seq: r.Seq}
		}
	}
}

func applyFrozen(s State, r Recorded, e ActionsFrozen) State {
	if e.N == 0 {
		s.Frozen = Freezing{true, r.By, r.At}
	}
	s.Deeds = slices.Clone(s.Deeds)
	for i := range s.Deeds {
		d := &s.Deeds[i]
		if e.N != 0 && d.N != e.N {
			continue
		}
		switch d.Status {
		case DeedPlanning, DeedEvidence:
			d.Status = DeedStopped
		case DeedWaiting:
			if e.N != 0 {
				d.Status = DeedStopped
			}
		case DeedRunning:
			d.Stopped = true
		}
	}
	return s
}

// DeedOf is which deed of its incident an event is about; 0 for none.
func DeedOf(e Event) int {
	switch e := e.(type) {
	case ActionRequested:
		return e.N
	case ActionPlanned:
		return e.N
	case ActionNotPlanned:
		return e.N
	case ActionReplanned:
		return e.N
	case ActionApproved:
		return e.N
	case ApprovalRefused:
		return e.N
	case ActionDenied:
		return e.N
	case ApproversAsked:
		return e.N
	case ActionExpired:
		return e.N
	case ActionStarted:
		return e.N
	case TargetMarked:
		return e.N
	case ActionTroubled:
		return e.N
	case ActionEnded:
		return e.N
	case EvidenceKept:
		return e.N
	case EvidenceWaived:
		return e.N
	case ActionsFrozen:
		return e.N
	case ReleaseAsked:
		return e.N
	case HoldExtended:
		return e.N
	case HoldRanOut:
		return e.N
	case HoldKept:
		return e.N
	case HoldShared:
		return e.N
	case GlassReviewed:
		return e.N
	}
	return 0
}
