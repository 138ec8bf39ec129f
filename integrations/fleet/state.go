package fleet

import (
	"encoding/json"

	"github.com/tocsin-ir/tocsin/actions"
)

// unpack reads a state that was written by StateOf.
func unpack(s actions.State, into any) error { return json.Unmarshal(s, into) }
