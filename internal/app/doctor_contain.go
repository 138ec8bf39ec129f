package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tocsin-ir/tocsin/actions"
)

// maxMissing bounds how many rights of one vendor are told.
const maxMissing = 12

// contains looks which rights the vendors of containment lack, by reading only, and
// whether the plan grants anything that nobody here can do. They are asked side by side:
// one that does not answer is no trouble of another's.
func (d *doctor) contains(ctx context.Context) []Finding {
	var out []Finding
	known := map[string]bool{}
	var asked sync.WaitGroup
	rights := make([]Finding, len(vendors()))
	for i, v := range vendors() {
		if !v.set(d.config) {
			continue
		}
		list, err := v.open(&App{}, d.config)
		if err != nil {
			out = append(out, fail(v.name, fmt.Sprintf("It cannot be used: %v", err), "docs/adapters/"+v.name+".md says what it needs."))
			continue
		}
		for _, a := range list {
			known[a.Spec().Name] = true
		}
		asked.Go(func() { rights[i] = missingOf(ctx, v.name, list) })
	}
	asked.Wait()
	out = append(out, slices.DeleteFunc(rights, func(f Finding) bool { return f == Finding{} })...)
	if d.plan != nil && len(known) > 0 {
		for _, g := range d.plan.Granted() {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), g.Covers) {
				out = append(out, warn("grant "+g.Name, "It grants what nothing here can do ("+g.Source+").", "Configure the vendor, or take the grant out."))
			}
		}
	}
	if len(out) == 0 {
		out = append(out, fine("vendors", "none is configured: nothing can be contained from here"))
	}
	return out
}

// missingOf asks the actions of a vendor; they share their answers, so each right is told once.
func missingOf(ctx context.Context, name string, list []actions.Action) Finding {
	var missing []string
	for _, a := range list {
		c, ok := a.(actions.Checker)
		if !ok {
			continue
		}
		lines, err := c.Check(ctx)
		if err != nil {
			return fail(name, fmt.Sprintf("It could not be asked: %v", err), "See whether its address and token are right.")
		}
		for _, l := range lines {
			if !slices.Contains(missing, l) && len(missing) < maxMissing {
				missing = append(missing, l)
			}
		}
	}
	if len(missing) > 0 {
		return fail(name, "Rights are missing: "+strings.Join(missing, "; "), "docs/adapters/"+name+".md has the exact rights to install.")
	}
	return fine(name, "%d actions, no right is missing", len(list))
}
