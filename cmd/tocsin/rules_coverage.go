package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
)

type rulesCoverageCmd struct {
	Navigator string `help:"Write the coverage as a layer of ATT&CK Navigator into this file; - is the standard output." placeholder:"FILE"`
	ruleFolders
}

// Run lists techniques, or writes the layer. It never writes over a file.
func (c *rulesCoverageCmd) Run(t terminal) error {
	set, err := c.usable(t, false)
	if err != nil {
		return err
	}
	covered := sigma.Coverage(set.Rules())
	if c.Navigator == "" {
		return tellCoverage(t, covered)
	}
	name := "the starter pack"
	if len(c.Folders) > 0 {
		name = strings.Join(c.Folders, ", ")
	}
	layer, err := sigma.Navigator(name, covered)
	if err != nil {
		return err
	}
	if c.Navigator == "-" {
		_, err = t.out.Write(layer)
		return err
	}
	f, err := os.OpenFile(c.Navigator, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(layer); err != nil {
		_ = f.Close()
		return fmt.Errorf("write the layer: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the layer: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "%s in %s. Open it in ATT&CK Navigator: Open Existing Layer.\n", count(len(covered), "technique"), c.Navigator)
	return err
}

func tellCoverage(t terminal, covered []sigma.Technique) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TECHNIQUE\tRULES\tHIGHEST\tTACTICS")
	for _, c := range covered {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", c.ID, len(c.Rules), c.Level(), strings.Join(c.Tactics, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s. A technique with a rule is not a technique that nothing gets past.\n", count(len(covered), "technique"))
	return err
}
