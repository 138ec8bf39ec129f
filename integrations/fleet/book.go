package fleet

import (
	"context"
	"errors"
	"time"
)

// Book is where hosts and tokens are written down.
type Book interface {
	AddToken(ctx context.Context, t Token) error
	// Token finds a token by its id.
	Token(ctx context.Context, id string) (t Token, ok bool, err error)
	// Enrol spends a token and adds an agent, both or neither. It fails with ErrSpent when the token
	// was spent before. A host that has an agent already gets the new one in its place when replace is
	// set, and ErrTaken otherwise.
	Enrol(ctx context.Context, token string, a Agent, replace bool) error
	// Agents are all that are not revoked.
	Agents(ctx context.Context) ([]Agent, error)
	Agent(ctx context.Context, id string) (a Agent, ok bool, err error)
	// Revoke ends an agent; ok is false when there is none, or it was revoked before.
	Revoke(ctx context.Context, id string, at time.Time) (ok bool, err error)
	// Saw notes what is known of an agent, for when it is away.
	Saw(ctx context.Context, id string, at time.Time, about []byte) error
	// Number is the next number for an order, above every one it gave for that agent before and above
	// the one named.
	Number(ctx context.Context, agent string, above uint64) (uint64, error)

	// Beat says that a replica is there. Only who has the database's key can have it believed.
	Beat(ctx context.Context, r Replica) error
	// Replicas are those that were there since. With an error, what is returned beside it is good.
	Replicas(ctx context.Context, since time.Time) ([]Replica, error)
	// Leave forgets a replica that stops.
	Leave(ctx context.Context, id string) error
}

// Errors of Enrol.
var (
	ErrSpent = errors.New("the token was used already")
	ErrTaken = errors.New("there is a host of that name")
)

// Token lets one host enrol, once.
type Token struct {
	ID      string
	Host    string // that it is for, and that it may replace; "" any new one
	Hash    []byte // SHA-256 of the token
	By      string // who had it made
	Made    time.Time
	Expires time.Time
	Spent   time.Time // zero: it is not
}

// Agent is a host's agent, as it enrolled.
type Agent struct {
	ID       string
	Host     string
	Machine  string // 64 hex digits
	Enrolled time.Time
	Revoked  time.Time // zero: it is not
	Seen     time.Time // last; zero: never
	About    []byte    // what Saw noted
}
