// Package deed is the frame of an action whose target is in one of a few states, each
// of which can be read: Do compares what is now with what the plan found and wants, and
// writes only where the world is as it was found; Undo and Verify compare in the same
// way. An adapter brings how the state is read, how it is written, and the sentences.
package deed

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tocsin-ir/tocsin/actions"
)

// Read looks at the part of the world that the action is about.
type Read func(ctx context.Context) (actions.State, error)

// Write changes it. It is called at most once.
type Write func(ctx context.Context) error

// Same reports whether two states are one.
func Same(a, b actions.State) bool { return bytes.Equal(a, b) }

// Do makes the plan true, as actions.Action asks for: it writes nothing where the world is
// as the plan wants it, and nothing where it is neither so nor as it was found; that error
// wraps actions.ErrStale. done is what to tell, one sentence each.
func Do(ctx context.Context, p actions.Plan, done []string, read Read, write Write) (actions.Receipt, error) {
	now, err := read(ctx)
	if err != nil {
		return actions.Receipt{}, err
	}
	r := p.Receipt()
	switch {
	case p.Already && Same(now, p.Want):
		return r, nil
	case p.Already || !Same(now, p.Want) && !Same(now, p.Found):
		return actions.Receipt{}, fmt.Errorf("%s: %w", p.Target.Name, actions.ErrStale)
	case Same(now, p.Found):
		if err := write(ctx); err != nil {
			return actions.Receipt{}, err
		}
	}
	r.Done = done
	return r, nil
}

// Undo restores what the plan found, as actions.Undoer asks for. A deed that found the
// world so already has nothing to restore. changed says what is to be asked about when
// the target is neither as the deed left it nor as it was found.
func Undo(ctx context.Context, r actions.Receipt, done []string, changed string, read Read, write Write) (actions.Receipt, error) {
	back := r
	back.Undone, back.Done = true, nil
	if r.Already {
		return back, nil
	}
	now, err := read(ctx)
	if err != nil {
		return actions.Receipt{}, err
	}
	if !Same(now, r.Found) {
		if !Same(now, r.Left) && !r.Force {
			return actions.Receipt{}, &actions.Changed{What: changed}
		}
		if err := write(ctx); err != nil {
			return actions.Receipt{}, err
		}
	}
	back.Done = done
	return back, nil
}

// Wanted is the state that a receipt says its target is in.
func Wanted(r actions.Receipt) actions.State {
	if r.Undone {
		return r.Found
	}
	return r.Left
}

// Verify reads the world again. say puts what was seen into a sentence.
func Verify(ctx context.Context, r actions.Receipt, read Read, say func(now actions.State) string) (actions.Proof, error) {
	now, err := read(ctx)
	if err != nil {
		return actions.Proof{}, err
	}
	if Same(now, Wanted(r)) {
		return actions.Proven(say(now)), nil
	}
	return actions.Refuted(say(now)), nil
}
