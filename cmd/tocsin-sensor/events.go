package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

type eventsCmd struct {
	watching
	Kind      []string `arg:"" optional:"" help:"Kinds to show; all by default."`
	Path      string   `help:"Only what has to do with files or programs below this path." placeholder:"/PATH"`
	Pid       uint32   `help:"Only this process and its children."`
	Container string   `help:"Only this container: its id, the beginning of it, its name, or its pod (web-0 or shop/web-0)."`
	JSON      bool     `help:"As lines of JSON."`
	Colour    string   `help:"auto, always or never." default:"auto" enum:"auto,always,never"`
}

// Run shows events until it is told to stop.
func (c *eventsCmd) Run(ctx context.Context, t terminal) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	var sink agent.Sink = &screen{w: bufio.NewWriter(t.out), colour: c.coloured(t.out)}
	if c.JSON {
		sink = &lines{w: bufio.NewWriter(t.out)}
	}
	a, log, err := c.open(t, sink, f)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	log.Debug("watching", "profile", c.Profile)
	return a.Run(ctx)
}

func (c *eventsCmd) coloured(w io.Writer) bool {
	if c.Colour != "auto" {
		return c.Colour == "always"
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" // https://no-color.org
}

func (c *eventsCmd) filter() (*filter, error) {
	f := &filter{path: c.Path, container: c.Container}
	if c.Pid != 0 {
		f.family = map[uint32]bool{c.Pid: true}
	}
	for _, word := range c.Kind {
		for name := range strings.SplitSeq(word, ",") {
			k, ok := event.KindNamed(name)
			if !ok {
				return nil, fmt.Errorf("there is no kind %q; there are %s", name, kinds())
			}
			f.kinds |= 1 << k
		}
	}
	return f, nil
}

func kinds() string {
	var all []string
	for _, k := range event.Kinds() {
		all = append(all, k.String())
	}
	return strings.Join(all, ", ")
}

// filter is a judge that drops what was not asked for.
type filter struct {
	kinds     uint32
	path      string
	container string
	family    map[uint32]bool // a process and those that came from it
}

// Judge drops what does not fit.
func (f *filter) Judge(e *event.Event) agent.Verdict {
	return agent.Verdict{Drop: !f.wants(e)}
}

func (f *filter) wants(e *event.Event) bool {
	if f.family != nil {
		if f.family[e.Parent.PID] && len(f.family) < 1<<16 {
			f.family[e.Process.PID] = true
		}
		if !f.family[e.Process.PID] {
			return false
		}
		if e.Kind == event.Exit {
			defer delete(f.family, e.Process.PID)
		}
	}
	if f.kinds != 0 && f.kinds&(1<<e.Kind) == 0 {
		return false
	}
	if f.container != "" && !e.Container.Is(f.container) {
		return false
	}
	return f.path == "" || below(f.path, e.Process.Exe) || e.File != nil && (below(f.path, e.File.Path) || below(f.path, e.File.To))
}

func below(dir, path string) bool {
	dir = strings.TrimSuffix(dir, "/")
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// screen is a sink for people: one line for an event.
type screen struct {
	mu     sync.Mutex // guards w
	w      *bufio.Writer
	colour bool
}

// Take prints the batch.
func (s *screen) Take(_ context.Context, _ agent.Lane, batch []event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		_, _ = fmt.Fprintln(s.w, line(&batch[i], s.colour))
	}
	return s.w.Flush()
}
