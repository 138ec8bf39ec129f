// Package drill reads scenarios and tells how a drill went. It is pure: a scenario is
// a checked file, and a score is a fold over the record of an incident, so that the
// same record gives the same scorecard whenever it is made.
//
// Load reads one file, All a folder of them; Score holds a scenario against a record.
// Who plays the injects is not here: package stage does it in the sandbox, the rules
// of package incident do it in a real workspace.
package drill

import (
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Scenario is one checked scenario file. It never changes.
type Scenario struct {
	Name     string // of its file, "leaked-cloud-key"
	Digest   string // of the file: "sha256:" and hex
	Title    string
	About    string
	Type     string // incident type to declare it as
	Severity incident.Severity
	Length   time.Duration
	Injects  []Inject   // in the order of their times
	Expected []Expected // in the order of the file
}

// Inject is one thing that is put before people, and how the sandbox makes it true.
type Inject struct {
	incident.Inject
	Persona string        // sandbox: who says it; "" for the monitoring
	Vendor  string        // sandbox: which vendor fails
	For     time.Duration // sandbox: for how long
}

// Expected is one action that is wanted of the people.
type Expected struct {
	Do     string // in a few words
	When   Deed
	After  int           // the inject it answers, from 1
	Within time.Duration // of that inject
	Points int
	// Sandbox says that it can be done in the sandbox only, where the people of the
	// scenario exist.
	Sandbox bool
	Match   Match
	Answer  Answer
}

// Match narrows what counts. What is not said does not matter.
type Match struct {
	Severity incident.Severity // at least this bad
	Role     incident.Role
	Phase    incident.Phase // at least this far
	State    incident.ScopeState
	Person   incident.PersonID // that it was done to: excluded, paged, given the role
	Another  bool              // by somebody who did not do it before
	Words    []string          // one of them is in the text, whatever the capitals
}

// Answer is what a model responder would do: steps of a story in the sandbox.
type Answer struct {
	At    time.Duration // after the inject
	Steps []string
}

// Exercise is what a drill in a real workspace is begun with.
func (s Scenario) Exercise() incident.Exercise {
	x := incident.Exercise{Scenario: s.Name, Digest: s.Digest, Title: s.Title, About: s.About, Length: s.Length}
	for _, in := range s.Injects {
		x.Injects = append(x.Injects, in.Inject)
	}
	return x
}

// Points is what can be had.
func (s Scenario) Points() int {
	n := 0
	for _, e := range s.Expected {
		n += e.Points
	}
	return n
}

// Find is the scenario of that name.
func Find(all []Scenario, name string) (Scenario, bool) {
	i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return Scenario{}, false
	}
	return all[i], true
}
