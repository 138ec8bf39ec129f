package main

import (
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
)

type rulesCheckCmd struct{ ruleFolders }

// Run checks; a rule that cannot be used is exit code 1, a warning is not.
func (c *rulesCheckCmd) Run(t terminal) error {
	set, problems, err := c.compile(false)
	if err != nil {
		return err
	}
	bad := 0
	for _, p := range problems {
		if !p.Warning {
			bad++
		}
		if _, err := fmt.Fprintln(t.err, p); err != nil {
			return err
		}
	}
	list, counting := set.Rules(), 0
	for _, r := range list {
		if r.Correlation != nil {
			counting++
		}
	}
	_, _ = fmt.Fprintf(t.out, "%s can be used, %d of them count what others match.\n", count(len(list), "rule"), counting)
	tellBlind(t, set)
	if bad > 0 {
		_, _ = fmt.Fprintf(t.err, "%s\n", count(bad, "problem"))
		return quiet{}
	}
	return nil
}

// tellBlind lists the rules that no event of the sensor can match, by why.
func tellBlind(t terminal, set *sigma.Set) {
	blind := set.Blind()
	if len(blind) == 0 {
		return
	}
	_, _ = fmt.Fprintf(t.out, "No event of the sensor can match %d of them; they still judge alerts from elsewhere:\n", len(blind))
	by := map[string][]*sigma.Rule{}
	for _, r := range blind {
		why := "no events of " + r.Source.String()
		if sigma.Sourced(r.Source) {
			why = "events of " + r.Source.String() + ", but without a field or kind of record that the rule wants"
		}
		by[why] = append(by[why], r)
	}
	var reasons []string
	for why := range by {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		_, _ = fmt.Fprintf(t.out, "  %s:\n", why)
		for _, r := range by[why] {
			_, _ = fmt.Fprintf(t.out, "    %s  %s\n", r.File, r.Title)
		}
	}
}
