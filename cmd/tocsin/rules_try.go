package main

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma/trial"
)

type rulesTryCmd struct {
	Verbose bool `short:"v" help:"Name every case, not only those that go wrong."`
	ruleFolders
}

// Run plays the cases; one that goes wrong is exit code 1.
func (c *rulesTryCmd) Run(t terminal) error {
	set, err := c.usable(t, true)
	if err != nil {
		return err
	}
	trials, err := c.trials()
	wrong := 0
	if err != nil {
		_, _ = fmt.Fprintln(t.err, err)
		wrong = strings.Count(err.Error(), "\n") + 1
	}
	outcomes := trial.Run(set, trials)
	for _, o := range outcomes {
		has := "has to fire for"
		if !o.Case.Fires {
			has = "must not fire for"
		}
		switch {
		case !o.Good:
			wrong++
			_, _ = fmt.Fprintf(t.err, "%s: %s %s %q\n%s", o.Trial.File, o.Trial.Rule, has, o.Case.Name, indented(o.Why))
		case c.Verbose:
			_, _ = fmt.Fprintf(t.out, "good  %s %s %q\n", o.Trial.Rule, has, o.Case.Name)
		}
	}
	_, _ = fmt.Fprintf(t.out, "%s of %s, %d wrong.\n", count(len(outcomes), "case"), count(len(set.Rules()), "rule"), wrong)
	if untried := trial.Untried(set, trials); len(untried) > 0 {
		_, _ = fmt.Fprintf(t.out, "%s without both an event that fires and one that does not:\n", count(len(untried), "rule"))
		for _, r := range untried {
			_, _ = fmt.Fprintf(t.out, "  %s  %s\n", r.File, r.Title)
		}
	}
	if wrong > 0 {
		return quiet{}
	}
	return nil
}

func indented(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString("    " + l)
	}
	return b.String()
}
