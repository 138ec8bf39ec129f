package incident

import (
	"errors"
	"time"
)

// Refusal is a "no" that may be shown to the person who asked: a code for
// machines, one sentence, and a hint at what would work.
type Refusal struct {
	Code string `json:"code"`
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}

// Error is the sentence and the hint.
func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Why
	}
	return r.Why + " " + r.Hint
}

// Refuse makes a Refusal.
func Refuse(code, why, hint string) *Refusal { return &Refusal{Code: code, Why: why, Hint: hint} }

type givenUp struct{ error }

func (g givenUp) Unwrap() error { return g.error }

// GiveUp marks an error that trying again cannot cure. The effect becomes a dead
// letter and the room is told.
func GiveUp(err error) error {
	if err == nil {
		return nil
	}
	return givenUp{err}
}

// IsGivenUp reports whether err, or one it wraps, was marked by GiveUp.
func IsGivenUp(err error) bool {
	var g givenUp
	return errors.As(err, &g)
}

type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// Later marks an error that may be gone after the given wait, such as a vendor's
// Retry-After. It does not count against the effect's attempts.
func Later(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return later{err, after}
}

// LaterBy returns the wait that Later marked err with.
func LaterBy(err error) (after time.Duration, ok bool) {
	var l later
	if errors.As(err, &l) {
		return l.after, true
	}
	return 0, false
}
