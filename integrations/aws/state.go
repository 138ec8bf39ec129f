package aws

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tocsin-ir/tocsin/actions"
)

// same compares two states, as the contract does: by their bytes.
func same(a, b actions.State) bool { return bytes.Equal(a, b) }

// stateIn reads a state of this package's own making. One that cannot be read is given up.
func stateIn[T any](s actions.State) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(s))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, refuse("read what the plan found: it is not of this action's making")
	}
	return v, nil
}

// due is the state that a receipt says is there now.
func due(r actions.Receipt) actions.State {
	if r.Undone {
		return r.Found
	}
	return r.Left
}

func stale(p actions.Plan) error { return fmt.Errorf("%s: %w", p.Target.Name, actions.ErrStale) }

// undone is the receipt of a deed taken back.
func undone(r actions.Receipt, done ...string) actions.Receipt {
	r.Undone, r.Done = true, done
	if r.Already {
		r.Done = []string{"Nothing: it was so before."}
	}
	return r
}

// later says that a "no" may be AWS still spreading the change.
func later(p actions.Proof) actions.Proof {
	p.Again = settles
	return p
}
