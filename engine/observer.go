package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Observer is told what the loop does, for counting. It must not block. Nothing it is
// told names an incident or a person except the task's ids, which are for logs.
type Observer interface {
	// Handled says that a command was answered: its kind ("Declare"), how, and how
	// long it took in real time, waiting for its turn included.
	Handled(kind string, end HandleEnd, took time.Duration)
	// Settled says how one attempt at an effect ended, and how long after it fell due.
	Settled(t incident.Task, kind string, end TaskEnd, late time.Duration)
}

// HandleEnd is how a command ended.
type HandleEnd string

// The ends of a command.
const (
	Accepted HandleEnd = "accepted"
	Refused  HandleEnd = "refused" // the rules said no
	Faulty   HandleEnd = "failed"
)

// TaskEnd is how one attempt at an effect ended.
type TaskEnd string

// The ends of an attempt.
const (
	Done      TaskEnd = "done"
	Dropped   TaskEnd = "dropped"   // nobody wanted it any more
	Dead      TaskEnd = "dead"      // given up
	Retried   TaskEnd = "retried"   // it went wrong and is tried again
	Postponed TaskEnd = "postponed" // the vendor, or a budget, named a wait
	Lost      TaskEnd = "lost"      // not settled: the lease ran out, or the store failed
)

func (e *Engine) handled(a incident.Asked, began time.Time, err error) {
	if e.Observer == nil {
		return
	}
	end := Accepted
	var no *incident.Refusal
	var taken *ErrTaken
	switch {
	case errors.As(err, &no), errors.As(err, &taken):
		end = Refused
	case err != nil:
		end = Faulty
	}
	e.Observer.Handled(strings.TrimPrefix(fmt.Sprintf("%T", a.What), "incident."), end, time.Since(began))
}

func (e *Engine) settled(t incident.Task, end TaskEnd) {
	if e.Observer != nil {
		e.Observer.Settled(t, incident.KindOf(t.Effect), end, max(0, e.clock.Now().Sub(t.Due)))
	}
}
