package incident

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Waits around a deed.
const (
	approvalWait  = time.Hour        // an unanswered question expires, where the grant says nothing else
	approvalRing  = 3 * time.Minute  // before entitled approvers are paged, and the next after them
	approvalPages = 3                // people paged at once
	holdWarning   = 15 * time.Minute // before a hold's end its owner is asked
	holdPatience  = 15 * time.Minute // after its end the owner is paged
	maxAsked      = 10               // people who are messaged at once
	tellLanes     = 8                // targets are asked in so many lanes at once
)

func approveClock(n int) ClockName { return ClockName(fmt.Sprintf("approve/%d", n)) }
func heldClock(n int) ClockName    { return ClockName(fmt.Sprintf("held/%d", n)) }

// requestAction records what is asked for and has it planned. What may be is the plan's
// to say; it is asked again at approval and at the moment of the deed.
func (d *deciding) requestAction(c RequestAction) error {
	if err := d.mayStart(c.DryRun); err != nil {
		return err
	}
	names, err := targetNames(c.Targets)
	if err != nil {
		return err
	}
	if c.TTL < 0 || c.TTL > 0 && !c.Lasts {
		return Refuse("no-ttl", "This does not last, so it has no time to live.", "Say it without ttl.")
	}
	var reason, params Sealed
	if c.Reason != "" {
		t, err := text("reason", c.Reason, MaxText)
		if err != nil {
			return err
		}
		reason = Seal(t)
	}
	if len(c.Params) > 0 {
		b, err := json.Marshal(c.Params)
		if err != nil {
			return fmt.Errorf("write the parameters: %w", err)
		}
		params = Seal(string(b))
	}
	switch {
	case c.BreakGlass && reason.IsZero():
		return Refuse("reason-needed", "Breaking the glass needs a reason.", "Add reason:\"…\"; it is reviewed afterwards.")
	case c.BreakGlass && !c.Reversible:
		return Refuse("not-reversible", "What cannot be taken back needs an approval; the glass cannot be broken for it.", "Ask for it without break-glass.")
	}
	j := d.r.Judge(Question{State: d.s, By: d.a.By, Action: c.Action, Kind: c.Kind, Targets: names, Params: c.Params,
		TTL: c.TTL, At: d.a.At, Reversible: c.Reversible, Blast: c.Blast, BreakGlass: c.BreakGlass})
	if !j.Allowed {
		return Refuse("not-granted", j.Why, j.Hint)
	}
	g := j.Grant
	if g.ExpiresIn == 0 {
		g.ExpiresIn = approvalWait
	}
	if g.OnExpiry == "" {
		g.OnExpiry = "ask"
	}
	ttl := c.TTL
	if ttl == 0 && c.Lasts {
		ttl = g.TTL
	}
	if c.Lasts && g.MaxTTL > 0 && (ttl == 0 || ttl > g.MaxTTL) {
		ttl = g.MaxTTL
	}
	e := ActionRequested{N: len(d.s.Deeds) + 1, Action: c.Action, Kind: c.Kind, Count: len(names), Names: Seal(strings.Join(names, "\n")),
		Params: params, Reason: reason, TTL: ttl, DryRun: c.DryRun, BreakGlass: c.BreakGlass, Reversible: c.Reversible, Lasts: c.Lasts, Grant: g}
	if c.BreakGlass && j.Lead != nil {
		d.meet(*j.Lead)
		e.Lead = j.Lead.ID
	}
	d.emit(e)
	d.plan(e.N, 1)
	if c.BreakGlass {
		d.say(PlaceRoom, "", true)
		if j.Lead != nil && j.Lead.ID != d.a.By.ID {
			d.pageByName(*j.Lead, fmt.Sprintf("the glass was broken for %s in %s", c.Action, d.s.Stream))
		}
	}
	return nil
}

