package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// watchCmd follows an incident live and can change nothing.
type watchCmd struct {
	door
	Plain    bool   `help:"Append what is new instead of drawing the screen again, as into a pipe."`
	Incident string `arg:"" help:"The incident: INC-0042."`
	config.Config
}

// Run watches until it is told to stop, or the incident may not be seen any more.
func (c *watchCmd) Run(ctx context.Context, t terminal) error {
	w, err := c.open(ctx, c.Config, t)
	if err != nil {
		return err
	}
	defer w.Close()
	return watch(ctx, t, w, c.Incident, c.Plain)
}

// What a terminal is told around a screen that is drawn again and again: the other
// screen without a cursor, so that nothing of the incident stays in the scroll-back.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l"
	backAgain   = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	restOfLine  = "\x1b[K"
	restBelow   = "\x1b[J"
)

// silentFor is how long nothing may be heard before what is shown is not live.
const silentFor = 12 * time.Second

// watching is what was heard last, and where it is shown.
type watching struct {
	out   io.Writer
	tty   *os.File // nil: a pipe, or asked for plain
	tail  screen.Tail
	view  *screen.View
	ahead time.Duration // of the server's clock before ours
	heard time.Time     // when anything was heard last
	away  string        // why nothing is heard
	since time.Time
}

type news struct {
	view *screen.View
	now  time.Time
	away error
}

func watch(ctx context.Context, t terminal, w way, incident string, plain bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &watching{out: t.out}
	if f, ok := t.out.(*os.File); ok && !plain && term.IsTerminal(int(f.Fd())) {
		s.tty = f
		_, _ = io.WriteString(f, otherScreen)
		defer func() { _, _ = io.WriteString(f, backAgain) }()
	}
	heard, ended := make(chan news), make(chan error, 1)
	go func() { ended <- keepWatching(ctx, w, incident, heard) }()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case n := <-heard:
			s.hear(n)
		case <-second.C:
			s.tick()
		case err := <-ended:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// keepWatching comes again whenever the other side went away.
func keepWatching(ctx context.Context, w way, incident string, heard chan<- news) error {
	tell := func(n news) {
		select {
		case heard <- n:
		case <-ctx.Done():
		}
	}
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		err := w.Watch(ctx, incident, func(v *screen.View, now time.Time) {
			wait = time.Second
			tell(news{view: v, now: now})
		})
		if !errors.Is(err, errAway) {
			return err
		}
		tell(news{away: err})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *watching) hear(n news) {
	if n.away != nil {
		if s.away == "" {
			s.away, s.since = "no answer", time.Now()
			s.say("NOT LIVE: no answer; trying again")
		}
		s.tick()
		return
	}
	if s.away != "" {
		s.away = ""
		s.say("live again")
	}
	s.heard, s.ahead = time.Now(), time.Until(n.now)
	if n.view != nil {
		s.view = n.view
		if s.tty == nil {
			_, _ = io.WriteString(s.out, s.tail.Next(*s.view, s.size()))
		}
	}
	s.tick()
}

// say tells a pipe what a screen shows in its last line.
func (s *watching) say(text string) {
	if s.tty == nil {
		_, _ = fmt.Fprintln(s.out, "==", text)
	}
}

// tick draws the screen again: time goes by on it even when nothing happens.
func (s *watching) tick() {
	if s.tty == nil {
		return
	}
	size := s.size()
	switch silent := time.Since(s.heard).Truncate(time.Second); {
	case s.away != "":
		size.Stale = fmt.Sprintf("%s since %s; trying again. Ctrl-C ends", s.away, s.since.Format("15:04:05"))
	case silent > silentFor && s.view != nil:
		size.Stale = fmt.Sprintf("nothing was heard for %s; trying again. Ctrl-C ends", silent)
	}
	drawn := "Looking …\n"
	switch {
	case s.view != nil:
		drawn = screen.Draw(*s.view, size)
	case size.Stale != "":
		drawn = "NOT LIVE: " + size.Stale + "\n"
	}
	_, _ = io.WriteString(s.tty, home+redrawn(drawn)+restBelow)
}

// redrawn makes each line overwrite what stood there before. The last one has no line
// end: it would scroll a full screen.
func redrawn(drawn string) string {
	var out []byte
	for i := range len(drawn) {
		switch {
		case drawn[i] != '\n':
			out = append(out, drawn[i])
		case i == len(drawn)-1:
			out = append(out, restOfLine...)
		default:
			out = append(out, restOfLine+"\n"...)
		}
	}
	return string(out)
}

func (s *watching) size() screen.Size {
	size := screen.Size{Columns: 80, Zone: time.Local, Now: time.Now().Add(s.ahead)}
	if s.tty != nil {
		if columns, rows, err := term.GetSize(int(s.tty.Fd())); err == nil {
			size.Columns, size.Rows = columns, rows
		}
		size.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" // https://no-color.org
	}
	return size
}
