package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/containment"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/store/coord"
)

// openContainment puts the catalogue together from the vendors that are configured.
func (a *App) openContainment(context.Context, Parts) error {
	lists, err := a.lists()
	if err != nil {
		return err
	}
	if a.catalogue, err = actions.NewCatalogue(append(lists, a.fleetActions())...); err != nil {
		return err
	}
	a.crew = &containment.Crew{Catalogue: a.catalogue, Record: a.db, Rules: func() incident.Rules { return a.plan.Now() }, Now: a.clock.Now, Log: a.log}
	if a.kept != nil {
		a.crew.Evidence = deedEvidence{a.kept}
	}
	a.room.Actions = a.catalogue
	if n := len(a.catalogue.Names()); n > 0 {
		a.log.Info("containment", "actions", n)
	}
	return nil
}

// longestTurn is how long a call waits for its turn in a vendor's budget before the deed is
// put off as a whole.
const longestTurn = 15 * time.Second

// pace charges an adapter's calls to the budgets that all replicas share, at the rank of
// containment, for which a reserve is kept. A call waits for its turn: a deed of four calls
// that was put off at its second would begin anew, spend what it waited for, and never end.
func (a *App) pace(vendor string) actions.Pace {
	if a.coord == nil { // doctor, who is alone
		return nil
	}
	return func(ctx context.Context, limit string, r actions.Rate) error {
		rate := coord.Rate{Per: time.Minute, N: int(r.PerMinute), Burst: r.Burst}
		if r.PerMinute < 1 {
			rate = coord.Rate{Per: time.Duration(float64(time.Minute) / r.PerMinute), N: 1, Burst: r.Burst}
		}
		for {
			err := a.metrics.waited(vendor, limit, take(ctx, a.coord, a.shared(vendor+"/"+limit), rate, incident.RankPage))
			wait, busy := incident.LaterBy(err)
			if !busy || wait > longestTurn {
				return err
			}
			if slept := a.clock.Sleep(ctx, wait); slept != nil {
				return err // whoever called has no time left; the budget says when
			}
		}
	}
}

// deedEvidence keeps what is preserved before a deed in the folder of the incident.
type deedEvidence struct{ store evidence.Store }

func (d deedEvidence) Keep(ctx context.Context, of incident.ID, r io.Reader, limit int64) (incident.KeptItem, error) {
	item, err := d.store.Put(ctx, string(of), r, limit)
	if err != nil {
		return incident.KeptItem{}, fmt.Errorf("keep it: %w", err)
	}
	return incident.KeptItem{Size: item.Size, SHA256: item.SHA256, ID: item.Stored, Key: incident.Seal(base64.StdEncoding.EncodeToString(item.Key))}, nil
}
