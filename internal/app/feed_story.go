package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox/feed"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/templates"
)

// demoFeed is a feed of indicators in the demo's world. The plan names it once it publishes.
type demoFeed struct {
	server *feed.Server
	trust  *x509.CertPool

	mu    sync.Mutex // guards what follows
	named bool
}

// openFeed has somebody who could publish.
func (d *Demo) openFeed(c *config.Config) error {
	if d.feed == nil {
		s, err := feed.Start()
		if err != nil {
			return err
		}
		d.feed = &demoFeed{server: s, trust: x509.NewCertPool()}
		d.feed.trust.AddCert(s.Cert)
	}
	c.Feeds.Tokens = map[string]config.Secret{"shared": config.NewSecret(d.feed.server.Token)}
	return nil
}

func (d *Demo) closeFeed() {
	if d.feed != nil {
		d.feed.server.Close()
	}
}

func (f *demoFeed) name(is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named = is
}

const feedInPlan = `
  feeds:
    - {name: shared, kind: list, url: %q, tlp: amber, token: shared, internal: yes}
`

// demoPlan is the demo's plan, with the feed while it is named.
type demoPlan struct {
	fs.FS
	feed *demoFeed
}

// Open is fs.FS's.
func (p demoPlan) Open(name string) (fs.File, error) {
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	file, err := p.FS.Open(name)
	if err != nil || name != "settings.yaml" || !p.feed.named {
		return file, err
	}
	// What concerns signals stands last in it.
	return longer{file, io.MultiReader(file, strings.NewReader(fmt.Sprintf(feedInPlan, p.feed.server.URL)))}, nil
}

// longer is a file with more text.
type longer struct {
	fs.File
	text io.Reader
}

// Read is fs.File's.
func (l longer) Read(p []byte) (int, error) { return l.text.Read(p) }

// ReadDir lists what is there without it.
func (p demoPlan) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(p.FS, name) }

func (d *Demo) parts() Parts {
	return Parts{Clock: d.Clock, Plan: demoPlan{templates.DemoPlan(), d.feed}, Trust: d.feed.trust, Log: d.options.Log}
}

// feedHooks are the steps of a story that a feed takes.
func (d *Demo) feedHooks() map[string]story.Hook {
	return map[string]story.Hook{
		"feed lists": func(ctx context.Context, args []string) error {
			d.feed.server.Publish(strings.Join(strings.Fields(args[0]), "\n") + "\n")
			d.feed.name(true)
			return d.readFeed(ctx)
		},
		"feed is": func(ctx context.Context, args []string) error {
			switch args[0] {
			case "shut":
				d.feed.server.Shut()
			case "dropped":
				d.feed.name(false)
			default:
				return fmt.Errorf("a feed is shut or dropped, not %s", args[0])
			}
			return d.readFeed(ctx)
		},
	}
}

// readFeed has every replica read the plan, and what is due by it; the second time those that do not lead
// have what the one that does has read.
func (d *Demo) readFeed(ctx context.Context) error {
	if d.App() == nil {
		return errHalted
	}
	for range 2 {
		for _, r := range d.running {
			if r.app == nil {
				continue
			}
			if r.app.sensors.feeds == nil {
				return errNoFleet
			}
			if err := r.app.plan.Reload(ctx); err != nil {
				return err
			}
			r.app.readFeeds(ctx)
		}
	}
	return nil
}
