package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
)

var errUnsure = errors.New("whose incident it is cannot be told right now")

// maxStrangers bounds what is remembered of PagerDuty incidents that are none of ours.
const maxStrangers = 10_000

// strangerOrNot asks PagerDuty once whether an unknown incident is a page of ours
// whose answer has not been recorded yet: an acknowledgement can be faster.
func (a *App) strangerOrNot(ctx context.Context, id string) (key string, sure bool) {
	if !a.config.PagerDuty.Token.IsSet() {
		return "", true // it can never be asked
	}
	a.strangers.Lock()
	known := a.strangers.ids[id]
	a.strangers.Unlock()
	if known {
		return "", true
	}
	if key, sure = a.pager.KeyOf(ctx, id); !sure || key != "" {
		return key, sure
	}
	a.strangers.Lock()
	defer a.strangers.Unlock()
	if len(a.strangers.ids) >= maxStrangers || a.strangers.ids == nil {
		a.strangers.ids = map[string]bool{}
	}
	a.strangers.ids[id] = true
	return "", true
}

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
	if !ours && fresh == nil && said.Vendor.Incident != "" {
		key, sure := a.strangerOrNot(ctx, said.Vendor.Incident)
		if !sure {
			return errUnsure // PagerDuty sends it again
		}
		if stream, ours = pagerduty.Stream(key); ours {
			said.Vendor.Key = key
		}
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
