package containment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// enforce does the deed at one target: judged again, evidence first, done, and looked at.
func (c *Crew) enforce(ctx context.Context, t incident.Task, e incident.Enforce, tell func(incident.Command) error) (incident.Command, error) {
	end := incident.Enforced{HoldKey: e.HoldKey, Round: e.Round, Try: e.Try}
	stop := func(m incident.Mark, why string) (incident.Command, error) {
		end.Mark, end.Words = m, incident.DeedWords{Why: why}
		return end, nil
	}
	if h, ok := t.State.Hold[e.String()]; !ok || h.Ending || h.Round != e.Round || h.Try != e.Try {
		return stop(incident.MarkBarred, "Nobody wants it any more.")
	}
	s, deed, plan, err := c.planOf(ctx, e.HoldKey)
	if err != nil {
		return nil, err
	}
	everything, err := c.Record.Load(ctx, incident.EverythingID)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", incident.EverythingID, err)
	}
	if why := incident.MayEnforce(s, everything, e.HoldKey, e.Round, e.Try, c.Rules(), c.Now()); why != "" {
		return stop(incident.MarkBarred, sentence(why))
	}
	action, ok := c.Catalogue.Find(deed.Action)
	if !ok || plan.Action != deed.Action {
		return stop(incident.MarkFailed, "The approved plan cannot be read, so nothing was done.")
	}
	if action.Spec().Destroys != "" && deed.Waived == "" && !plan.Already {
		if why := c.preserve(ctx, action, s, deed, plan, e.HoldKey, tell); why != "" {
			return stop(incident.MarkEvidence, why)
		}
	}
	doing, cancel := context.WithTimeout(ctx, deedLong)
	receipt, err := action.Do(doing, plan)
	cancel()
	var part *actions.Partial
	switch {
	case err == nil:
	case errors.Is(err, actions.ErrStale):
		return stop(incident.MarkStale, Reason(err))
	case errors.As(err, &part) && (actions.Final(part.Err) || t.Attempt >= giveUpAfter):
		end.Mark, end.Receipt, end.Words = incident.MarkPartial, written(part.Receipt), incident.DeedWords{Done: part.Receipt.Done, Why: Reason(err)}
		return end, nil
	case actions.Final(err), t.Attempt >= giveUpAfter:
		return stop(incident.MarkFailed, Reason(err))
	default:
		return nil, c.troubled(t, err, tell, e.HoldKey)
	}
	end.Receipt = written(receipt)
	end.Mark, end.Words = c.proof(ctx, action, receipt)
	if receipt.Already && end.Mark == incident.MarkInEffect {
		end.Mark = incident.MarkAlready
	}
	if _, keeps := action.(actions.Preserver); keeps && action.Spec().Destroys == "" && c.Evidence != nil {
		// It destroys little: contained at once, collected after. Without evidence it stands all the same.
		if why := c.preserve(ctx, action, s, deed, plan, e.HoldKey, tell); why != "" {
			end.Words.Why = strings.TrimSpace(end.Words.Why + " No evidence was collected: " + why)
		}
	}
	return end, nil
}

// longWait is a vendor's wait that people want to know of.
const longWait = 5 * time.Second

// troubled says once, at the first failed attempt, that it does not get through. The
// trying goes on.
func (c *Crew) troubled(t incident.Task, err error, tell func(incident.Command) error, k incident.HoldKey) error {
	if wait, asked := incident.LaterBy(err); t.Attempt == 1 && (!asked || wait >= longWait) {
		if told := tell(incident.Stuck{HoldKey: k, Words: incident.DeedWords{Why: Reason(err)}}); told != nil {
			return told
		}
	}
	return err
}

// proof looks at the world until it is as it should be, or for as long as the action
// says it is worth it.
func (c *Crew) proof(ctx context.Context, action actions.Action, r actions.Receipt) (incident.Mark, incident.DeedWords) {
	words := incident.DeedWords{Done: r.Done}
	for look := 1; ; look++ {
		p, err := action.Verify(ctx, r)
		if err == nil && p.Standing == actions.InEffect {
			words.Seen = p.Seen
			return incident.MarkInEffect, words
		}
		again := p.Again
		if err != nil {
			again = time.Second
		}
		if again > 0 && look < proofLooks && rest(ctx, min(again, proofWait)) {
			continue
		}
		switch {
		case err != nil:
			words.Why = "It was done, and could not be looked at afterwards: " + Reason(err)
			return incident.MarkUnproven, words
		case p.Standing == actions.Unproven:
			words.Seen = p.Seen
			return incident.MarkUnproven, words
		}
		words.Seen = p.Seen
		return incident.MarkNoEffect, words
	}
}

