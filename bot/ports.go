package bot

import (
	"context"
	"log/slog"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
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
}

// Budget waits, or returns an incident.Later, until a vendor call may be made.
// Penalise tells it that Slack asked us to be quiet for a while.
type Budget interface {
	Take(ctx context.Context, method, channel string, rank incident.Rank) error
	Penalise(ctx context.Context, method, channel string, wait time.Duration)
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
