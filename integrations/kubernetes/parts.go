package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// part is one field or one object that a deed changes. A State is a list of them; what a
// plan found and what it wants name the same parts in the same order.
type part struct {
	Field string          `json:"field"` // which of fields
	Space string          `json:"namespace,omitempty"`
	Name  string          `json:"name"`
	UID   string          `json:"uid,omitempty"` // of the object; another one of the same name is not it
	Sub   string          `json:"sub,omitempty"` // where an object has several: a container's name
	Value json.RawMessage `json:"value"`
}

func (p part) is(v any) part {
	p.Value = actions.StateOf(v)
	return p
}

func (p part) full() string {
	if p.Space == "" {
		return p.Name
	}
	return p.Space + "/" + p.Name
}

// reading is a part as it is now; the write that follows it fails where the object moved on.
type reading struct {
	value   json.RawMessage
	version string // resourceVersion, "" where there is no object
}

// field is how one kind of part is read, written and told.
type field struct {
	read func(ctx context.Context, c *client, p part) (any, string, error) // errGone when its object is gone
	// write makes the part as p has it. now is what was read. A 409 means: read again.
	write func(ctx context.Context, c *client, p part, now reading) error
	// says is the part as it is wanted, for steps and for proofs: "node worker-3: cordoned".
	says func(p part) string
	// half reports whether a value is one that only an interrupted write leaves.
	half func(p part, now json.RawMessage) bool
}

// fields is filled by the files of the actions.
var fields = map[string]field{}

// errGone says that the object a part belongs to is gone, or another of its name is there.
var errGone = errors.New("it is gone")

// begun is the error of a write that takes several calls, after the first of them.
type begun struct{ error }

func (b *begun) Unwrap() error { return b.error }

// A write is tried again this often when others, such as a controller that tells how far it
// is, were faster; the waits between grow by this, 3.6 s in all.
const (
	attempts = 10
	pause    = 80 * time.Millisecond
)

func stateOf(parts []part) actions.State { return actions.StateOf(parts) }

func partsOf(s actions.State) ([]part, error) {
	var out []part
	if err := json.Unmarshal(s, &out); err != nil {
		return nil, incident.GiveUp(errors.New("the plan's state is not one of this action"))
	}
	for _, p := range out {
		if _, ok := fields[p.Field]; !ok {
			return nil, incident.GiveUp(fmt.Errorf("the plan's state has a part %.40q that this action does not know", p.Field))
		}
	}
	return out, nil
}

func (c *client) read(ctx context.Context, p part) (reading, error) {
	v, version, err := fields[p.Field].read(ctx, c, p)
	if err != nil {
		return reading{}, err
	}
	return reading{actions.StateOf(v), version}, nil
}

// found reads the parts as they are, for a plan.
func (c *client) found(ctx context.Context, kind actions.Kind, parts []part) ([]part, error) {
	out := slices.Clone(parts)
	for i, p := range out {
		now, err := c.read(ctx, p)
		if errors.Is(err, errGone) {
			return nil, &actions.NoTarget{Kind: kind, Name: p.full(), Hint: "It was there a moment ago."}
		}
		if err != nil {
			return nil, err
		}
		out[i].Value = now.value
	}
	return out, nil
}

// deed is what all actions have in common: a Spec, and lists of parts.
type deed struct {
	c    *client
	spec actions.Spec
	// strangers says what stands in the way and was not there when the plan was made: a
	// Service that selects the pod after all, another binding of the account.
	strangers func(ctx context.Context, r actions.Receipt) ([]string, error)
	// lasting says that strangers who came after the deed are asked about before Undo, too.
	lasting bool
	// proof sees to what cannot be read off the parts; it may only lower what they show.
	proof func(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error)
}

// Spec describes the action.
func (d deed) Spec() actions.Spec { return d.spec }

// Do makes every part as the plan wants it, in order, after all were looked at.
func (d deed) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	r := p.Receipt()
	found, err := partsOf(p.Found)
	if err != nil {
		return r, err
	}
	want, err := partsOf(p.Want)
	if err != nil {
		return r, err
	}
	if len(found) != len(want) {
		return r, incident.GiveUp(errors.New("the plan's two states are not about the same parts"))
	}
	for i := range want {
		if _, err := d.c.settled(ctx, found[i], want[i]); err != nil {
			return r, err
		}
	}
	if err := d.unplanned(ctx, r, func([]string) error { return actions.ErrStale }); err != nil {
		return r, err
	}
	return d.make(ctx, r, found, want, func(p part) error { return fmt.Errorf("%s: %w", p.full(), actions.ErrStale) })
}

// make goes through the parts and writes those that are not yet as they should be.
func (d deed) make(ctx context.Context, r actions.Receipt, from, to []part, moved func(part) error) (actions.Receipt, error) {
	r.Done = nil
	wrote := false
	for i, p := range to {
		did, err := d.c.bring(ctx, from[i], p, moved)
		wrote = wrote || did
		if err != nil {
			return r, d.stopped(r, wrote, to[i:], err)
		}
		if !bytes.Equal(from[i].Value, p.Value) {
			r.Done = append(r.Done, fields[p.Field].says(p))
		}
	}
	return r, nil
}

func (d deed) stopped(r actions.Receipt, wrote bool, left []part, err error) error {
	if !wrote {
		return err
	}
	var not []string
	for _, p := range left {
		not = append(not, fields[p.Field].says(p))
	}
	return &actions.Partial{Receipt: r, NotDone: not, Err: err}
}

