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
	MayResolve    Right = "resolve"
	MayClose      Right = "close"
	MayHide       Right = "hide"
	MayRedact     Right = "redact"
	MayPublish    Right = "publish"
	MayMerge      Right = "merge"
	MayReassign   Right = "reassign" // take a held role without its holder's offer
	MayAdoptPlan  Right = "adopt-plan"
	MaySetTimes   Right = "times"
	MayPageOthers Right = "page"
)

// Verdict is the plan's answer, with where it says so.
type Verdict struct {
	Allowed bool
	Why     string // one sentence for the asker
	Source  string // file:line
}
