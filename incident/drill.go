package incident

import "time"

// Inject is one thing that is put before the people of a drill.
type Inject struct {
	At   time.Duration `json:"at"` // after the drill began
	Kind InjectKind    `json:"kind"`
	From string        `json:"from,omitempty"` // who or what says it, as the scenario calls it
	Text string        `json:"text"`
}

// InjectKind is what kind of thing an inject is.
type InjectKind string

// The kinds of injects.
const (
	InjectAlert   InjectKind = "alert"   // a monitoring system pages
	InjectSignal  InjectKind = "signal"  // something is seen that pages nobody
	InjectMessage InjectKind = "message" // a person says something
	InjectFault   InjectKind = "fault"   // a vendor fails
	InjectMishap  InjectKind = "mishap"  // something happens to the responders
)

// InjectKinds lists all kinds.
func InjectKinds() []InjectKind {
	return []InjectKind{InjectAlert, InjectSignal, InjectMessage, InjectFault, InjectMishap}
}

// Bounds of an exercise: it is kept whole in the record and in the State.
const (
	MaxInjects     = 40
	MaxInject      = 1_000          // runes of one inject's text
	MaxDrill       = 24 * time.Hour // from the first inject to the end
	MaxDrillChecks = 60             // expected actions
)

// Exercise is the scenario of a drill as it was when the drill began, so that neither
// a replay nor a restart needs the file.
type Exercise struct {
	Scenario string        `json:"scenario"` // its name, "leaked-cloud-key"
	Digest   string        `json:"digest"`   // of the file
	Title    string        `json:"title"`
	About    string        `json:"about,omitempty"`
	Length   time.Duration `json:"length"`
	Injects  []Inject      `json:"injects"` // in the order of their times
}

// DrillScore is how a drill went: the scenario held against the record.
type DrillScore struct {
	Scenario string      `json:"scenario"`
	Title    string      `json:"title"`
	Digest   string      `json:"digest"`
	Began    time.Time   `json:"began"`
	Ended    time.Time   `json:"ended"`
	Why      string      `json:"why,omitempty"` // why it ended before its time
	Lines    []DrillLine `json:"lines"`
	// How long after the beginning it was declared, acknowledged and contained; nil: it
	// was not, or could not be.
	Declared     *time.Duration `json:"declared,omitempty"`
	Acknowledged *time.Duration `json:"acknowledged,omitempty"`
	Contained    *time.Duration `json:"contained,omitempty"`

	Injects int `json:"injects"` // that came
	Missed  int `json:"missed"`  // of those: nothing that was expected after them was done
	Late    int `json:"late"`    // decisions that came after their deadline
	Points  int `json:"points"`
	Of      int `json:"of"` // that could be had
}

// DrillLine is one expected action and what became of it.
type DrillLine struct {
	Do     string        `json:"do"`
	Result DrillResult   `json:"result"`
	Inject int           `json:"inject"`        // it answers this inject, from 1
	From   time.Duration `json:"from"`          // since then it was wanted; after the beginning
	Due    time.Duration `json:"due"`           // after the beginning
	At     time.Duration `json:"at,omitempty"`  // when it was done; after the beginning
	By     PersonID      `json:"by,omitempty"`  // who did it
	Seq    int64         `json:"seq,omitempty"` // where the record says so
	Points int           `json:"points"`
	Of     int           `json:"of"`
}

// DrillResult is what became of an expected action.
type DrillResult string

// The results. Only the first two bring points; what was not asked or not reached
// takes none away.
const (
	DrillDone       DrillResult = "done"
	DrillLate       DrillResult = "late"
	DrillMissed     DrillResult = "missed"
	DrillNotAsked   DrillResult = "not asked"   // the drill did it itself, or it can be done in the sandbox only
	DrillNotReached DrillResult = "not reached" // the drill ended before it was due
)

// Commands of drills. A drill is begun by Declare with an Exercise.
type (
	// EndDrill ends the exercise before its time; the room stays.
	EndDrill struct{ Why string }
	// DrillMeasured answers ScoreDrill.
	DrillMeasured struct{ Score DrillScore }
)

// Events of drills. What a scenario says is text of the plan, not of a person.
type (
	// DrillBegun says what will be put before the people, and when.
	DrillBegun struct {
		Exercise Exercise `json:"exercise"`
	}
	// Injected says inject N, from 1, was put before them.
	Injected struct {
		N      int    `json:"n"`
		Inject Inject `json:"inject"`
	}
	// DrillEnded says no more injects come. Why is empty when its time was over.
	DrillEnded struct {
		Why string `json:"why,omitempty"`
	}
	// DrillScored is the scorecard. It can be made again from the record; this one keeps
	// what people were shown.
	DrillScored struct {
		Score DrillScore `json:"score"`
	}
)

// ScoreDrill is owed when a drill has ended: the scenario is held against the record.
// Answer: DrillMeasured.
type ScoreDrill struct{}

// ShowChart posts the scorecard as a picture, beside the words.
type ShowChart struct{}

func (EndDrill) command()      {}
func (DrillMeasured) command() {}
func (DrillBegun) event()      {}
func (Injected) event()        {}
func (DrillEnded) event()      {}
func (DrillScored) event()     {}
func (ScoreDrill) effect()     {}
func (ShowChart) effect()      {}

// Drilling is where an exercise stands.
type Drilling struct {
	Exercise
	Began time.Time `json:"began"`
	Said  int       `json:"said,omitempty"` // injects that came
	Ended time.Time `json:"ended,omitzero"`
	Why   string    `json:"why,omitempty"`
	// Points and Of are those of the scorecard.
	Points int `json:"points,omitempty"`
	Of     int `json:"of,omitempty"`
}

// Running reports whether more may come.
func (d *Drilling) Running() bool { return d != nil && d.Ended.IsZero() }

// ClockDrill is when the next inject comes, or the drill ends. It is not shown: who
// knows the minute is not drilled.
const ClockDrill ClockName = "drill"

// MayDrill is the right to begin a drill that comes with a scenario, and to end it.
const MayDrill Right = "drill"

// Drills is what was agreed about drills: who opted in to being paged in one, and by
// which ladder. With no rungs those who opted in are messaged directly.
type Drills struct {
	People []Person
	Ladder Ladder
}

// OptedIn reports whether somebody agreed to be paged in a drill.
func (d Drills) OptedIn(id PersonID) bool {
	for _, p := range d.People {
		if p.ID == id {
			return true
		}
	}
	return false
}
