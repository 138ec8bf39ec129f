package bot

import (
	"context"
	"log/slog"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Asker is where commands go. id is "" for a declaration. An error may be an
// *incident.Refusal, which is shown to whoever asked. A command id that was asked
// before gives the answer it had then.
type Asker interface {
	Handle(ctx context.Context, id incident.ID, a incident.Asked) (incident.Answer, error)
}

// Reader answers questions from the record. Nothing it returns has been judged by
// need-to-know: Room does that.
type Reader interface {
	// Load returns a State with Exists false for a stream nobody declared.
	Load(ctx context.Context, id incident.ID) (incident.State, error)
	// List returns incidents of the given statuses (all when none is given), newest first.
	List(ctx context.Context, statuses []incident.Status, limit int) ([]incident.State, error)
	ByClaim(ctx context.Context, key string) (incident.ID, bool, error)
	Timeline(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Recorded, error)
	ByRoot(ctx context.Context, root incident.CommandID) ([]incident.Recorded, error)
}

// Directory knows who is who. A person nobody knows is an *incident.Refusal.
type Directory interface {
	// BySlack finds a person by Slack user id, with their Standing.
	BySlack(ctx context.Context, id string) (incident.Person, error)
	// ByName finds a person by plan id, e-mail, or name as written after "@".
	ByName(ctx context.Context, text string) (incident.Person, error)
}

// Contact is how to reach a person when the pager does not.
type Contact struct {
	Person incident.Person
	Ways   []string // "+49 30 1234", "bob@example.com": shown to responders only
}

// Contacts knows how to reach people outside Slack and the pager.
type Contacts interface {
	Contacts(ctx context.Context, people []incident.PersonID) ([]Contact, error)
}

// Plan is what forms and help show of what was agreed before.
type Plan interface {
	Digest() string
	Types() []string
	DefaultType() string
	Roles() []incident.RoleSpec
	Ladders() []string // by name
	// Judge says who may have a deed done, and with whose approval.
	Judge(q incident.Question) incident.Judgement
	// May says whether somebody may do something; in no incident, of a zero State.
	May(p incident.Person, r incident.Right, s incident.State) incident.Verdict
	// AssetNames are the assets that the plan names one by one.
	AssetNames() []string
}

// Sensors is what hosts answer through the sensors on them, and what is found on them. An
// error is an *incident.Refusal where the question cannot be asked, as of a host that
// nobody knows.
type Sensors interface {
	// Check says whether a look can be begun.
	Check(ctx context.Context, l incident.Looking) error
	// Look answers at once.
	Look(ctx context.Context, l incident.Looking) (templates.Look, error)
	// Follow is how a look that goes on stands. The first call with a key begins it and
	// waits a moment for the first rows; one with stop ends it.
	Follow(ctx context.Context, key string, l incident.Looking, stop bool) (templates.Look, error)
	// Kinds are the kinds of events, Hunts what can be hunted.
	Kinds() []string
	Hunts() []string

	Recent(ctx context.Context) (templates.Look, error)
	Sensors(ctx context.Context) (templates.Look, error)
	Health(ctx context.Context, host string) (templates.Look, error)
	Rules(ctx context.Context, name string) (templates.Look, error)
	Baseline(ctx context.Context, scope string) (templates.Look, error)
	// EditBaseline corrects what was learned, and says in a sentence what came of it.
	EditBaseline(ctx context.Context, e BaselineEdit) (string, error)
	Indicators(ctx context.Context) (templates.Look, error)
	// AddIndicator watches for something from now on, on every host. It waits a moment for
	// the hosts to take it.
	AddIndicator(ctx context.Context, in NewIndicator) (Watched, error)
	// ExpireIndicator ends that; ok is false when nobody watches for it.
	ExpireIndicator(ctx context.Context, value string) (ok bool, err error)
	// Except keeps quiet what a rule finds and somebody answers for, until its end. The
	// envelope says who asked; the rules judge it.
	Except(ctx context.Context, a incident.Asked, c incident.MakeException) (incident.Exception, error)
	EndException(ctx context.Context, a incident.Asked, n int, why string) (incident.Exception, error)
	Exceptions(ctx context.Context) (templates.Look, error)
	// Mark counts a person's word on what a rule found, and says how often the rule was right.
	Mark(ctx context.Context, m SignalMark) (string, error)
}

// BaselineEdit is what somebody wants of what is usual.
type BaselineEdit struct {
	What  string // one of the edits below
	Scope string // web-3, web-*, image/nginx
	For   incident.ID
	All   bool // forget everything
	// Facet, Subject and Value are the thing that is forgotten or allowed, in the words in which
	// it is shown: "child", "/usr/sbin/nginx", "/bin/sh".
	Facet, Subject, Value string
	By                    incident.PersonID
	Why                   string
	At                    time.Time
}

// The edits of what is usual.
const (
	BaselineFreeze = "freeze"
	BaselineThaw   = "thaw"
	BaselineForget = "forget"
	BaselineAllow  = "allow"
)

// NewIndicator is something to watch for.
type NewIndicator struct {
	Value   string
	By      incident.PersonID
	Why     string
	At      time.Time
	Expires time.Time // zero: never
}

// Watched is what hosts watch for.
type Watched struct {
	Value  string // as it is kept
	On, Of int    // hosts that watch for it already, of those that are connected
}

// SignalMark is a person's word on what a rule found.
type SignalMark struct {
	Group string // of an incident; "" is the latest that the rule found
	Rule  string
	False bool
	By    incident.PersonID
	At    time.Time
	Why   string
}

// Actions is the catalogue of what can be done to a target.
type Actions interface {
	Find(name string) (actions.Action, bool)
	Names() []string
	Specs() []actions.Spec
}

// Budget waits, or returns an incident.Later, until a vendor call may be made.
// Penalise tells it that Slack asked us to be quiet for a while.
type Budget interface {
	Take(ctx context.Context, method, channel string, rank incident.Rank) error
	Penalise(ctx context.Context, method, channel string, wait time.Duration)
}

// Secrets finds what looks like a token, a key or a password in what people write.
type Secrets interface {
	// Find says what kinds there are and how many of each, never a secret itself.
	Find(text string) []incident.FoundSecret
}

// Secret is a token. It never prints.
type Secret string

// String hides the token.
func (Secret) String() string { return "[secret]" }

// GoString hides the token from %#v.
func (Secret) GoString() string { return "[secret]" }

// MarshalText hides the token from JSON and other encodings.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue hides the token from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

type unlimited struct{}

func (unlimited) Take(context.Context, string, string, incident.Rank) error { return nil }
func (unlimited) Penalise(context.Context, string, string, time.Duration)   {}
