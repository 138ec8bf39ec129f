package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// watching is what run and events have in common.
type watching struct {
	Profile bpf.Profile `help:"How much is let through: quiet, normal or recovery." default:"normal" env:"TOCSIN_SENSOR_PROFILE"`
	Host    string      `help:"What this host is called; its own name by default." env:"TOCSIN_SENSOR_HOST"`
	Verbose bool        `help:"Say more on standard error." short:"v"`
}

func (w watching) open(t terminal, sink agent.Sink, judge agent.Judge) (*agent.Agent, *slog.Logger, error) {
	level := slog.LevelInfo
	if w.Verbose {
		level = slog.LevelDebug
	}
	log := t.log(level)
	a, err := agent.Open(agent.Options{Host: w.Host, Profile: w.Profile, Sink: sink, Judge: judge, Log: log})
	if err != nil {
		return nil, nil, cannotWatch{err}
	}
	return a, log, nil
}

type runCmd struct {
	watching
	serving
	To       string        `help:"Where lines of JSON go; - is standard output." default:"-" placeholder:"FILE"`
	Max      int64         `help:"Size at which the file is put aside, in megabytes; one older file is kept." default:"64"`
	Health   time.Duration `help:"How often the accounts are written to the log." default:"1m"`
	Accounts string        `help:"A file for the accounts of every kind, as JSON: what was seen, filtered, lost and delivered." placeholder:"FILE"`
}

// Run watches until it is told to stop.
func (c *runCmd) Run(ctx context.Context, t terminal) error {
	if c.Server {
		return c.serve(ctx, t)
	}
	w, err := c.writer(t)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	a, log, err := c.watching.open(t, &lines{w: bufio.NewWriterSize(w, 1<<16)}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	return c.watch(ctx, a, log, a.Run)
}

// serve watches for the server, and writes no file.
func (c *runCmd) serve(ctx context.Context, t terminal) error {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	s, stop, err := c.serving.open(ctx, c.Profile, t.log(level))
	if err != nil {
		return err
	}
	defer stop()
	c.Host = s.link.Host() // as enrolled, whatever was said here
	a, log, err := c.watching.open(t, s.link, s.judge)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	return c.watch(ctx, a, log, func(ctx context.Context) error { return s.run(ctx, a) })
}

// watch runs until the context ends, and reports meanwhile.
func (c *runCmd) watch(ctx context.Context, a *agent.Agent, log *slog.Logger, run func(context.Context) error) error {
	for _, h := range a.Hooks() {
		if h.Runs == "" {
			log.Warn("not seen on this kernel", "what", h.What, "err", h.Err)
		}
	}
	log.Info("watching", "profile", c.Profile)
	go c.report(ctx, a, log)
	if err := run(ctx); err != nil {
		return err
	}
	_, err := c.account(a)
	return err
}

// account reads the accounts, and writes them where they are wanted.
func (c *runCmd) account(a *agent.Agent) (agent.Health, error) {
	h, err := a.Health()
	if err != nil || c.Accounts == "" {
		return h, err
	}
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return h, err
	}
	next := c.Accounts + ".new" // whoever reads sees the whole of one or the other
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return h, err
	}
	return h, os.Rename(next, c.Accounts)
}

func (c *runCmd) writer(t terminal) (io.WriteCloser, error) {
	if c.To == "-" {
		return nopCloser{t.out}, nil
	}
	return openCapped(c.To, c.Max<<20)
}

// report writes the accounts to the log; losses as a warning.
func (c *runCmd) report(ctx context.Context, a *agent.Agent, log *slog.Logger) {
	tick := time.NewTicker(max(c.Health, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h, err := c.account(a)
		if err != nil {
			log.Warn("health", "err", err)
			continue
		}
		var seen, delivered, lost uint64
		for _, k := range h.Kinds {
			seen += k.Seen
			delivered += k.Delivered
			lost += k.Lost + k.Overflowed + k.Refused
		}
		level := slog.LevelInfo
		if lost > 0 || h.Malformed > 0 {
			level = slog.LevelWarn
		}
		log.Log(ctx, level, "health", "seen", seen, "delivered", delivered, "lost", lost, "malformed", h.Malformed,
			"processes", h.Processes, "containers", h.Containers, "named", h.Named)
	}
}

// lines is a sink that writes one JSON object a line. Both lanes use it at once.
type lines struct {
	mu sync.Mutex // guards w
	w  *bufio.Writer
}

// Take writes the batch and flushes it.
func (l *lines) Take(_ context.Context, _ agent.Lane, batch []event.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range batch {
		b, err := json.Marshal(&batch[i])
		if err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
		_, _ = l.w.Write(b)
		_ = l.w.WriteByte('\n') // an error stays and is Flush's
	}
	return l.w.Flush()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// capped is a file that is put aside as FILE.1 when it is full.
type capped struct {
	path string
	max  int64
	f    *os.File
	n    int64
}

func openCapped(path string, most int64) (*capped, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &capped{path: path, max: most, f: f, n: info.Size()}, nil
}

func (c *capped) Write(b []byte) (int, error) {
	if c.n > 0 && c.n+int64(len(b)) > c.max {
		_ = c.f.Close()
		if err := os.Rename(c.path, c.path+".1"); err != nil {
			return 0, err
		}
		next, err := openCapped(c.path, c.max)
		if err != nil {
			return 0, err
		}
		*c = *next
	}
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *capped) Close() error { return c.f.Close() }
