package cloudflare

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
)

// block is what blocking an address and blocking an autonomous system have in common: one
// expression, in one zone or in several.
type block struct {
	*cloudflare
	spec    actions.Spec
	resolve func(typed string) (name, expression string, err error)
}

// inZones is the state: how it stands in each zone, by the zone's id.
type inZones struct {
	Zones map[string]string `json:"zones"`
}

var zoneParam = actions.Param{Name: "zone", Help: "zones by name or id, with commas; those of the configuration when left out", Max: 500}

func (b block) Spec() actions.Spec { return b.spec }

// where are the zones that are meant, by id.
func (b block) where(ctx context.Context, named string) (map[string]zone, error) {
	list := b.conf.Zones
	if named != "" {
		list = strings.Split(named, ",")
	}
	if len(list) == 0 {
		return nil, &actions.BadParam{Name: "zone", Why: "is needed: no zones are configured"}
	}
	out := map[string]zone{}
	for _, n := range list {
		z, err := b.zone(ctx, n)
		if err != nil {
			return nil, err
		}
		out[z.ID] = z
	}
	return out, nil
}

func (b block) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	name, expression, err := b.resolve(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	zones, err := b.where(ctx, in.Params["zone"])
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: b.spec.Name, Target: actions.Target{Kind: b.spec.Kind, ID: name, Name: name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Already: true}
	found, want := inZones{map[string]string{}}, inZones{map[string]string{}}
	for _, id := range slices.Sorted(maps.Keys(zones)) {
		z := zones[id]
		set, err := b.rules(ctx, id)
		if err != nil {
			return actions.Plan{}, err
		}
		state, _, skips := set.standing(expression)
		found.Zones[id], want.Zones[id] = state, state
		switch state {
		case isChanged:
			return actions.Plan{}, incident.GiveUp(fmt.Errorf("somebody changed Tocsin's rule for %s in the zone %s: delete it in Cloudflare's dashboard first", name, z.Name))
		case isOpen:
			p.Already, want.Zones[id] = false, isBlocked
			p.Steps = append(p.Steps, fmt.Sprintf("Block %s in front of %s, before all other custom rules.", name, z.Name))
		}
		if why := z.idle(); why != "" {
			p.Warnings = append(p.Warnings, why)
		}
		if skips && state != isOpen {
			p.Warnings = append(p.Warnings, "A rule before it lets some requests to "+z.Name+" skip the others.")
		}
	}
	if p.Already {
		p.Steps = []string{name + " is blocked already; nothing will change."}
	}
	p.Found, p.Want = actions.StateOf(found), actions.StateOf(want)
	return p, nil
}

// now reads how it stands in the zones of a state.
func (b block) now(ctx context.Context, of inZones, expression string) (inZones, error) {
	out := inZones{map[string]string{}}
	for id := range of.Zones {
		set, err := b.rules(ctx, id)
		if err != nil {
			return out, err
		}
		out.Zones[id], _, _ = set.standing(expression)
	}
	return out, nil
}

// states are what a plan or a receipt found and left.
func states(found, left actions.State) (f, l inZones, err error) {
	if json.Unmarshal(found, &f) != nil || json.Unmarshal(left, &l) != nil || len(f.Zones) == 0 || len(f.Zones) != len(l.Zones) {
		return f, l, incident.GiveUp(fmt.Errorf("the plan does not say in which zones"))
	}
	for id := range f.Zones {
		if !idShape.MatchString(id) || l.Zones[id] == "" {
			return f, l, incident.GiveUp(fmt.Errorf("the plan does not say in which zones"))
		}
	}
	return f, l, nil
}

