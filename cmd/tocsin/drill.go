package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/drill"
	"github.com/tocsin-ir/tocsin/internal/drill/stage"
	"github.com/tocsin-ir/tocsin/templates"
)

type drillCmd struct {
	List drillListCmd `cmd:"" help:"The scenarios that come with the program."`
	Run  drillRunCmd  `cmd:"" help:"Play a scenario in a sandbox on this machine, and score it."`
}

type drillListCmd struct{}

// Run lists the scenarios.
func (drillListCmd) Run(t terminal) error {
	all, err := drill.All(templates.Scenarios())
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, err := fmt.Fprintf(t.out, "%-24s %6s  %s\n", s.Name, templates.Age(s.Length), s.Title); err != nil {
			return err
		}
	}
	return nil
}

type drillRunCmd struct {
	Scenario string  `arg:"" help:"Name of a scenario (tocsin drill list), or a file of your own."`
	Listen   string  `help:"Address of the page. It is loopback only." default:"127.0.0.1:8481"`
	Speed    float64 `help:"How fast the sandbox's clock runs." default:"1"`
	Auto     bool    `help:"Play the model answers as well, at once; no page is opened."`
	Story    bool    `help:"Print the scenario with its model answers as a story, and play nothing."`
	Out      string  `help:"Folder for the scorecard." default:"." type:"path"`
	Log      string  `help:"Log level." default:"error" enum:"debug,info,warn,error"`
}

// Run plays a scenario.
func (c *drillRunCmd) Run(ctx context.Context, t terminal) error {
	s, err := scenarioNamed(c.Scenario)
	if err != nil {
		return err
	}
	switch {
	case c.Story:
		text, err := stage.Model(s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(t.out, text)
		return err
	case c.Auto:
		return c.auto(ctx, t, s)
	}
	return c.live(ctx, t, s)
}

// scenarioNamed finds a scenario that is shipped, or reads a file.
func scenarioNamed(name string) (drill.Scenario, error) {
	if strings.HasSuffix(name, ".yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			return drill.Scenario{}, fmt.Errorf("read the scenario: %w", err)
		}
		return drill.Load(filepath.Base(name), text)
	}
	all, err := drill.All(templates.Scenarios())
	if err != nil {
		return drill.Scenario{}, err
	}
	s, ok := drill.Find(all, name)
	if !ok {
		return s, fmt.Errorf("there is no scenario %q; see: tocsin drill list", name)
	}
	return s, nil
}
