package actions

import (
	"context"
	"log/slog"
)

// Secret is a token or a key. It prints as dots wherever it is printed: format verbs, logs,
// JSON. Whoever needs it converts it to a string, at the last moment.
type Secret string

const dots = "…"

// String hides it.
func (Secret) String() string { return dots }

// GoString hides it.
func (Secret) GoString() string { return dots }

// MarshalText hides it.
func (Secret) MarshalText() ([]byte, error) { return []byte(dots), nil }

// LogValue hides it.
func (Secret) LogValue() slog.Value { return slog.StringValue(dots) }

// Rate is what a vendor lets one account do.
type Rate struct {
	PerMinute float64
	Burst     int
}

// Pace is asked before every call of a vendor, with the name of the limit it falls under
// and what that is. It returns an error marked by incident.Later when the budget is
// spent; containment may take what is kept back for it. nil is no limit.
type Pace func(ctx context.Context, limit string, r Rate) error

// Take asks the pace, if there is one.
func (p Pace) Take(ctx context.Context, limit string, r Rate) error {
	if p == nil {
		return nil
	}
	return p(ctx, limit, r)
}