// bring writes one part unless it is so already. Whoever else writes the object at the same
// time, such as a kubelet telling of its pod, makes us read and compare again.
func (c *client) bring(ctx context.Context, from, to part, moved func(part) error) (wrote bool, err error) {
	for n := range attempts {
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("change %s: %w", to.full(), ctx.Err())
		case <-time.After(time.Duration(n) * pause):
		}
		now, err := c.settled(ctx, from, to)
		if errors.Is(err, actions.ErrStale) {
			return false, moved(to)
		}
		if err != nil || bytes.Equal(now.value, to.Value) {
			return false, err
		}
		err = fields[to.Field].write(ctx, c, to, now)
		var half *begun
		if err == nil || errors.As(err, &half) {
			return true, err
		}
		if !isStatus(err, 409) {
			return false, err
		}
	}
	return false, incident.Later(fmt.Errorf("change %s: others keep changing it at the same time", to.full()), 2*time.Second)
}

// settled reads a part and returns ErrStale where it is neither as it was found nor as it
// is wanted, nor on the way.
func (c *client) settled(ctx context.Context, from, to part) (reading, error) {
	now, err := c.read(ctx, to)
	if errors.Is(err, errGone) {
		return now, fmt.Errorf("%s: %w", to.full(), actions.ErrStale)
	}
	if err != nil {
		return now, err
	}
	half := fields[to.Field].half
	if !bytes.Equal(now.value, from.Value) && !bytes.Equal(now.value, to.Value) && (half == nil || !half(from, now.value)) {
		return now, fmt.Errorf("%s: %w", to.full(), actions.ErrStale)
	}
	return now, nil
}

func (d deed) unplanned(ctx context.Context, r actions.Receipt, as func([]string) error) error {
	if d.strangers == nil {
		return nil
	}
	found, err := d.strangers(ctx, r)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return as(found)
	}
	return nil
}

// Verify reads every part again and says what each is.
func (d deed) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	want := r.Left
	if r.Undone {
		want = r.Found
	}
	parts, err := partsOf(want)
	if err != nil {
		return actions.Proof{}, err
	}
	proof := actions.Proven()
	for _, p := range parts {
		now, err := d.c.read(ctx, p)
		switch {
		case errors.Is(err, errGone):
			proof.Standing, proof.Seen = actions.NotInEffect, append(proof.Seen, p.full()+" is gone")
		case err != nil:
			return actions.Proof{}, err
		case !bytes.Equal(now.value, p.Value):
			proof.Standing, proof.Seen = actions.NotInEffect, append(proof.Seen, "not so: "+fields[p.Field].says(p))
		default:
			proof.Seen = append(proof.Seen, "read again: "+fields[p.Field].says(p))
		}
	}
	if !r.Undone {
		if err := d.unplanned(ctx, r, func(s []string) error {
			proof.Standing, proof.Seen = actions.NotInEffect, append(proof.Seen, s...)
			return nil
		}); err != nil {
			return actions.Proof{}, err
		}
	}
	if len(parts) == 0 {
		proof.Seen = append(proof.Seen, "there is nothing that would have to be changed")
	}
	if d.proof == nil || proof.Standing == actions.NotInEffect {
		return proof, nil
	}
	more, err := d.proof(ctx, r, parts)
	more.Seen = append(proof.Seen, more.Seen...)
	return more, err
}

// reversible is a deed that can be taken back.
type reversible struct{ deed }

// Undo makes every part as it was found, last one first.
func (d reversible) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, err := partsOf(r.Found)
	if err != nil {
		return r, err
	}
	left, err := partsOf(r.Left)
	if err != nil || len(left) != len(found) {
		return r, errors.Join(err, incident.GiveUp(errors.New("the receipt's two states are not about the same parts")))
	}
	if r.Already {
		r.Undone = true
		return r, nil
	}
	slices.Reverse(found)
	slices.Reverse(left)
	if r.Force {
		if found, left, err = d.c.whatIsLeft(ctx, found, left); err != nil {
			return r, err
		}
	} else if err := d.untouched(ctx, r, left, found); err != nil {
		return r, err
	}
	back, err := d.make(ctx, r, left, found, func(p part) error { return &actions.Changed{What: p.full() + " was changed meanwhile"} })
	back.Undone = err == nil
	return back, err
}

// untouched returns a *Changed when somebody else changed a part since the deed.
func (d reversible) untouched(ctx context.Context, r actions.Receipt, left, found []part) error {
	for i := range left {
		_, err := d.c.settled(ctx, left[i], found[i])
		if errors.Is(err, actions.ErrStale) {
			return &actions.Changed{What: fmt.Sprintf("%s is no longer as Tocsin left it (%s)", left[i].full(), left[i].Field)}
		}
		if err != nil {
			return err
		}
	}
	if !d.lasting {
		return nil
	}
	return d.unplanned(ctx, r, func(s []string) error { return &actions.Changed{What: s[0] + " since"} })
}

// whatIsLeft takes every part as it is now for what the deed left, and leaves out those
// whose object is gone: whoever insists wants the rest back.
func (c *client) whatIsLeft(ctx context.Context, found, left []part) (keptFound, now []part, err error) {
	for i, p := range left {
		got, err := c.read(ctx, p)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		p.Value = got.value
		keptFound, now = append(keptFound, found[i]), append(now, p)
	}
	return keptFound, now, nil
}
