package incident

import (
	"fmt"
	"slices"
	"time"
)

// stop freezes what is pending. It takes no approval: whoever sees something go wrong
// must not have to wait.
func (d *deciding) stop(c StopActions) error {
	var why Sealed
	if c.Why != "" {
		t, err := text("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(t)
	}
	if c.N != 0 {
		deed, ok := d.s.Deed(c.N)
		if !ok {
			return noDeed(d.s, c.N)
		}
		switch deed.Status {
		case DeedPlanning, DeedWaiting, DeedRunning, DeedEvidence:
		default:
			return Refuse("not-now", fmt.Sprintf("%s is %s; there is nothing to stop.", deed.ID(d.s.Stream), deed.Status), "To take it back: `/contain undo`.")
		}
		d.emit(ActionsFrozen{N: c.N, Why: why})
		d.say(PlaceRoom, "", true)
		d.stopClock(approveClock(c.N), false)
		return nil
	}
	if d.s.Frozen.Is && !c.All {
		return Refuse("same", "Containment stands still here already.", "")
	}
	d.emit(ActionsFrozen{All: c.All, Why: why})
	d.say(PlaceRoom, "", true)
	if c.All {
		d.owe(Tell{EverythingID, Freeze{By: d.a.By.ID, From: d.s.Stream}}, laneTell+"/freeze", RankPage, d.a.At, time.Time{})
	}
	return nil
}

func (d *deciding) resume(c ResumeActions) error {
	if !d.s.Frozen.Is && !c.All {
		return Refuse("same", "Nothing stands still here.", "If everything was stopped: `/contain resume all <why>`.")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	d.emit(ActionsResumed{c.All, Seal(why)})
	d.say(PlaceRoom, "", true)
	if c.All {
		d.owe(Tell{EverythingID, Freeze{By: d.a.By.ID, From: d.s.Stream, Thaw: true}}, laneTell+"/freeze", RankPage, d.a.At, time.Time{})
	}
	return nil
}

// MayEnforce judges a deed once more, at its moment: severity, grant, standing of who
// asked and who approved, distrust, stop. why says what is in the way; "" nothing is.
// everything is the register that can freeze a workspace.
func MayEnforce(s, everything State, k HoldKey, round, try int, r Rules, at time.Time) (why string) {
	deed, ok := s.Deed(k.Deed)
	switch {
	case !ok || k.Index < 0 || k.Index >= len(deed.Targets):
		return "there is no such request"
	case deed.Round != round || deed.Try != try:
		return "another plan took its place"
	case everything.Frozen.Is:
		return "everything was stopped"
	case s.Frozen.Is || deed.Stopped:
		return "it was stopped"
	case deed.Status != DeedRunning:
		return fmt.Sprintf("the request is %s", deed.Status)
	case s.Drill:
		return "this is a drill"
	case !s.Live():
		return fmt.Sprintf("the incident is %s", s.Status)
	case s.IsExcluded(deed.By):
		return "whoever asked for it is excluded"
	case s.Disbelieved(s.Person(deed.By), deed.Via) != nil:
		return "what it was asked for through is distrusted"
	}
	asker := s.Person(deed.By)
	j := r.Judge(deed.question(s, asker, at))
	if !j.Allowed {
		return j.Why
	}
	if deed.BreakGlass {
		return ""
	}
	counted := make([]int, len(deed.Grant.Needs))
	for _, a := range deed.Approvals {
		p := s.Person(a.By)
		if a.Need < len(counted) && a.By != deed.By && !s.IsExcluded(a.By) && s.Disbelieved(p, a.Via) == nil && r.Approves(p, deed.Grant.Needs[a.Need], s) {
			counted[a.Need]++
		}
	}
	for i, need := range deed.Grant.Needs {
		if counted[i] < need.Count {
			return "an approval does not count any more"
		}
	}
	if !slices.EqualFunc(j.Grant.Needs, deed.Grant.Needs, func(a, b Need) bool { return a.Count == b.Count && slices.Equal(a.From, b.From) }) {
		return "the plan asks for other approvals now"
	}
	return ""
}
