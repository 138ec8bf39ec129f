package containment

import (
	"context"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// prolong tells the target's own timer when the last hold ends. Where it cannot be told the rooms hear
// of it: they would read that it is contained until then, and it would not be.
func (c *Crew) prolong(ctx context.Context, t incident.Task, e incident.Prolong, tell func(incident.Command) error) (incident.Command, error) {
	h, ok := t.State.Hold[e.String()]
	if !ok || h.Ending || h.Receipt == 0 {
		return nil, nil
	}
	action, ok := c.Catalogue.Find(h.Action)
	prolonger, has := action.(actions.Prolonger)
	if !ok || !has {
		return nil, nil
	}
	receipt, err := c.receipt(ctx, t.Incident, h.Receipt)
	if err != nil {
		return nil, err
	}
	if receipt.Action != h.Action || receipt.Already {
		return nil, nil // it is somebody else's, and so is its end
	}
	doing, cancel := context.WithTimeout(ctx, deedLong)
	err = prolonger.Prolong(doing, receipt, incident.LastEnd(t.State.Hold, h.Action))
	cancel()
	if err == nil {
		return nil, nil
	}
	said := incident.Stuck{HoldKey: e.HoldKey, Words: incident.DeedWords{Why: Reason(err)}, End: true}
	switch {
	case actions.Final(err):
		return said, nil
	case t.Attempt >= giveUpAfter:
		return nil, incident.GiveUp(err) // it was said at the first attempt
	case t.Attempt == 1:
		if told := tell(said); told != nil {
			return nil, told
		}
	}
	return nil, err
}
