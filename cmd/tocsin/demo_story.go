package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
	"github.com/tocsin-ir/tocsin/templates"
)

// listStories shows the stories that come with the program.
func listStories(t terminal) error {
	all, err := stories()
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, err := fmt.Fprintf(t.out, "%-20s %s\n", name(s), s.Title); err != nil {
			return err
		}
	}
	return nil
}

func name(s *story.Story) string { return strings.TrimSuffix(s.File, ".txtar") }

func stories() ([]*story.Story, error) {
	folder := templates.Stories()
	files, err := fs.Glob(folder, "*.txtar")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []*story.Story
	for _, f := range files {
		data, err := fs.ReadFile(folder, f)
		if err != nil {
			return nil, err
		}
		s, err := story.Parse(f, data)
		if err != nil {
			return nil, fmt.Errorf("read the story %s: %w", f, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// play plays one story in a world of its own and prints every step as it comes true.
func (c *demoCmd) play(ctx context.Context, t terminal) error {
	all, err := stories()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s *story.Story) bool { return name(s) == c.Story })
	if i < 0 {
		return fmt.Errorf("there is no story %q; see: tocsin demo --story list", c.Story)
	}
	d, err := app.StartDemo(ctx, app.DemoOptions{Speed: c.Speed, Database: c.Keep, HTTPMode: c.HTTP, Log: t.log(c.Log)})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(t.out, "\n  %s\n\n", all[i].Title)
	err = d.Play(ctx, all[i], func(s story.Step, took string) {
		_, _ = fmt.Fprintf(t.out, "  ✓ %-90s %8s\n", s.Text, took)
	})
	if err != nil {
		_, _ = fmt.Fprintf(t.out, "  ✗ %v\n", err)
		return errors.Join(quiet{}, d.Close())
	}
	_, _ = fmt.Fprintf(t.out, "\n  All of it happened.\n")
	return d.Close()
}
