//go:build !solo

package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/api"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// caller is whoever calls the API in a story, over HTTP as anybody would.
type caller struct {
	demo   *Demo
	tokens map[string]string // by person
	said   string            // what the last asking was answered, refusals and errors included

	// mu guards everything that follows.
	mu    sync.Mutex
	shown string // what the watcher's screen shows
	ended string // why the watching ended, "" while it goes on
	stop  context.CancelFunc
}

// apiHooks are the steps of a story that go through the API.
func (d *Demo) apiHooks() map[string]story.Hook {
	c := &caller{demo: d, tokens: map[string]string{}}
	return map[string]story.Hook{
		"token for":     c.make,
		"token of":      c.revoke,
		"<who> asks":    c.ask,
		"<who> watches": c.watch,
		"api answers": func(_ context.Context, args []string) error {
			return saysAll(c.said, args)
		},
		"screen shows": func(_ context.Context, args []string) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			return saysAll(c.shown, args)
		},
		"screen lacks": func(_ context.Context, args []string) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if saysAll(c.shown, args) == nil {
				return fmt.Errorf("it is there:\n%s", c.shown)
			}
			return nil
		},
		"watching ends": func(_ context.Context, args []string) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.ended == "" {
				return errors.New("it goes on")
			}
			return saysAll(c.ended, args)
		},
	}
}

func (c *caller) make(ctx context.Context, args []string) error {
	if c.demo.App() == nil {
		return errHalted
	}
	text, _, err := c.demo.App().MakeToken(ctx, args[0], "story", TokenDefault)
	if err != nil {
		return err
	}
	c.tokens[args[0]] = text
	return nil
}

func (c *caller) revoke(ctx context.Context, args []string) error {
	if c.demo.App() == nil {
		return errHalted
	}
	id := tokenShape.FindStringSubmatch(c.tokens[args[0]])
	if id == nil {
		return fmt.Errorf("%s has no token", args[0])
	}
	_, err := c.demo.App().RevokeToken(ctx, id[1])
	return err
}

// dial comes with a person's token. Whoever was given none comes with one of their
// own making.
func (c *caller) dial(who string) (*api.Client, error) {
	token := c.tokens[who]
	if token == "" {
		token = tokenPrefix + strings.ToLower(rand.Text()[:10]) + "_" + rand.Text() + rand.Text()
	}
	return api.Dial(c.demo.URL, token)
}

func (c *caller) ask(ctx context.Context, args []string) error {
	client, err := c.dial(args[0])
	if err != nil {
		return err
	}
	line, err := c.demo.numbered(ctx, args[1])
	if err != nil {
		return err
	}
	c.said = ""
	_, err = client.Say(ctx, line, rand.Text(), 0, func(a api.Answer) { c.said = a.Text }, func(screen.Line) {})
	if err != nil {
		c.said = err.Error()
	}
	return nil
}

func (c *caller) watch(_ context.Context, args []string) error {
	client, err := c.dial(args[0])
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.demo.ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		c.stop()
	}
	c.shown, c.ended, c.stop = "", "", stop
	go func() {
		err := client.Watch(ctx, args[1], func(v *screen.View, now time.Time) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if v == nil || ctx.Err() != nil {
				return
			}
			c.shown = screen.Draw(*v, screen.Size{Now: now})
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		if ctx.Err() == nil { // another watch did not take its place
			c.ended = fmt.Sprint("ended: ", err)
		}
	}()
	return nil
}
