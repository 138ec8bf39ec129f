package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
)

type demoCmd struct {
	Listen string  `help:"Address of the page. It is loopback only." default:"127.0.0.1:8481"`
	Speed  float64 `help:"How fast the sandbox's clock runs." default:"1"`
	Keep   string  `help:"Keep the database in this file; without it a temporary one is used." type:"path"`
	HTTP   bool    `help:"Let Slack send signed HTTP requests instead of using Socket Mode."`
	Log    string  `help:"Log level." default:"error" enum:"debug,info,warn,error"`
	Story  string  `help:"Play a story instead of opening the page; 'list' shows them."`
}

// Run opens the page, or plays a story.
func (c *demoCmd) Run(ctx context.Context, t terminal) error {
	switch c.Story {
	case "":
		return c.page(ctx, t)
	case "list":
		return listStories(t)
	}
	return c.play(ctx, t)
}

func (c *demoCmd) page(ctx context.Context, t terminal) error {
	began := time.Now()
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the page may only be on loopback, not on %q: whoever reaches it can do what anybody in the sandbox can", c.Listen)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen for the page: %w (another demo? try --listen 127.0.0.1:0)", err)
	}
	d, err := app.StartDemo(ctx, app.DemoOptions{Speed: c.Speed, Database: c.Keep, HTTPMode: c.HTTP, Log: t.log(c.Log)})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: d.Page(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close() // streams to open pages would hold a gentler stop
	}()
	_, _ = fmt.Fprintf(t.out, `
  Tocsin is running with a sandbox around it (%.1f s): nothing leaves this machine.

  Open   http://%s
  Try    /incident declare p1 AWS key on a public paste site
  Stop   Ctrl+C

  %s

`, time.Since(began).Seconds(), listener.Addr(), d.WatchHere(ctx))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
