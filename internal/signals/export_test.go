package signals

import (
	"context"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
)

// Take is what becomes of what hosts send.
func (d *Desk) Take(s fleet.Seen) { d.Observe(&s.Event); d.take(s) }

// Know has it ask these hosts, and gives them nothing.
func (d *Desk) Know(h Hosts) { d.hosts = h }

// ReadSuspects is what Run does from time to time.
func (d *Desk) ReadSuspects(ctx context.Context) error { return d.readSuspects(ctx) }

// ThawEnded and KeepUsual are what Run does from time to time.
func (d *Desk) ThawEnded(ctx context.Context) error { return d.thawEnded(ctx) }

// KeepUsual is described at ThawEnded.
func (d *Desk) KeepUsual(ctx context.Context) error { return d.keepUsual(ctx) }
