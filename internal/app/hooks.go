package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

var errHalted = errors.New("tocsin is not running")

// Play plays a story in the demo's world. observe hears of every step; it may be nil.
func (d *Demo) Play(ctx context.Context, s *story.Story, observe func(story.Step, string)) error {
	p := &story.Player{World: d.World, Story: s, Hooks: d.hooks(), Busy: d.busy, Next: d.next, Patience: d.options.Patience}
	if observe != nil {
		p.Observer = func(step story.Step, took time.Duration) { observe(step, took.Round(time.Millisecond).String()) }
	}
	return p.Run(ctx)
}

// busy reports whether anybody has something to do right now.
func (d *Demo) busy() bool {
	return d.World.Slack.Pushing() || slices.ContainsFunc(d.running, func(r *replica) bool { return r.app != nil && r.app.Busy(d.ctx) })
}

// next is when something falls due; zero when nothing does, or nobody would see to it.
func (d *Demo) next() time.Time {
	if a := d.App(); a != nil {
		if due, err := a.NextDue(d.ctx); err == nil {
			return due
		}
	}
	return time.Time{}
}

// hooks are the steps of a story that only the program can carry out.
func (d *Demo) hooks() map[string]story.Hook {
	var last bot.Reply
	all := map[string]story.Hook{
		"tocsin restarts": func(ctx context.Context, _ []string) error { return d.Restart(ctx) },
		"tocsin stops":    func(context.Context, []string) error { return d.Halt() },
		"tocsin starts": func(ctx context.Context, _ []string) error {
			return errors.Join(d.Begin(), d.awake(ctx))
		},
		"tocsin do": func(ctx context.Context, args []string) (err error) {
			if args[0], err = planned(args[0], templates.Terminal(last.Card)); err != nil {
				return err
			}
			last, err = d.do(ctx, args)
			return err
		},
		"tocsin answers": func(_ context.Context, args []string) error {
			return saysAll(templates.Terminal(last.Card), args)
		},
		"timeline has": func(ctx context.Context, args []string) error {
			text, err := d.Timeline(ctx)
			if err != nil {
				return err
			}
			return saysAll(text, args)
		},
		"timeline lacks": func(ctx context.Context, args []string) error {
			text, err := d.Timeline(ctx)
			if err == nil && saysAll(text, args) == nil {
				return fmt.Errorf("it does:\n%s", text)
			}
			return err
		},
		"evidence verifies": func(ctx context.Context, args []string) error { return d.evidenceVerifies(ctx, args[0]) },
		"audit verifies":    func(ctx context.Context, _ []string) error { return d.recordVerifies(ctx) },
	}
	maps.Copy(all, d.apiHooks())
	maps.Copy(all, d.hostHooks())
	maps.Copy(all, d.feedHooks())
	return all
}

func (d *Demo) do(ctx context.Context, args []string) (bot.Reply, error) {
	if d.App() == nil {
		return bot.Reply{}, errHalted
	}
	as := "alice"
	if len(args) > 1 && args[1] != "" {
		as = args[1]
	}
	who, ok := d.App().PlanPerson(as)
	if !ok {
		return bot.Reply{}, fmt.Errorf("the plan has no %q", as)
	}
	line, err := d.numbered(ctx, args[0])
	if err != nil {
		return bot.Reply{}, err
	}
	command, rest, _ := strings.Cut(line, " ")
	return d.App().room.Do(ctx, bot.Call{Line: rest, Book: d.App().room.BookOf(command), Person: who, Via: incident.ViaCLI,
		CommandID: incident.CommandID("cli:" + rand.Text())})
}

var planOf = regexp.MustCompile(`\bplan ([0-9a-f]{12})`)

// planned puts the digest that the last answer showed where a line says plan:{shown}, as a
// person copies it.
func planned(line, answer string) (string, error) {
	const shown = "{shown}"
	if !strings.Contains(line, shown) {
		return line, nil
	}
	digest := planOf.FindStringSubmatch(answer)
	if digest == nil {
		return "", fmt.Errorf("the last answer shows no plan:\n%s", answer)
	}
	return strings.ReplaceAll(line, shown, digest[1]), nil
}

var entryOf = regexp.MustCompile(`\{entry:([^}]+)\}`)

// numbered puts the number of a timeline entry where a line says {entry:its text}.
func (d *Demo) numbered(ctx context.Context, line string) (string, error) {
	found := entryOf.FindStringSubmatchIndex(line)
	if found == nil {
		return line, nil
	}
	s, err := d.newest(ctx)
	if err != nil {
		return "", err
	}
	events, err := d.App().history(ctx, s.Stream)
	if err != nil {
		return "", err
	}
	want := line[found[2]:found[3]]
	for _, e := range templates.Timeline(events) {
		if strings.Contains(e.Text, want) {
			return line[:found[0]] + strconv.FormatInt(e.Seq, 10) + line[found[1]:], nil
		}
	}
	return "", fmt.Errorf("no entry of the timeline says %q", want)
}

func (d *Demo) newest(ctx context.Context) (incident.State, error) {
	if d.App() == nil {
		return incident.State{}, errHalted
	}
	list, err := d.App().db.List(ctx, store.Filter{Limit: 1})
	if err != nil {
		return incident.State{}, err
	}
	if len(list) == 0 {
		return incident.State{}, errors.New("there is no incident")
	}
	return list[0], nil
}

// Timeline is the newest incident's, a sentence a line.
func (d *Demo) Timeline(ctx context.Context) (string, error) {
	s, err := d.newest(ctx)
	if err != nil {
		return "", err
	}
	events, err := d.App().history(ctx, s.Stream)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range templates.Timeline(events) {
		_, _ = fmt.Fprintf(&b, "%d %s %s\n", e.Seq, templates.Stamp(e.Occurred), e.Text)
	}
	return b.String(), nil
}

// saysAll reports whether a text says everything in args, the parts around "…" in order.
func saysAll(text string, args []string) error {
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range args {
		rest := flat
		for part := range strings.SplitSeq(want, "…") {
			_, after, ok := strings.Cut(rest, strings.Join(strings.Fields(part), " "))
			if !ok {
				return fmt.Errorf("%q is not there:\n%s", want, text)
			}
			rest = after
		}
	}
	return nil
}
