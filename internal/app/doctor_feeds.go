package app

import (
	"context"
	"sync"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/feeds"
)

// feeds asks each feed of the plan whether it could be read; the beginning of the answer is enough.
func (d *doctor) feeds(ctx context.Context) []Finding {
	if d.plan == nil {
		return nil // said already
	}
	named := d.plan.Settings().Signals.Feeds
	if len(named) == 0 {
		return nil
	}
	if d.config.Fleet.Listen == "" {
		return []Finding{warn("sensors", "The plan names feeds of indicators, and no host can come to be watched for them.", "Set TOCSIN_FLEET_LISTEN and TOCSIN_FLEET_NAMES, or take the feeds out.")}
	}
	conf := feeds.Config{Folder: feedFolder(d.config, d.parts), Token: feedToken(d.config), Trust: d.parts.Trust, Now: d.clock.Now}
	out := make([]Finding, len(named))
	var asked sync.WaitGroup
	for i, f := range named {
		asked.Go(func() {
			err := feeds.Look(ctx, conf, f)
			_, busy := incident.LaterBy(err)
			switch {
			case err == nil:
				out[i] = fine(f.Name, "It can be read.")
			case busy:
				out[i] = warn(f.Name, "It wants to be asked later: "+err.Error()+".", "Nothing, unless it lasts.")
			default:
				out[i] = fail(f.Name, upper(err.Error())+".", "See its address and token at "+f.Source+" of the plan, and TOCSIN_FEED_TOKENS.")
			}
		})
	}
	asked.Wait()
	return out
}
