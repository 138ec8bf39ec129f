package actions

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// ErrStale says that the world is no longer as the plan found it. Nothing was written;
// a new plan is needed, and a new approval of it.
var ErrStale = errors.New("the target changed since the plan was made")

// NoTarget says there is no such target.
type NoTarget struct {
	Kind Kind
	Name string
	Hint string // "Did you mean web-3?"
}

// Error says so.
func (e *NoTarget) Error() string {
	return strings.TrimSpace(fmt.Sprintf("there is no %s %q. %s", e.Kind, e.Name, e.Hint))
}

// Ambiguous says that a name fits several targets; a person has to say which.
type Ambiguous struct {
	Kind Kind
	Name string
	Fits []string // what to type instead
}

// Error names some of them.
func (e *Ambiguous) Error() string {
	fits := e.Fits
	more := ""
	if len(fits) > 5 {
		fits, more = fits[:5], fmt.Sprintf(" and %d more", len(e.Fits)-5)
	}
	return fmt.Sprintf("%q fits several: %s%s", e.Name, strings.Join(fits, ", "), more)
}

// MissingRight says exactly which right the vendor says is missing.
type MissingRight struct {
	Right string // in the vendor's words: "okta.users.manage", "iam:UpdateAccessKey"
	To    string // the step it was missing for
}

// Error names the right and the step.
func (e *MissingRight) Error() string {
	return fmt.Sprintf("Tocsin's account lacks the right %s (to %s)", e.Right, e.To)
}

// Partial says how far Do or Undo came before it stopped: Receipt.Done lists what is
// changed, Left what is not. Asking again goes on from there.
type Partial struct {
	Receipt Receipt
	NotDone []string
	Err     error
}

// Error says what was done and what was not.
func (e *Partial) Error() string {
	return fmt.Sprintf("done: %s; not done: %s: %v", orNothing(e.Receipt.Done), orNothing(e.NotDone), e.Err)
}

// Unwrap returns why it stopped.
func (e *Partial) Unwrap() error { return e.Err }

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// Changed says that somebody else changed the target since the deed, so that Undo asks
// before it overwrites that.
type Changed struct {
	What string // "mallory@example.com was deactivated since"
}

// Error says what changed.
func (e *Changed) Error() string { return e.What }

// Final reports whether trying the same again is useless: the target, the parameters,
// the rights or the plan have to change first.
func Final(err error) bool {
	var (
		no     *NoTarget
		many   *Ambiguous
		right  *MissingRight
		param  *BadParam
		change *Changed
	)
	return errors.Is(err, ErrStale) || errors.As(err, &no) || errors.As(err, &many) || errors.As(err, &right) ||
		errors.As(err, &param) || errors.As(err, &change) || incident.IsGivenUp(err)
}
