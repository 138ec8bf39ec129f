package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// keep shows the scorecard and writes it down, as Markdown with a chart beside it.
func (c *drillRunCmd) keep(t terminal, score incident.DrillScore, state incident.State) error {
	if _, err := fmt.Fprintf(t.out, "\n%s\n", templates.TerminalAs(templates.Scorecard(state, score), nameBySlack(state))); err != nil {
		return err
	}
	base := filepath.Join(c.Out, templates.ScoreFile(score.Scenario, score.Began))
	picture := ""
	if png, err := templates.ScoreChart(score); err == nil {
		if err := os.WriteFile(base+".png", png, 0o600); err != nil {
			return fmt.Errorf("write the chart: %w", err)
		}
		picture = filepath.Base(base) + ".png"
	}
	name := func(id incident.PersonID) string { return templates.NameOf(state, id) }
	if err := os.WriteFile(base+".md", []byte(templates.ScoreDocument(score, name, picture)), 0o600); err != nil {
		return fmt.Errorf("write the scorecard: %w", err)
	}
	_, err := fmt.Fprintf(t.out, "\n  Written to %s.md\n", base)
	return err
}

// nameBySlack says who is behind a Slack account, for a terminal.
func nameBySlack(s incident.State) func(string) string {
	return func(slack string) string {
		for _, p := range s.People {
			if p.Person.Slack == slack {
				return p.Person.Name.String()
			}
		}
		return ""
	}
}
