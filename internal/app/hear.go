package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
)

// hearPagerDuty hands what PagerDuty said to the incident it belongs to, or declares
// one where the plan says so. A PagerDuty incident declares once: its id is a claim.
func (a *App) hearPagerDuty(ctx context.Context, id incident.CommandID, said incident.VendorSaid, fresh *pagerduty.Fresh) error {
	stream, ours, err := a.db.ByClaim(ctx, "pd:"+said.Vendor.Incident)
	if err != nil {
		return fmt.Errorf("whose is %s: %w", said.Vendor.Incident, err)
	}
	if !ours {
		// A page whose PagerDuty number is not known yet carries our key.
		stream, ours = pagerduty.Stream(said.Vendor.Key)
	}
	by := incident.Vendor("pagerduty")
	if ours {
		_, err = a.engine.Handle(ctx, stream, incident.Asked{ID: id, By: by, Via: incident.ViaPagerDuty, At: a.clock.Now(), What: said})
		return err
	}
	if fresh == nil {
		return nil // about an incident that is none of ours
	}
	declare, ok := a.plan.Now().Settings().PagerDuty.Declare(fresh.Service, fresh.Priority, fresh.Urgency)
	if !ok {
		return nil
	}
	asked := incident.Asked{
		ID: incident.CommandID("pd:" + fresh.Incident), By: by, Via: incident.ViaPagerDuty, At: a.clock.Now(), Occurred: fresh.Created,
		What: incident.Declare{Title: fresh.Title, Severity: declare.Severity, Type: declare.Type, VendorID: fresh.Incident},
	}
	_, err = a.engine.Handle(ctx, "", asked)
	var taken *engine.ErrTaken
	if errors.As(err, &taken) {
		return nil // another replica was faster
	}
	return err
}
