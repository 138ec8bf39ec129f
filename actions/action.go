// Package actions is the contract of containment: what an action is, what it promises
// before it changes anything, and how it proves that it did. It knows no vendor; an
// action is one file of a package in integrations, and the catalogue lists them all.
//
// An action is planned, approved, preserved for, done, verified and undone, in this
// order and by different calls, because between any two of them the world may change,
// a person may change their mind, and this process may die.
package actions

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Action is one thing that can be done to one target. Implementations are safe for
// concurrent use, honour the context, and never put a secret into an error.
type Action interface {
	Spec() Spec
	// Plan reads the world and writes nothing. It says exactly what Do would change and
	// what would be lost. Errors: *NoTarget, *Ambiguous, *MissingRight, *BadParam; one
	// marked by incident.Later when the vendor asks for patience; anything else is
	// tried again.
	Plan(ctx context.Context, in Input) (Plan, error)
	// Do makes the plan true. The same plan twice changes the world once: where the world
	// is already as the plan wants it, nothing is written and the receipt is whole all
	// the same. Where it is neither as the plan found it nor as it wants it, Do writes
	// nothing and returns an error that wraps ErrStale. When it stopped half-way it
	// returns a *Partial with what was done.
	Do(ctx context.Context, p Plan) (Receipt, error)
	// Verify reads the world again and says whether what the receipt tells is in effect:
	// by effect where that can be had, and otherwise Unproven. It believes no answer
	// that Do or Undo was given. An error means that the world could not be read.
	Verify(ctx context.Context, r Receipt) (Proof, error)
}

// Undoer is an action that can be taken back.
type Undoer interface {
	// Undo restores what the plan found, not what is usual. Where somebody else changed
	// the target since, it writes nothing and returns a *Changed, unless r.Force is set.
	// The same receipt twice restores once. The receipt it returns has Undone set; Verify
	// takes that one too.
	Undo(ctx context.Context, r Receipt) (Receipt, error)
}

// Prolonger is an action whose vendor or host may end the hold by its own timer.
type Prolonger interface {
	// Prolong gives that timer another end; zero: it is not to end the hold by itself. The
	// same twice changes nothing more. Errors are those of Do, but for ErrStale.
	Prolong(ctx context.Context, r Receipt, until time.Time) error
}

// Preserver is an action whose deed destroys something that can be kept first.
type Preserver interface {
	// Preserve collects what Do would destroy. It changes nothing that matters at the
	// target. The items are read and closed by whoever asked.
	Preserve(ctx context.Context, in Input) (Evidence, error)
}

// Checker is an action, or a vendor's client, that can say which rights it lacks; doctor
// asks it.
type Checker interface {
	// Check returns one line for each right that is missing, none when all are there.
	Check(ctx context.Context) (missing []string, err error)
}

// Input is what an action is asked for.
type Input struct {
	Target string            // as a person named it, refanged; the action resolves it
	Params map[string]string // checked and completed by Spec.Complete
	// Key is the same for the same request, whatever happens in between: vendors that
	// take an idempotency key or a comment get it, and markers are made of it.
	Key string
	// Note may be written at the vendor. It never tells what a confidential incident is about.
	Note  string
	Until time.Time // when the hold ends; zero: until released
}

// State is what an action found or left at its target, in the action's own form. Two
// states are the same when their bytes are.
type State = json.RawMessage

// StateOf writes a state. The value must be made of maps, slices and plain structs.
func StateOf(v any) State {
	b, err := json.Marshal(v)
	if err != nil {
		panic("actions: a state that is not JSON: " + err.Error()) // a fault of the program
	}
	return b
}

// Evidence is what is kept before something is destroyed.
type Evidence struct {
	Items []Item
}

// MaxItem bounds one item of evidence.
const MaxItem = 256 << 20 // bytes

// Item is one thing that is kept: content to store, or a reference to what the vendor
// keeps, such as a disk's snapshot.
type Item struct {
	Name string                        // a file name, without folders
	From string                        // where it was read: "pod shop/web-7f9c/logs"
	Type string                        // media type
	Open func() (io.ReadCloser, error) // nil for a reference
	Ref  string                        // the vendor's name of what it keeps
}
