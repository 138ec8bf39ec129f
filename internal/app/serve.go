package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Run serves until ctx ends or a part fails for good, then stops in reverse order.
func (a *App) Run(ctx context.Context) error {
	listener, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return a.Serve(ctx, listener)
}

// Serve is Run on a listener that is there already.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	mux := a.routes()
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	server.RegisterOnShutdown(a.mountAPI(mux))
	run("http", func(context.Context) error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	run("runner", a.runner.Run)
	run("wake-ups", a.listen)
	run("sweeps", a.sweeps)
	run("sensors", a.serveFleet)
	run("signals", a.serveSignals)
	run("feeds", a.serveFeeds)
	run("requests", a.takeUp)
	run("drills", a.drills.scheduled)
	if a.config.Slack.AppToken.IsSet() {
		run("socket mode", a.slack.RunSocket)
	} else {
		run("history", func(ctx context.Context) error { a.slack.FillGaps(ctx); return nil }) // a socket does it whenever it connects
	}
	a.log.Info("serving", "address", listener.Addr().String(), "plan", a.plan.Now().Digest())
	<-ctx.Done()
	// Doors close first, so that nothing new is taken on; what is under way finishes.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	_ = server.Shutdown(closing)
	a.slack.Drain(context.WithoutCancel(ctx))
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// listen wakes the runner when another replica owes something.
func (a *App) listen(ctx context.Context) error {
	for range a.coord.Listen(ctx, a.shared("work")) {
		a.engine.Wake()
	}
	return nil
}

// routes are the doors for vendors and for whoever watches over us.
func (a *App) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /readyz", &readiness{check: a.db.Ready, log: a.log})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second}))
	if a.config.Slack.SigningSecret.IsSet() {
		mux.Handle("/slack/", a.slack.Handler())
	}
	if a.pager != nil && len(a.config.PagerDuty.WebhookSecrets) > 0 {
		mux.Handle("/pagerduty/webhook", a.pager.Hook(a.hearPagerDuty))
	}
	if a.github != nil && a.config.GitHub.WebhookSecret.IsSet() {
		mux.Handle("/github/webhook", a.github.Hook(a.hearGitHub))
	}
	return mux
}
