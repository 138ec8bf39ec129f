package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Plan is what Do would change at one target, as it was shown to whoever approved.
// What is shown is what runs: an approval signs its digest.
type Plan struct {
	Action string            `json:"action"`
	Target Target            `json:"target"`
	Params map[string]string `json:"params,omitempty"`
	Key    string            `json:"key"`
	Note   string            `json:"note,omitempty"`
	Until  time.Time         `json:"until,omitzero"`

	Steps      []string `json:"steps"`                // what will change, one short sentence each
	Already    bool     `json:"already,omitempty"`    // the world is as the action would make it, by somebody else's doing
	Dependants []string `json:"dependants,omitempty"` // what else will feel it: "Service shop/web loses 1 of 3 endpoints"
	Lost       []string `json:"lost,omitempty"`       // what cannot be had back
	Warnings   []string `json:"warnings,omitempty"`   // "This is the last owner of billing."
	Owner      string   `json:"owner,omitempty"`      // as the vendor knows it

	Found State `json:"found"` // the part of the world it is about; what Undo restores
	Want  State `json:"want"`  // the same part, as Do would leave it
}

// Target is what the named thing turned out to be.
type Target struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`   // the vendor's, exact: never what somebody typed
	Name string `json:"name"` // for people
}

// Digest is the SHA-256 of the plan, in hex. Everything that is in the plan is in it.
func (p Plan) Digest() string { return Digest([]Plan{p}) }

// Digest is the SHA-256 of several plans that are approved together, in this order.
func Digest(plans []Plan) string {
	b, err := json.Marshal(plans)
	if err != nil {
		panic("actions: a plan that is not JSON: " + err.Error()) // State is JSON by construction
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Receipt is what was done at one target, and all that Verify and Undo need.
type Receipt struct {
	Action  string            `json:"action"`
	Target  Target            `json:"target"`
	Params  map[string]string `json:"params,omitempty"`
	Key     string            `json:"key"`
	Done    []string          `json:"done,omitempty"`    // what was changed, one sentence each
	Found   State             `json:"found"`             // as the plan found it
	Left    State             `json:"left"`              // as Do left it
	Ref     map[string]string `json:"ref,omitempty"`     // names the vendor gave to what was made
	Undone  bool              `json:"undone,omitempty"`  // this is the receipt of an Undo
	Force   bool              `json:"force,omitempty"`   // somebody entitled wants Undo although it was changed since
	Already bool              `json:"already,omitempty"` // nothing was done, because it was so already: there is nothing to undo
}

// Receipt begins the receipt of a plan.
func (p Plan) Receipt() Receipt {
	return Receipt{Action: p.Action, Target: p.Target, Params: p.Params, Key: p.Key, Found: p.Found, Left: p.Want, Already: p.Already}
}

// Standing is what Verify found.
type Standing string

// The standings. A tool that says "isolated" when it is not gets people hurt: what was
// not seen to work is Unproven, whatever the vendor answered.
const (
	InEffect    Standing = "in effect"
	Unproven    Standing = "stored, enforcement not proven"
	NotInEffect Standing = "not in effect"
)

// Proof is what Verify saw.
type Proof struct {
	Standing Standing `json:"standing"`
	Seen     []string `json:"seen"` // what was read, one sentence each
	// Again is when it is worth asking once more, for vendors that take their time; 0: this is final.
	Again time.Duration `json:"again,omitempty"`
}

// Proven is a proof that it is in effect.
func Proven(seen ...string) Proof { return Proof{Standing: InEffect, Seen: seen} }

// Refuted is a proof that it is not.
func Refuted(seen ...string) Proof { return Proof{Standing: NotInEffect, Seen: seen} }

// Stored is the honest answer where the vendor keeps the change but its effect cannot be seen.
func Stored(seen ...string) Proof { return Proof{Standing: Unproven, Seen: seen} }
