package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/internal/drill/stage"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
)

// auto plays the scenario with its model answers in a world of its own. It waits for
// the time of each cue and not from one to the next, so that a slow machine plays the
// same drill.
func (c *drillRunCmd) auto(ctx context.Context, t terminal, s drill.Scenario) (err error) {
	cues, err := stage.Cues(s)
	if err != nil {
		return err
	}
	d, err := app.StartDemo(ctx, app.DemoOptions{Speed: c.Speed, Log: t.log(c.Log), Patience: 30 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	_, _ = fmt.Fprintf(t.out, "\n  DRILL: %s\n\n", s.Title)
	began := d.Clock.Now()
	for _, cue := range append(cues, stage.Cue{At: s.Length + time.Second}) {
		steps := cue.Steps
		if ahead := cue.At - d.Clock.Now().Sub(began); ahead >= time.Second {
			steps = append([]string{fmt.Sprintf("wait %s", ahead.Round(time.Second))}, steps...)
		}
		if len(steps) == 0 {
			continue
		}
		script, err := story.Parse(s.Name, []byte(strings.Join(steps, "\n")))
		if err != nil {
			return fmt.Errorf("the model answers cannot be read: %w", err)
		}
		err = d.Play(ctx, script, func(step story.Step, _ string) {
			_, _ = fmt.Fprintf(t.out, "  ✓ %s\n", step.Text)
		})
		if err != nil {
			return fmt.Errorf("the model answers do not come true: %w", err)
		}
	}
	score, state, err := d.Score(ctx, s, began, d.Clock.Now(), "")
	if err != nil {
		return err
	}
	return c.keep(t, score, state)
}