// Do goes from zone to zone. One that stopped half-way goes on where it stopped.
func (b block) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	name, expression, err := b.resolve(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, want, err := states(p.Found, p.Want)
	if err != nil {
		return actions.Receipt{}, err
	}
	now, err := b.now(ctx, found, expression)
	if err != nil {
		return actions.Receipt{}, err
	}
	for id, is := range now.Zones {
		if is != found.Zones[id] && is != want.Zones[id] {
			return actions.Receipt{}, fmt.Errorf("%s: %w", name, actions.ErrStale)
		}
	}
	r := p.Receipt()
	if p.Already {
		return r, nil
	}
	r.Done, err = b.each(found, want, func(id string) error {
		if now.Zones[id] == want.Zones[id] {
			return nil
		}
		return b.add(ctx, id, expression, name)
	}, name+" is blocked in %d of %d zones.")
	return halfway(r, err)
}

// each does something in every zone that differs, in order, and tells how far it came.
func (b block) each(found, want inZones, f func(id string) error, told string) ([]string, error) {
	var todo []string
	for _, id := range slices.Sorted(maps.Keys(found.Zones)) {
		if found.Zones[id] != want.Zones[id] {
			todo = append(todo, id)
		}
	}
	for n, id := range todo {
		if err := f(id); err != nil {
			if n == 0 {
				return nil, err
			}
			return []string{fmt.Sprintf(told, n, len(todo))}, err
		}
	}
	return []string{fmt.Sprintf(told, len(todo), len(todo))}, nil
}

// halfway makes a *actions.Partial of what stopped after something was done.
func halfway(r actions.Receipt, err error) (actions.Receipt, error) {
	switch {
	case err == nil:
		return r, nil
	case len(r.Done) == 0:
		return actions.Receipt{}, err
	}
	return r, &actions.Partial{Receipt: r, NotDone: []string{"the other zones"}, Err: err}
}

func (b block) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	back := r
	back.Undone, back.Done = true, nil
	if r.Already {
		return back, nil
	}
	name, expression, err := b.resolve(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	found, left, err := states(r.Found, r.Left)
	if err != nil {
		return actions.Receipt{}, err
	}
	now, err := b.now(ctx, found, expression)
	if err != nil {
		return actions.Receipt{}, err
	}
	for id, is := range now.Zones {
		if is != found.Zones[id] && is != left.Zones[id] && !r.Force {
			return actions.Receipt{}, &actions.Changed{What: "Somebody changed the rules for " + name + " since."}
		}
	}
	back.Done, err = b.each(found, left, func(id string) error { return b.drop(ctx, id, expression) }, name+" may pass again in %d of %d zones.")
	return halfway(back, err)
}

// Verify reads the rules again, and says what could still let a request pass.
func (b block) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	name, expression, err := b.resolve(r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	if _, _, err := states(r.Found, r.Left); err != nil {
		return actions.Proof{}, err
	}
	var wanted inZones
	_ = json.Unmarshal(deed.Wanted(r), &wanted) // states read both
	var seen []string
	ok := true
	for _, id := range slices.Sorted(maps.Keys(wanted.Zones)) {
		z, err := b.zoneByID(ctx, id)
		if err != nil {
			return actions.Proof{}, err
		}
		set, err := b.rules(ctx, id)
		if err != nil {
			return actions.Proof{}, err
		}
		is, _, skips := set.standing(expression)
		seen = append(seen, fmt.Sprintf("In the zone %s, %s is %s.", z.Name, name, is))
		ok = ok && is == wanted.Zones[id]
		if is == isBlocked && skips {
			seen = append(seen, "A rule before it lets some requests to "+z.Name+" skip it.")
		}
		if why := z.idle(); why != "" {
			seen = append(seen, why)
		}
	}
	if !ok {
		return actions.Refuted(seen...), nil
	}
	return actions.Stored(append(seen, "What Cloudflare's edge does with a request cannot be seen from here.")...), nil
}

func (b block) limits(what, does, example string) actions.Spec {
	return actions.Spec{
		Name: "cloudflare.block-" + what, Does: does, Kind: actions.KindAddress, Reversible: true, Blast: actions.BlastAll, TTL: 24 * time.Hour,
		Rights: []string{readZone, writeWAF}, Params: []actions.Param{zoneParam},
		Proof:   "The zone's custom rules are read again: the rule is there, enabled, and as it was made. Whether the edge keeps to it cannot be seen.",
		Example: "cloudflare.block-" + what + " " + example,
	}
}
