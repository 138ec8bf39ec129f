// Package incident decides what happens in a war room. It is pure: no clock,
// no network, no database. Given what is true and what someone asked for, it
// says what became true (events) and what must now be done (effects).
//
// Start with command.go (what can be asked), event.go (what can become true) and
// effect.go (what the world can owe). Decide turns the first into the other two;
// Apply folds events into a State. Everything a person reads about an incident,
// its timeline, its clocks and its post-mortem, is a fold over the same events.
package incident

import (
	"fmt"
	"strings"
	"time"
)

// ID names a stream of events: an incident ("INC-0042"), the register of holds
// on one target ("hold:host/web-3"), or that of exceptions.
type ID string

// NumberID is the display name of the nth incident of a workspace.
func NumberID(n int64) ID { return ID(fmt.Sprintf("INC-%04d", n)) }

// IsHold reports whether the stream is a register of holds on a target.
func (id ID) IsHold() bool { return strings.HasPrefix(string(id), "hold:") }

// IsRegister reports whether the stream is no incident: it has no room, no title, and is in no list.
func (id ID) IsRegister() bool { return id.IsHold() || id == ExceptionsID }

// CommandID names one asking. A repeat of the same id is answered from the record:
// Slack's envelope id, PagerDuty's webhook id, an effect's id with the answer's number.
type CommandID string

// EffectID names one piece of work the world owes: stream, event number, ordinal
// ("INC-0042/17/2"). It is the vendor's idempotency key wherever the vendor has one.
type EffectID string

// Door is the way a command came in.
type Door string

// The doors. A door that is distrusted in an incident carries no approval there.
const (
	ViaSlack     Door = "slack"
	ViaCLI       Door = "cli"
	ViaAPI       Door = "api"
	ViaPagerDuty Door = "pagerduty"
	ViaGitHub    Door = "github"
	ViaClock     Door = "clock"
	ViaEngine    Door = "engine" // an effect's answer
	ViaSensor    Door = "sensor" // what hosts were seen to do
)

// Severity is how bad it is. The zero value means "not said".
type Severity int

// The severities. P1 is the worst.
const (
	P1 Severity = iota + 1
	P2
	P3
	P4
)

// String is "P1" … "P4", or "" for none.
func (s Severity) String() string {
	if s < P1 || s > P4 {
		return ""
	}
	return fmt.Sprintf("P%d", int(s))
}

// ParseSeverity reads p1, P1, sev1 or 1. ok is false for anything else.
func ParseSeverity(text string) (s Severity, ok bool) {
	t := strings.ToLower(strings.TrimSpace(text))
	t = strings.TrimPrefix(strings.TrimPrefix(t, "sev"), "p")
	if len(t) != 1 || t[0] < '1' || t[0] > '4' {
		return 0, false
	}
	return Severity(t[0] - '0'), true
}

// Status is where an incident stands.
type Status string

// The statuses. Merged is final; the incident it went into goes on.
const (
	Open     Status = "open"
	Resolved Status = "resolved"
	Closed   Status = "closed"
	Merged   Status = "merged"
)

// Phase is one of the phases of incident response (NIST SP 800-61r2, SANS PICERL).
type Phase string

// The phases an incident passes through, in their order.
const (
	Detection   Phase = "detection"
	Containment Phase = "containment"
	Eradication Phase = "eradication"
	Recovery    Phase = "recovery"
	Lessons     Phase = "lessons"
)

// Phases lists all phases in their order.
func Phases() []Phase { return []Phase{Detection, Containment, Eradication, Recovery, Lessons} }

// ParsePhase reads a phase by its name or an unambiguous beginning of it.
func ParsePhase(text string) (Phase, bool) {
	t := strings.ToLower(strings.TrimSpace(text))
	if t == "" {
		return "", false
	}
	for _, p := range Phases() {
		if strings.HasPrefix(string(p), t) {
			return p, true
		}
	}
	return "", false
}

// MessageRef points at a message: channel and Slack time stamp.
type MessageRef struct {
	Channel   string `json:"channel"`
	TS        string `json:"ts"`
	Permalink string `json:"permalink,omitempty"`
}

// Limits of what a person may hand in, in runes. Longer input is refused, never cut.
const (
	MaxTitle = 200
	MaxText  = 10_000
	MaxName  = 200
	MaxItems = 2_000 // tasks, scope items, action items: each
)

// Asked is a command in its envelope: who asked, through which door, when.
type Asked struct {
	ID       CommandID
	Root     CommandID // the first command this one follows from; its own id when a person asked
	By       Person
	Via      Door
	At       time.Time // recorded; UTC
	Occurred time.Time // when it happened in the world; zero means At
	What     Command
	// Secrets says what the words of What hold that looks like a secret; the surface
	// that took the words has them searched.
	Secrets []FoundSecret
}

func (a Asked) occurred() time.Time {
	if a.Occurred.IsZero() {
		return a.At
	}
	return a.Occurred
}
