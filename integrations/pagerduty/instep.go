package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// The operations of a TellPager.
const (
	OpAcknowledge = "acknowledge"
	OpResolve     = "resolve"
	OpNote        = "note"
	OpPriority    = "priority"
	OpBridge      = "bridge" // the room as conference bridge
)

// bringInStep does what happened in the room to PagerDuty's incident. Doing it twice
// changes nothing, but for a note, which is looked for first. An incident PagerDuty
// has resolved meanwhile is in step enough.
func (p *Pager) bringInStep(ctx context.Context, t incident.Task, e incident.TellPager) error {
	if !slices.Contains([]string{OpAcknowledge, OpResolve, OpNote, OpPriority, OpBridge}, e.Op) {
		return incident.GiveUp(fmt.Errorf("tell PagerDuty: %s is not an operation", quote(e.Op)))
	}
	ref := e.Vendor
	if ref.Incident == "" && ref.Key != "" && p.mayREST() {
		found, ok, err := p.findByKey(ctx, ref.Key, t.Rank)
		if err == nil && ok {
			ref = found
		}
	}
	if ref.Incident != "" && p.mayREST() {
		if !isID(ref.Incident) {
			return incident.GiveUp(errors.New("tell PagerDuty: that is not a PagerDuty incident id"))
		}
		return verdict(p.overREST(ctx, t, e.Op, ref.Incident), "The incident may have been deleted in PagerDuty, or the From address may not be a user there.")
	}
	if ref.Key == "" || e.Op == OpNote || e.Op == OpPriority || e.Op == OpBridge {
		return nil // these travel over REST only; Check says what is missing for it
	}
	return p.overEvents(ctx, t, e.Op, ref.Key)
}

func (p *Pager) overREST(ctx context.Context, t incident.Task, op, id string) error {
	change := pd.ManageIncidentsOptions{ID: id}
	switch op {
	case OpNote:
		return p.addNote(ctx, t, id)
	case OpAcknowledge:
		change.Status = "acknowledged"
	case OpResolve:
		change.Status = "resolved"
	case OpBridge:
		if t.State.Room.URL == "" {
			return nil
		}
		change.ConferenceBridge = &pd.ConferenceBridge{ConferenceURL: t.State.Room.URL}
	case OpPriority:
		name := p.priorityName(incident.Rung{}, t.State.Severity)
		ref, err := p.priorityID(ctx, name, t.Rank)
		if err != nil {
			return err
		}
		if ref == "" {
			return wrong("set the priority",
				"PagerDuty has no priority named "+quote(name)+": name one for this severity in the configuration.")
		}
		change.Priority = &pd.APIReference{ID: ref, Type: "priority_reference"}
	}
	err := p.manage(ctx, t.Rank, p.actor(t), op, change)
	var bad *trouble
	if errors.As(err, &bad) && bad.code == codeNoRequester && p.actor(t) != p.conf.From {
		err = p.manage(ctx, t.Rank, p.conf.From, op, change)
	}
	if errors.As(err, &bad) && bad.code == codeResolved {
		return nil
	}
	return err
}

func (p *Pager) manage(ctx context.Context, rank incident.Rank, from, op string, change pd.ManageIncidentsOptions) error {
	return p.call(ctx, rank, CostREST, op+" in PagerDuty", func(c *pd.Client) error {
		_, err := c.ManageIncidentsWithContext(ctx, from, []pd.ManageIncidentsOptions{change})
		return err
	})
}

// actor is the From address: whoever did it in the room when PagerDuty knows them,
// so that its own log names the right person; otherwise Tocsin's own user.
func (p *Pager) actor(t incident.Task) string {
	id := t.Event.By
	if ack, ok := t.Event.Event.(incident.Acknowledged); ok {
		id = ack.Person
	}
	who := t.State.Person(id)
	if t.State.Private || who.PagerDuty == "" || who.Email.Text == "" {
		return p.conf.From
	}
	return who.Email.Text
}

func (p *Pager) addNote(ctx context.Context, t incident.Task, id string) error {
	text := note(t)
	if t.Attempt > 1 {
		var have []pd.IncidentNote
		err := p.call(ctx, t.Rank, CostREST, "read the notes", func(c *pd.Client) (err error) {
			have, err = c.ListIncidentNotesWithContext(ctx, id)
			return err
		})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(n pd.IncidentNote) bool { return n.Content == text }) {
			return nil
		}
	}
	return p.call(ctx, t.Rank, CostREST, "write a note", func(c *pd.Client) error {
		// The SDK sends User.Summary as the From header.
		_, err := c.CreateIncidentNoteWithContext(ctx, id, pd.IncidentNote{Content: text, User: pd.APIObject{Summary: p.conf.From}})
		return err
	})
}

// overEvents acknowledges or resolves by key. The key of a page belongs to the
// service of its rung; where that is not known any more every service is told, since
// a key nobody opened is dropped without a word.
func (p *Pager) overEvents(ctx context.Context, t incident.Task, op, key string) error {
	names := slices.Sorted(maps.Keys(p.conf.Services))
	if s := serviceOf(t.State, key); s != "" && p.conf.Services[s] != "" {
		names = []string{s}
	}
	for _, name := range names {
		err := p.call(ctx, t.Rank, CostEvents+name, op+" in PagerDuty", func(c *pd.Client) error {
			_, err := c.ManageEventWithContext(ctx, &pd.V2Event{RoutingKey: string(p.conf.Services[name]), Action: op, DedupKey: key})
			return err
		})
		var bad *trouble
		if errors.As(err, &bad) && bad.status == http.StatusAccepted {
			continue
		}
		if err != nil {
			return verdict(err, "Check the integration key of the service "+quote(name)+".")
		}
	}
	return nil
}

// serviceOf is the service a page went through, as far as the present ladder tells.
func serviceOf(s incident.State, key string) string {
	for _, at := range s.Paging.Pages {
		if at.Vendor.Key == key && at.Rung >= 0 && at.Rung < len(s.Paging.Ladder.Rungs) {
			return s.Paging.Ladder.Rungs[at.Rung].Service
		}
	}
	return ""
}
