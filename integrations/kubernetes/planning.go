package kubernetes

import (
	"bytes"
	"context"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
)

// plan begins the plan of an action for a target.
func plan(s actions.Spec, t actions.Target, in actions.Input) actions.Plan {
	return actions.Plan{Action: s.Name, Target: t, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
}

// planParts reads the parts as they are and fills in what the plan found, what it wants,
// and the steps between. wants are the values wanted, one for each part, in their order.
func (c *client) planParts(ctx context.Context, p actions.Plan, parts []part, wants []any) (actions.Plan, error) {
	found, err := c.found(ctx, p.Target.Kind, parts)
	if err != nil {
		return p, err
	}
	want := slices.Clone(found)
	p.Already = true
	for i, v := range wants {
		want[i] = want[i].is(v)
		if !bytes.Equal(want[i].Value, found[i].Value) {
			p.Already = false
			p.Steps = append(p.Steps, fields[want[i].Field].says(want[i]))
		}
	}
	if p.Already {
		p.Steps = []string{"nothing: it is so already"}
	}
	p.Found, p.Want = stateOf(found), stateOf(want)
	return p, nil
}

// rights are the lists together, each right once, in order.
func rights(first []string, more ...string) []string {
	out := slices.Concat(first, more)
	slices.Sort(out)
	return slices.Compact(out)
}