// mayStart refuses what would begin a deed while everything stands still.
func (d *deciding) mayStart(dry bool) error {
	if len(d.s.Deeds) >= maxDeeds {
		return Refuse("too-many", fmt.Sprintf("At most %d containment requests fit into one incident.", maxDeeds), "Declare another and relate it.")
	}
	if d.s.Frozen.Is && !dry {
		return Refuse("frozen", "Containment stands still in this incident: it was stopped.", "`/contain resume <why>` lets it go on, by whoever may.")
	}
	return nil
}

func targetNames(given []string) ([]string, error) {
	if len(given) == 0 {
		return nil, Refuse("no-target", "It is not said at what.", "Name at least one target.")
	}
	if len(given) > MaxTargets {
		return nil, Refuse("too-many", fmt.Sprintf("These are %d targets; at most %d can be asked for at once.", len(given), MaxTargets), "Nothing was changed.")
	}
	var out []string
	for _, g := range given {
		t, err := line("target", g, MaxName)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

func (d *deciding) plan(n, round int) {
	d.owe(PlanAction{n, round}, fmt.Sprintf("plan/%d", n), RankPage, d.a.At, time.Time{})
}

// planned shows the plan, and starts it where nobody has to be asked.
func (d *deciding) planned(c ActionIsPlanned) error {
	deed, ok := d.s.Deed(c.N)
	if !ok || deed.Status != DeedPlanning || deed.Round != c.Round || len(c.Briefs) != len(deed.Targets) || len(c.Registers) != len(deed.Targets) {
		if ok && deed.Status == DeedPlanning && deed.Round == c.Round && c.Err != "" {
			d.notPlanned(c)
		}
		return nil
	}
	if c.Err != "" || !slices.ContainsFunc(c.Registers, func(r ID) bool { return r != "" }) {
		d.notPlanned(c)
		return nil
	}
	e := ActionPlanned{N: c.N, Round: c.Round, Digest: c.Digest, Body: Seal(c.Body), Briefs: sealBriefs(c.Briefs), Names: Seal(strings.Join(c.Names, "\n")),
		Registers: c.Registers, Destroys: c.Destroys, Reversible: c.Reversible, Lasts: c.Lasts}
	asks := !deed.DryRun && !deed.BreakGlass && len(deed.Grant.Needs) > 0
	if asks {
		e.Expires = d.a.At.Add(deed.Grant.ExpiresIn)
	}
	line := d.emit(e)
	d.say(PlaceRoom, "", asks)
	if asks {
		d.askApprovers(c.N, line)
		d.setClock(approveClock(c.N), Deadline{Due: d.a.At.Add(approvalRing)})
		return nil
	}
	if deed.DryRun {
		d.emit(ActionEnded{N: c.N, Status: DeedPlanned})
		return nil
	}
	return d.startDeed(c.N, nil)
}

// askApprovers messages those whose yes would count: a card in a room can be overlooked.
// line is where the plan stands.
func (d *deciding) askApprovers(n int, line int64) {
	for i, p := range d.approvers(n) {
		if i == maxAsked {
			break
		}
		d.meet(p)
		if owed := len(d.c.Effects); d.s.Person(p.ID).Slack != "" {
			d.say(PlacePerson, p.ID, true)
			d.c.Effects[owed].Seq = line
		}
	}
}

func (d *deciding) notPlanned(c ActionIsPlanned) {
	why := c.Err
	for i, b := range c.Briefs {
		if why == "" && b.Refused != "" {
			why = fmt.Sprintf("%s: %s", b.Name, b.Refused)
			if more := len(c.Briefs) - i - 1; more > 0 {
				why += fmt.Sprintf(" (and %d more)", more)
			}
		}
	}
	d.emit(ActionNotPlanned{c.N, c.Round, Seal(why)})
	d.say(PlaceRoom, "", true)
}

// approvers are those who could still say yes to deed n, without whoever asked for it. Of a
// confidential incident nobody is asked who was not brought in.
func (d *deciding) approvers(n int) []Person {
	deed, _ := d.s.Deed(n)
	var out []Person
	for _, need := range deed.Missing() {
		for _, p := range d.r.Approvers(need, d.s) {
			said := slices.ContainsFunc(deed.Approvals, func(a Approval) bool { return a.By == p.ID })
			known := slices.ContainsFunc(out, func(o Person) bool { return o.ID == p.ID })
			if p.ID != deed.By && !said && !known && d.s.MaySee(p.ID) && d.s.Disbelieved(p, ViaSlack) == nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// question asks the plan about deed n again, as things are now.
func (d *deciding) question(deed Deed, by Person) Question { return deed.question(d.s, by, d.a.At) }

func (deed Deed) question(s State, by Person, at time.Time) Question {
	var params map[string]string
	if deed.Params.Text != "" {
		_ = json.Unmarshal([]byte(deed.Params.Text), &params)
	}
	return Question{State: s, By: by, Action: deed.Action, Kind: deed.Kind, Targets: deed.TargetNames(), Params: params,
		TTL: deed.TTL, At: at, Reversible: deed.Reversible, BreakGlass: deed.BreakGlass}
}

// approve is one person's yes. The attempt of somebody who may not is on the record.
func (d *deciding) approve(c ApproveAction) error {
	deed, ok := d.s.Deed(c.N)
	if !ok {
		return noDeed(d.s, c.N)
	}
	if deed.Status != DeedWaiting {
		return Refuse("not-waiting", fmt.Sprintf("%s does not wait for approval: it is %s.", deed.ID(d.s.Stream), deed.Status), "")
	}
	if d.s.Frozen.Is || deed.Stopped {
		return Refuse("frozen", "Containment stands still in this incident: it was stopped.", "`/contain resume <why>` first.")
	}
	if c.Digest == "" || c.Digest != deed.Digest {
		return Refuse("other-plan", "The plan is not the one you were shown.", fmt.Sprintf("Look again: `/contain status %d`.", c.N))
	}
	if !d.a.At.Before(deed.Expires) {
		return Refuse("expired", "The question has expired.", "Ask for it again.")
	}
	by := d.a.By
	if by.ID == deed.By {
		return d.refuseApproval(c.N, "own", "You asked for this one; somebody else has to approve it.", "")
	}
	if slices.ContainsFunc(deed.Approvals, func(a Approval) bool { return a.By == by.ID }) {
		return Refuse("twice", "You have approved it already; another person is needed.", "")
	}
	j := d.r.Judge(d.question(deed, d.s.Person(deed.By)))
	if !j.Allowed {
		return d.refuseApproval(c.N, "grant-gone", "What was granted does not hold any more: "+j.Why, j.Hint)
	}
	if j.Grant.Name != deed.Grant.Name || !reflect.DeepEqual(j.Grant.Needs, deed.Grant.Needs) {
		return d.refuseApproval(c.N, "grant-changed", "The plan asks for other approvals than when this was requested.", "Ask for it again.")
	}
	need, ok := d.needFor(deed, by)
	if !ok {
		return d.refuseApproval(c.N, "not-entitled", "Your approval does not count for this.", "It needs "+d.wanted(deed)+".")
	}
	with := deed
	with.Approvals = append(slices.Clip(deed.Approvals), Approval{By: by.ID, Need: need})
	d.emit(ActionApproved{c.N, deed.Round, deed.Digest, need, with.Missing()})
	d.say(PlaceRoom, "", true)
	deed, _ = d.s.Deed(c.N)
	if len(deed.Missing()) > 0 {
		return nil
	}
	d.stopClock(approveClock(c.N), true)
	return d.startDeed(c.N, nil)
}

// needFor finds a need that is not met yet and for which this person's yes counts.
func (d *deciding) needFor(deed Deed, by Person) (int, bool) {
	for i, need := range deed.Grant.Needs {
		given := 0
		for _, a := range deed.Approvals {
			if a.Need == i {
				given++
			}
		}
		if given < need.Count && d.r.Approves(by, need, d.s) {
			return i, true
		}
	}
	return 0, false
}

func (d *deciding) wanted(deed Deed) string {
	var parts []string
	for _, n := range deed.Missing() {
		parts = append(parts, fmt.Sprintf("%d of %s", n.Count, strings.Join(n.From, ", ")))
	}
	return strings.Join(parts, " and ")
}

// refuseApproval says no and keeps the attempt: whoever tries to approve what they may
// not is worth knowing.
func (d *deciding) refuseApproval(n int, code, why, hint string) error {
	d.attempt = ApprovalRefused{n, code}
	return Refuse("approval-"+code, why, hint)
}

func noDeed(s State, n int) *Refusal {
	return Refuse("no-such-request", fmt.Sprintf("There is no containment request %d in %s.", n, s.Stream), "See `/contain status`.")
}

// startDeed asks the registers of the targets, or of those given by index.
func (d *deciding) startDeed(n int, only []int) error {
	deed, _ := d.s.Deed(n)
	e := ActionStarted{N: n, Round: deed.Round, Try: deed.Try + 1, Digest: deed.Digest, Until: deed.Until, At: only}
	if deed.Lasts && deed.TTL > 0 && deed.Until.IsZero() {
		e.Until = d.a.At.Add(deed.TTL)
	}
	for i, t := range deed.Targets {
		if only == nil && t.Register != "" && t.Mark == MarkNone {
			e.At = append(e.At, i)
		}
	}
	d.emit(e)
	if d.s.Drill {
		for _, i := range e.At {
			d.emit(TargetMarked{N: n, Index: i, Mark: MarkDrill})
		}
		d.emit(ActionEnded{N: n, Status: DeedDone})
		d.say(PlaceRoom, "", true)
		return nil
	}
	if len(deed.Targets) > 1 {
		d.showDeed(n)
	} else if len(deed.Approvals) == 0 {
		d.say(PlaceRoom, "", false)
	}
	deed, _ = d.s.Deed(n)
	for _, i := range e.At {
		d.placeAt(deed, i, false)
	}
	if deed.Lasts && !deed.Until.IsZero() {
		d.armHeld(n, deed.Until)
	}
	return nil
}

// placeAt asks the register of a target for the deed, or to move the end of what it
// holds. What a person keeps is not released by itself, whatever the grant says.
func (d *deciding) placeAt(deed Deed, i int, move bool) {
	label := string(d.s.Stream)
	if d.s.Private {
		label = d.s.Codename
	}
	onExpiry := deed.Grant.OnExpiry
	if deed.Keep != (Keep{}) {
		onExpiry = "ask"
	}
	d.owe(Tell{deed.Targets[i].Register, PlaceHold{HoldKey: HoldKey{d.s.Stream, deed.N, i}, Round: deed.Round, Try: deed.Try, Action: deed.Action,
		Label: label, Once: !deed.Lasts, Move: move, Until: deed.End(), OnExpiry: onExpiry}},
		laneTell+"/"+strconv.Itoa(i%tellLanes), RankPage, d.a.At, time.Time{})
}

func (d *deciding) armHeld(n int, until time.Time) {
	warn := until.Add(-holdWarning)
	if half := d.a.At.Add(until.Sub(d.a.At) / 2); warn.Before(half) {
		warn = half
	}
	d.setClock(heldClock(n), Deadline{Due: until, Warn: warn})
}

// showDeed keeps one message of the deed's progress up to date.
func (d *deciding) showDeed(n int) {
	d.owe(Refresh{View: DeedView(n)}, "deed/"+strconv.Itoa(n), RankRefresh, d.a.At, time.Time{})
	d.merge("deed")
}

// DeedView names the message that shows the progress of deed n.
func DeedView(n int) View { return View(fmt.Sprintf("deed/%d", n)) }

// DeedOf is the deed whose progress a view shows.
func (v View) DeedOf() (n int, ok bool) {
	rest, ok := strings.CutPrefix(string(v), "deed/")
	n, err := strconv.Atoi(rest)
	return n, ok && err == nil
}
