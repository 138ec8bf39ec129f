// Package engine is the loop: Handle takes a command, lets incident decide, and
// commits; Run claims what the world owes, performs it, and hands what was learned
// back to Handle. There is no third way in or out.
package engine

import (
	"context"
	"errors"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// ErrStale says the incident moved on between Load and Commit; decide again.
var ErrStale = errors.New("the incident moved on")

// ErrLost says the lease on a task was lost to another worker.
var ErrLost = errors.New("the lease was lost")

// ErrBusy says that somebody else has kept the database to themselves for longer than
// a person waits for an answer. Nothing was written.
var ErrBusy = errors.New("the database is held by another process")

// ErrUnknown says there is no such stream.
var ErrUnknown = errors.New("no such incident")

// ErrTaken says a unique key is held by another stream.
type ErrTaken struct {
	Key string
	By  incident.ID
}

// Error names key and holder.
func (e *ErrTaken) Error() string { return e.Key + " belongs to " + string(e.By) }

// Store is the memory the loop needs. Implementations are bound to one workspace and
// safe for concurrent use.
type Store interface {
	// Load returns the State of a stream, Sealed texts filled; a stream that does not
	// exist yet gives a State with Exists false and no error. It is shared with others:
	// what it holds by reference is not changed in place.
	Load(ctx context.Context, id incident.ID) (incident.State, error)
	// Commit writes all of a change or none: it seals texts, numbers and hashes the
	// events, writes effects, claims, erasures, projections, the command's answer, and
	// settles the task it answers. It returns the new State. ErrStale when Before is no
	// longer the present; *ErrTaken when a claim is held elsewhere; ErrLost when the
	// settled task's lease was lost. A command id that was answered before returns
	// *Repeat and changes nothing. ErrBusy when it cannot be written to for now.
	Commit(ctx context.Context, c incident.Change) (incident.State, error)
	// Asked returns the answer to a command id given before, if there is one.
	Asked(ctx context.Context, id incident.CommandID) (incident.Answer, bool, error)
	// Reserve gives the next incident number to a command, the same one to the same
	// command again.
	Reserve(ctx context.Context, id incident.CommandID) (incident.ID, error)
	// Event reads one line of the record, texts filled.
	Event(ctx context.Context, id incident.ID, seq int64) (incident.Recorded, error)
	// Texts gives the Refs of every text of an entry of the record, those of its later
	// corrections included.
	Texts(ctx context.Context, id incident.ID, seq int64) ([]string, error)
	// Belong gives the streams whose lines speak of these texts, in order.
	Belong(ctx context.Context, refs []string) ([]incident.ID, error)
	// Claim leases up to n effects that are due at now and of rank at most worst, for
	// owner, until now+lease. Each lane has at most one claimed at a time.
	Claim(ctx context.Context, owner string, now time.Time, worst incident.Rank, n int, lease time.Duration) ([]incident.Task, error)
	// Settle ends or postpones a claimed task outside a Commit. ErrLost if the lease was lost.
	Settle(ctx context.Context, t incident.Task, o incident.Outcome) error
	// NextDue is when the earliest open effect falls due; zero when none waits.
	NextDue(ctx context.Context) (time.Time, error)
}

// Repeat says the command was handled before, and how.
type Repeat struct{ Answer incident.Answer }

// Error says so.
func (r *Repeat) Error() string { return "asked before" }

// Performer carries out one kind of effect. What it learned comes back as a command
// (nil when there is nothing to say); progress on the way is told. It must look for
// its own marker first when Task.Attempt is over 1. Errors: incident.GiveUp when
// trying again is useless, incident.Later when the vendor named a wait, anything
// else is tried again with growing waits.
type Performer interface {
	Perform(ctx context.Context, t incident.Task, tell func(incident.Command) error) (incident.Command, error)
}

// Clock is the engine's time.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}
