package incident

// Change is what a command led to. A store writes all of it or none.
type Change struct {
	Before  State
	Asked   Asked
	Events  []Recorded // numbered from Before.Seq+1; Sealed without Ref yet
	Effects []Owed
	Claims  []string // unique keys this stream takes: "slack:C123", "pd:PABC"
	Erase   []string // Refs whose text, salt and key are destroyed
	Refused *Refusal // recorded with the command's answer when the rules said no
	Settles *Settles // the effect this command answers, settled in the same transaction
}

// Settles is a task and how it ended.
type Settles struct {
	Task    Task
	Outcome Outcome
}

// Empty reports that nothing became true and nothing is owed.
func (c Change) Empty() bool { return len(c.Events) == 0 && len(c.Effects) == 0 }

// Answer is what a command led to, kept with the command's id so that a repeat gets
// the same.
type Answer struct {
	Stream  ID       `json:"stream"`
	First   int64    `json:"first,omitempty"` // first and last event it led to; 0: none
	Last    int64    `json:"last,omitempty"`
	Refused *Refusal `json:"refused,omitempty"`
}
