package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/evidence"
)

// sweepEvidence asks of every incident that is over for what was kept longer than the
// plan says. Without a word in the plan everything is kept for good.
func (a *App) sweepEvidence(ctx context.Context) {
	days := a.plan.Now().Settings().EvidenceDays
	if days == 0 {
		return
	}
	err := a.db.Each(ctx, []incident.Status{incident.Closed, incident.Merged}, func(s incident.State) error {
		if err := a.retire(ctx, s, days); err != nil {
			a.log.Warn("evidence whose time is over was not erased", "incident", s.Stream, "error", err)
		}
		return ctx.Err()
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("sweep", "sweep", "evidence", "error", err)
	}
}

// retire erases what was kept of one incident, if nobody holds it and its time is over.
func (a *App) retire(ctx context.Context, s incident.State, days int) error {
	since, held, err := a.over(ctx, s)
	if err != nil || held || since.IsZero() {
		return err
	}
	now, long := a.clock.Now(), time.Duration(days)*24*time.Hour
	if now.Before(since.Add(long)) {
		return nil
	}
	all, err := evidenceOf(ctx, a.db, s.Stream)
	if err != nil {
		return err
	}
	c := incident.EraseEvidence{Days: days, Since: since}
	copied := map[[2]int]bool{}
	for _, e := range all {
		if e.State != incident.KeptHere || now.Before(e.At.Add(long)) {
			continue
		}
		c.Items = append(c.Items, incident.ErasedItem{Stream: e.Line.Stream, Line: e.Line.Seq, Index: e.Index, SHA256: e.SHA256, Size: e.Size, Stored: e.Stored})
		c.Refs = append(c.Refs, e.Keys...)
		if of := [2]int{e.Deed, e.Target}; e.Deed != 0 && !copied[of] {
			copied[of] = true
			refs, err := a.db.PreservedKeys(ctx, s.Stream, e.Deed, e.Target)
			if err != nil {
				return err
			}
			c.Refs = append(c.Refs, refs...)
		}
	}
	if len(c.Items) == 0 {
		return nil
	}
	id := incident.CommandID(fmt.Sprintf("sweep/evidence/%s/%s", s.Stream, now.Format("200601021504")))
	_, err = a.engine.Handle(ctx, s.Stream, incident.Asked{ID: id, Root: id, By: incident.Clockwork, Via: incident.ViaClock, At: now, What: c})
	return err
}

// over is since when an incident is over and whether anybody holds it. One that was
// merged is over when the one it went into is, and held when that one is.
func (a *App) over(ctx context.Context, s incident.State) (since time.Time, held bool, err error) {
	for range 20 { // merged into one that was merged into another
		if s.LegalHold.On {
			return time.Time{}, true, nil
		}
		if s.Status != incident.Merged {
			break
		}
		if s, err = a.db.Load(ctx, s.Into); err != nil {
			return time.Time{}, false, err
		}
	}
	if s.Status != incident.Closed {
		return time.Time{}, false, nil
	}
	return s.Times.Closed, false, nil
}

// destroyer takes the contents of erased evidence out of the store.
type destroyer struct{ store evidence.Store }

// Perform removes what the event says was erased. What is gone already is no error, so
// that it can be done again.
func (d destroyer) Perform(ctx context.Context, t incident.Task, _ func(incident.Command) error) (incident.Command, error) {
	erased, ok := t.Event.Event.(incident.EvidenceErased)
	if !ok {
		return nil, incident.GiveUp(fmt.Errorf("%s follows from no erasure", t.ID))
	}
	if d.store == nil {
		return nil, incident.GiveUp(errors.New("the contents of erased evidence cannot be removed: there is no place for evidence any more"))
	}
	for _, it := range erased.Items {
		if it.Stored == "" {
			continue
		}
		if err := d.store.Remove(ctx, string(t.Incident), it.Stored); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