func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// preserve keeps what the deed would destroy. why says what is in the way; "" it is kept.
func (c *Crew) preserve(ctx context.Context, action actions.Action, s incident.State, d incident.Deed, p actions.Plan, k incident.HoldKey, tell func(incident.Command) error) (why string) {
	keeper, ok := action.(actions.Preserver)
	if !ok || c.Evidence == nil {
		return "Nothing here can keep what it destroys."
	}
	long := preserveLong
	if end, bounded := ctx.Deadline(); bounded {
		long = min(long, time.Until(end)-writeDown) // what was done has to be written down afterwards
	}
	if long < writeDown {
		return "There was no time left to keep it."
	}
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	found, err := keeper.Preserve(ctx, actions.Input{Target: d.Name(k.Index), Params: paramsOf(d), Key: p.Key, Note: noteOf(s, d)})
	if err != nil {
		return Reason(err)
	}
	var items []incident.KeptItem
	for _, it := range found.Items {
		kept := incident.KeptItem{Ref: incident.Seal(it.Ref)}
		if it.Open != nil {
			if kept, err = c.keepOne(ctx, k.Incident, it); err != nil {
				return fmt.Sprintf("%s could not be kept: %s", it.Name, Reason(err))
			}
		}
		kept.Name, kept.From, kept.Type = incident.Seal(it.Name), incident.Seal(it.From), it.Type
		items = append(items, kept)
	}
	if len(items) == 0 {
		return "There was nothing that could be kept."
	}
	if err := tell(incident.Preserved{HoldKey: k, Items: items}); err != nil {
		return "What was kept could not be written down."
	}
	return ""
}

func (c *Crew) keepOne(ctx context.Context, of incident.ID, it actions.Item) (incident.KeptItem, error) {
	r, err := it.Open()
	if err != nil {
		return incident.KeptItem{}, err
	}
	defer func() { _ = r.Close() }()
	return c.Evidence.Keep(ctx, of, r, actions.MaxItem)
}

// release undoes what the register's receipt says was done.
func (c *Crew) release(ctx context.Context, t incident.Task, e incident.Release, tell func(incident.Command) error) (incident.Command, error) {
	end := incident.ReleasedIt{HoldKey: e.HoldKey}
	h, ok := t.State.Hold[e.String()]
	if !ok {
		return nil, nil // the deed came to nothing meanwhile
	}
	if h.Receipt == 0 {
		end.Mark, end.Words = incident.MarkReleased, incident.DeedWords{Why: "Nothing had been done yet."}
		return end, nil
	}
	receipt, err := c.receipt(ctx, t.Incident, h.Receipt)
	if err != nil {
		return nil, err
	}
	action, ok := c.Catalogue.Find(h.Action)
	undoer, undoes := action.(actions.Undoer)
	if !ok || !undoes || receipt.Action != h.Action {
		end.Mark, end.Words = incident.MarkStuck, incident.DeedWords{Why: "Nothing here can take it back."}
		return end, nil
	}
	receipt.Force = e.Force
	doing, cancel := context.WithTimeout(ctx, deedLong)
	back, err := undoer.Undo(doing, receipt)
	cancel()
	var changed *actions.Changed
	switch {
	case err == nil:
	case errors.As(err, &changed):
		end.Mark, end.Words = incident.MarkDisputed, incident.DeedWords{Why: Reason(err)}
		return end, nil
	case actions.Final(err), t.Attempt >= giveUpAfter:
		end.Mark, end.Words = incident.MarkStuck, incident.DeedWords{Why: Reason(err)}
		return end, nil
	default:
		return nil, c.troubled(t, err, tell, e.HoldKey)
	}
	mark, words := c.proof(ctx, action, back)
	end.Words, end.Mark = words, incident.MarkReleased
	if mark == incident.MarkNoEffect {
		end.Mark = incident.MarkStuck
		end.Words.Why = "It was taken back, and it is still contained."
	}
	return end, nil
}

func (c *Crew) receipt(ctx context.Context, register incident.ID, line int64) (actions.Receipt, error) {
	ev, err := c.Record.Event(ctx, register, line)
	if err != nil {
		return actions.Receipt{}, fmt.Errorf("read the receipt: %w", err)
	}
	var r actions.Receipt
	if done, ok := ev.Event.(incident.HoldEnforced); ok && done.Receipt.Text != "" {
		err = json.Unmarshal([]byte(done.Receipt.Text), &r)
	}
	if err != nil {
		return r, incident.GiveUp(fmt.Errorf("read the receipt: %w", err))
	}
	return r, nil
}

func written(r actions.Receipt) string {
	b, err := json.Marshal(r)
	if err != nil {
		return "" // a receipt is JSON by construction
	}
	return string(b)
}
