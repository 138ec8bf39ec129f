package app

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	sensorwire "github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	feedsEvery = time.Minute     // is looked which feeds are due
	feedsLease = 5 * time.Minute // longer than one feed may take
	// peopleRoom is what feeds leave of a set for what people add.
	peopleRoom = 1 << 20
)

// feedsConfig is how feeds are read here.
func (a *App) feedsConfig(guard func() *intel.Guard) feeds.Config {
	return feeds.Config{
		Feeds: func() []plan.Feed { return a.plan.Now().Settings().Signals.Feeds }, Guard: guard, Cache: a.db, Room: sensorwire.MostUpdate - peopleRoom,
		Folder: feedFolder(a.config, a.parts), Token: feedToken(a.config), Trust: a.parts.Trust, Now: a.clock.Now, Log: a.log,
		Lead: func(ctx context.Context) bool {
			ok, err := a.coord.Hold(ctx, a.shared("feeds"), feedsLease)
			return err == nil && ok
		},
	}
}

// feedFolder opens the plan's folder so that nothing leads out of it, links included.
func feedFolder(c config.Config, p Parts) func() (fs.FS, error) {
	return func() (fs.FS, error) {
		if p.Plan != nil || c.PlanDir == "" {
			return planFolder(c, p), nil
		}
		root, err := os.OpenRoot(c.PlanDir)
		if err != nil {
			return nil, fmt.Errorf("open the plan's folder: %w", err)
		}
		return root.FS(), nil
	}
}

func feedToken(c config.Config) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		s, ok := c.Feeds.Tokens[name]
		return s.Reveal(), ok
	}
}

// serveFeeds reads feeds when they are due, until ctx ends.
func (a *App) serveFeeds(ctx context.Context) error {
	if a.sensors.feeds == nil {
		return nil
	}
	for {
		a.readFeeds(ctx)
		if err := a.clock.Sleep(ctx, feedsEvery); err != nil {
			return nil //nolint:nilerr // the context ended: that is how it stops
		}
	}
}

// readFeeds reads what is due, and gives hosts what came of it.
func (a *App) readFeeds(ctx context.Context) {
	if err := a.sensors.feeds.Round(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("read the feeds of indicators", "error", err)
	}
	if err := a.sensors.desk.Refresh(); err != nil && ctx.Err() == nil {
		a.log.Warn("give hosts the indicators", "error", err)
	}
}

// guard knows what must never be an indicator here, by the plan as it stands.
func (a *App) guard() func() *intel.Guard {
	var mu sync.Mutex
	var last *intel.Guard
	digest := ""
	return func() *intel.Guard {
		mu.Lock()
		defer mu.Unlock()
		p := a.plan.Now()
		if last != nil && p.Digest() == digest {
			return last
		}
		g, err := intel.NewGuard(guarded(a.config, p.Settings().Signals.Ours))
		if err != nil {
			a.log.Warn("the guard of indicators knows less than it should", "error", err)
			if g = last; g == nil {
				g, _ = intel.NewGuard(intel.Guarded{}) // it has nothing to refuse
			}
		}
		last, digest = g, p.Digest()
		return last
	}
}

// guarded are the addresses and names without which Tocsin is blind or mute, and those of the plan.
func guarded(c config.Config, ours plan.Ours) intel.Guarded {
	g := intel.Guarded{Own: ours.Networks, OwnNames: ours.Names}
	hosts := append([]string{}, c.Fleet.Names...)
	if host, _, err := net.SplitHostPort(c.Fleet.Listen); err == nil {
		hosts = append(hosts, host)
	}
	for _, address := range []string{c.Slack.URL, c.PagerDuty.URL, c.PagerDuty.EventsURL, c.GitHub.URL} {
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	for _, h := range hosts {
		h = strings.TrimSuffix(strings.ToLower(h), ".")
		if at, err := netip.ParseAddr(h); err == nil {
			if !at.IsUnspecified() {
				g.Control = append(g.Control, netip.PrefixFrom(at, at.BitLen()))
			}
		} else if strings.Contains(h, ".") {
			g.ControlNames = append(g.ControlNames, h)
		}
	}
	return g
}
