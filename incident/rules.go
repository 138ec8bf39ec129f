package incident

import "time"

// Rules is what was agreed before the incident: the plan. internal/plan reads it
// from a folder of files. Every value Decide takes from it goes into an event, so
// that replay needs no plan.
type Rules interface {
	Digest() string
	// Defaults for a declaration that does not say.
	DefaultSeverity(incidentType string) Severity
	DefaultType() string
	// Types lists the incident types by name; Checklist is the type's for a phase.
	Types() []string
	Checklist(incidentType string, p Phase) []string
	// Roles lists the roles, Commander first.
	Roles() []RoleSpec
	// Deadline is when a target of the severity falls due for a clock that starts at
	// from, business hours counted where the plan says so, and when to warn before.
	// ok is false where the severity has no such target.
	Deadline(s Severity, c ClockName, from time.Time) (d Deadline, ok bool)
	// Ladder is who is paged for a severity and type; Named is a ladder by name.
	// No rungs: nobody is paged.
	Ladder(s Severity, incidentType string) Ladder
	Named(name string) (Ladder, bool)
	// Invitees are brought into every room of that severity and type.
	Invitees(s Severity, incidentType string) []Person
	// Owners of an asset named at declaration or in the scope.
	Owners(asset string) []Person
	// May judges whether somebody may do something.
	May(p Person, r Right, s State) Verdict
	// PostMortem says whether one is due and by when after resolution.
	PostMortem(s Severity, resolved time.Time) (due time.Time, remind []time.Time, ok bool)
	// Escalation is who is told of an overdue post-mortem when neither its owner nor the
	// commander did anything, and how long each of them has; 0 for never.
	Escalation(s Severity) (every time.Duration, to []Person)
	// Codenames are for confidential incidents, in the order they are used; none: ours.
	Codenames() []string
	// Drills is what was agreed about drills.
	Drills() Drills
	// Judge says whether a deed may be asked for, and who has to approve it. It is asked
	// when the deed is asked for and again at its moment.
	Judge(q Question) Judgement
	// Approves says whether somebody's yes counts for a need, at this moment.
	Approves(p Person, need Need, s State) bool
	// Approvers are those whose yes would count, in the order they should be asked.
	Approvers(need Need, s State) []Person
	// Announce says whether incidents of this kind have a message in the announcement channel.
	Announce(s Severity, private bool) bool
}

// RoleSpec describes a role.
type RoleSpec struct {
	Role  Role
	Title string
	Duty  string
}

// Deadline is a target's time, and when to warn of it (zero: not at all).
type Deadline struct{ Due, Warn time.Time }

// Ladder is who is paged, in what order. Rungs are copied into the event that
// starts it; who is on call is found out when a rung fires.
type Ladder struct {
	Name   string `json:"name"`
	Rungs  []Rung `json:"rungs,omitempty"`
	Rounds int    `json:"rounds,omitempty"` // how often all rungs are gone through; at least 1
}

// Rung is one step of a ladder.
type Rung struct {
	Name string `json:"name"`
	// Escalator is who steps on when nobody answers on this rung: "tocsin", by Wait,
	// or "pagerduty", whose policy steps on by itself and whose Wait is the whole of it.
	Escalator string        `json:"escalator"`
	Service   string        `json:"service,omitempty"`  // PagerDuty: name of an integration key in the configuration (Events v2)
	Policy    string        `json:"policy,omitempty"`   // PagerDuty: escalation policy id (REST)
	Schedule  string        `json:"schedule,omitempty"` // PagerDuty: schedule id, to know who is on call
	People    []Person      `json:"people,omitempty"`   // messaged directly in Slack
	Wait      time.Duration `json:"wait"`
	Priority  string        `json:"priority,omitempty"` // PagerDuty priority name
	Urgency   string        `json:"urgency,omitempty"`  // high or low
}

// Right is something not everybody may do.
type Right string

// The rights. The plan says who has each; "anyone" is a responder of the workspace.
const (
	MayDeclare    Right = "declare"
	MayRespond    Right = "respond" // the everyday verbs
	MayDowngrade  Right = "downgrade"
	MayExclude    Right = "exclude"
	MayDistrust   Right = "distrust" // and to lift it, with somebody else
	MayResolve    Right = "resolve"
	MayClose      Right = "close"
	MayHide       Right = "hide"
	MayRedact     Right = "redact"
	MayPublish    Right = "publish"
	MayMerge      Right = "merge"
	MayReassign   Right = "reassign" // take a held role without its holder's offer
	MayWaive      Right = "waive"    // of what is marked as privileged; to take the marking away
	MayAdoptPlan  Right = "adopt-plan"
	MaySetTimes   Right = "times"
	MayPageOthers Right = "page"
	MayStop       Right = "stop"   // freeze deeds: anybody who responds should
	MayResume     Right = "resume" // let them go on
	MayReview     Right = "review" // of a broken glass
	MayWaiveProof Right = "waive-evidence"
	MayHoldLegal  Right = "legal-hold" // and to lift it, with somebody else
	MayExport     Right = "export-evidence"
)

// Question is whether somebody may have an action done to targets.
type Question struct {
	State      State
	By         Person
	Action     string
	Kind       string
	Targets    []string
	Params     map[string]string
	TTL        time.Duration // 0: not said
	At         time.Time
	Reversible bool
	Blast      string
	BreakGlass bool
}

// Judgement is the plan's answer: who may, with whose approval, and for how long.
type Judgement struct {
	Allowed bool
	Why     string // one sentence for the asker, with where the plan says so
	Hint    string
	Grant   Grant
	Lead    *Person // whom a broken glass pages
}

// Verdict is the plan's answer, with where it says so.
type Verdict struct {
	Allowed bool
	Why     string // one sentence for the asker
	Source  string // file:line
}
