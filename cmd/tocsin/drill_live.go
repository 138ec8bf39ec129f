package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/internal/drill/stage"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/templates"
)

// lookEvery is how often the record is looked at for what was done, in real time.
const lookEvery = 500 * time.Millisecond

// live opens the page and plays the scenario for the people in front of it.
func (c *drillRunCmd) live(ctx context.Context, t terminal, s drill.Scenario) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the page may only be on loopback, not on %q", c.Listen)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen for the page: %w (another demo? try --listen 127.0.0.1:0)", err)
	}
	d, err := app.StartDemo(ctx, app.DemoOptions{Speed: c.Speed, Log: t.log(c.Log)})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: d.Page(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close below
	_, _ = fmt.Fprintf(t.out, `
  DRILL: %s
  %s

  Open   http://%s
  Begin  when something happens: /incident declare p1 <what it is> drill
  Type   here:  next            the next inject, now
                stop            the end, and the scorecard
                /incident …     words of Slack without Slack, as alice; for bob: /incident ack as bob

`, s.Title, s.About, listener.Addr())
	l := &liveDrill{demo: d, out: t.out, scenario: s, began: d.Clock.Now(), told: make([]incident.DrillResult, len(s.Expected)), typed: make(chan string, 16)}
	go l.read(os.Stdin)
	why, err := l.run(ctx)
	if err == nil {
		var score incident.DrillScore
		var state incident.State
		if score, state, err = d.Score(context.WithoutCancel(ctx), s, l.began, d.Clock.Now(), why); err == nil {
			err = c.keep(t, score, state)
		}
	}
	return errors.Join(err, server.Close(), d.Close())
}

// liveDrill is a scenario that is being played for people.
type liveDrill struct {
	demo     *app.Demo
	scenario drill.Scenario
	began    time.Time
	said     int                    // injects that were played
	told     []incident.DrillResult // what was said of each expected action
	typed    chan string

	mu  sync.Mutex // guards out
	out io.Writer
}

func (l *liveDrill) read(from io.Reader) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		l.typed <- strings.TrimSpace(lines.Text())
	}
}

func (l *liveDrill) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.out, "  +%-6s "+format+"\n", append([]any{templates.Stopwatch(l.now())}, args...)...)
}

func (l *liveDrill) now() time.Duration { return l.demo.Clock.Now().Sub(l.began) }

// run plays until the time is over, everything is answered, or somebody stops it; why
// says why it ended before its time.
func (l *liveDrill) run(ctx context.Context) (why string, err error) {
	beat := time.NewTicker(lookEvery)
	defer beat.Stop()
	for {
		for l.said < len(l.scenario.Injects) && l.now() >= l.scenario.Injects[l.said].At {
			if err := l.inject(ctx); err != nil {
				return "", err
			}
		}
		done, err := l.look(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			return "", err
		case done || l.now() >= l.scenario.Length:
			return "", nil
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return "it was interrupted", nil
		case line := <-l.typed:
			if line == "stop" || line == "quit" {
				return "it was stopped", nil
			}
			l.obey(ctx, line)
		}
	}
}

// inject makes the next inject true and says what is waited for.
func (l *liveDrill) inject(ctx context.Context) error {
	in := l.scenario.Injects[l.said]
	l.said++
	script, err := story.Parse(l.scenario.Name, []byte(strings.Join(stage.Inject(in), "\n")))
	if err != nil {
		return fmt.Errorf("inject %d: %w", l.said, err)
	}
	if err := l.demo.Play(ctx, script, nil); err != nil && ctx.Err() == nil {
		return fmt.Errorf("inject %d: %w", l.said, err)
	}
	l.say("▶ inject %d, %s from %s: %s", l.said, in.Kind, in.From, in.Text)
	for _, e := range l.scenario.Expected {
		if e.After == l.said {
			l.say("    wanted within %s: %s", templates.Age(e.Within), e.Do)
		}
	}
	return nil
}

// look says what was done since it looked last. done is true when every inject came
// and nothing is wanted any more.
func (l *liveDrill) look(ctx context.Context) (done bool, err error) {
	score, _, err := l.demo.Score(ctx, l.scenario, l.began, l.demo.Clock.Now(), "")
	if err != nil {
		return false, err
	}
	done = l.said == len(l.scenario.Injects)
	for i, line := range score.Lines {
		if line.Result == incident.DrillNotReached {
			done = false
		}
		if line.Result != l.told[i] && line.Result != incident.DrillNotReached {
			l.say("%s", strings.TrimSpace(templates.ScoreLine(line)))
			l.told[i] = line.Result
		}
	}
	return done, nil
}

// obey carries out what was typed at the terminal.
func (l *liveDrill) obey(ctx context.Context, line string) {
	switch {
	case line == "":
	case line == "next" && l.said < len(l.scenario.Injects):
		l.demo.Clock.Advance(max(0, l.scenario.Injects[l.said].At-l.now()))
	case line == "next":
		l.say("that was the last inject")
	case strings.HasPrefix(line, "/"):
		who := "alice"
		if words, name, ok := strings.Cut(line, " as "); ok && !strings.Contains(name, " ") {
			line, who = words, name
		}
		answer, err := l.demo.Do(ctx, line, who)
		if err != nil {
			answer = err.Error()
		}
		l.say("%s", strings.ReplaceAll(strings.TrimSpace(answer), "\n", "\n          "))
	default:
		l.say("next, stop, or words of Slack that begin with /")
	}
}
