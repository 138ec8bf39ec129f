package directive

import "fmt"

// Refusal is a directive that is not obeyed, in words that may be shown to whoever sent it.
type Refusal struct {
	Code string `json:"code"` // one of the constants
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}

// The codes of refusals.
const (
	Malformed   = "malformed"
	Forged      = "forged"    // not signed by the pinned key
	Downgrade   = "downgrade" // an older form than this host has accepted before
	Elsewhere   = "elsewhere" // for another host or workspace
	Replayed    = "replayed"
	TooEarly    = "too_early"
	Expired     = "expired"
	UnknownKind = "unknown_kind"
	OutOfBounds = "out_of_bounds"
	Limited     = "limited" // the host's own limits say no
	BadCode     = "bad_code"
)

func (r *Refusal) Error() string { return r.Why }

func refuse(code, hint, why string, args ...any) *Refusal {
	return &Refusal{Code: code, Why: fmt.Sprintf(why, args...), Hint: hint}
}
