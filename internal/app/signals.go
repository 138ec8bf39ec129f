package app

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/internal/signals"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
)

// openSignals makes the desk to which signals come, and tells the fleet of it.
func (a *App) openSignals(ctx context.Context, c *fleet.Config) error {
	files, err := sigma.Read(rules.Files())
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	replica := ""
	if c.Peer != "" {
		replica = rand.Text()[:16]
	}
	guard := a.guard()
	if a.sensors.feeds, err = feeds.New(ctx, a.feedsConfig(guard)); err != nil {
		return err
	}
	desk, err := signals.New(ctx, signals.Config{Guard: guard, Feeds: a.sensors.feeds, Asker: a.engine, Record: a.db, Plan: func() plan.Signals { return a.plan.Now().Settings().Signals },
		Groups: func(host string) []string { return a.plan.Now().HostGroups(host) }, Rules: files, Replica: replica, Now: a.clock.Now, Log: a.log})
	if err != nil {
		return err
	}
	a.sensors.desk = desk
	agreed := func() plan.Signals { return a.plan.Now().Settings().Signals }
	c.Rooms, c.Rule, c.Excepted, c.Changed, c.Thresholds = desk, desk.Rule, desk.Excepted, desk.Changed, func() noise.Thresholds { return agreed().Thresholds }
	c.Settings, c.Usual, c.Odd = desk.Settings, desk.Observe, func() noise.Thresholds { return agreed().Baseline.Thresholds() }
	return nil
}

// attendSignals has people and the desk ask the hosts.
func (a *App) attendSignals() error {
	a.room.Sensors = a.sensors.desk
	return a.sensors.desk.Attend(a.sensors.fleet)
}

// serveSignals listens to what hosts send by themselves, until ctx ends.
func (a *App) serveSignals(ctx context.Context) error {
	if a.sensors.desk == nil {
		return nil
	}
	return a.sensors.desk.Run(ctx)
}

var _ bot.Sensors = (*signals.Desk)(nil)
