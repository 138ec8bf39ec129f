package incident

import (
	"fmt"
	"time"
)

// Exceptions keep quiet what rules find and somebody answers for. They hold for every
// host of the workspace, so they live in a stream of their own: who made which, why and
// until when is on the record and chained like any incident, and every replica reads the
// same.

// ExceptionsID is the register of exceptions of a workspace.
const ExceptionsID ID = "signals:exceptions"

// The bounds of exceptions.
const (
	// LongestException is how far ahead one may end: nobody remembers longer.
	LongestException = 366 * 24 * time.Hour
	// MaxExceptions is how many hold at once. Who needs more has a rule to mend.
	MaxExceptions = 200
	// exceptionWarning is how long before its end whoever answers for one is told, if it lasts twice as long.
	exceptionWarning = 24 * time.Hour
)

// Exception is one of them. Host, Image, Program and User are patterns with "*" and "?";
// all that are given must fit. The rule is named in full.
type Exception struct {
	N       int       `json:"n"`
	Rule    string    `json:"rule"`
	Host    Sealed    `json:"host,omitzero"`
	Image   Sealed    `json:"image,omitzero"`
	Program Sealed    `json:"program,omitzero"`
	User    Sealed    `json:"user,omitzero"`
	Owner   PersonID  `json:"owner"` // who answers for it
	Reason  Sealed    `json:"reason"`
	By      PersonID  `json:"by"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

// Whole reports whether all that limits it can be read. Where a pattern was erased, what is
// left would fit more than was meant.
func (x Exception) Whole() bool {
	for _, limit := range []Sealed{x.Host, x.Image, x.Program, x.User} {
		if limit.Ref != "" && limit.Text == "" {
			return false
		}
	}
	return x.Rule != ""
}

// Commands to the register of exceptions.
type (
	// MakeException keeps quiet what fits, from now on. Owner answers for it.
	MakeException struct {
		Rule, Host, Image, Program, User string
		Owner                            Person
		Reason                           string
		Expires                          time.Time
	}
	// EndException ends one before its time.
	EndException struct {
		N   int
		Why string
	}
)

// Events of the register of exceptions.
type (
	// ExceptionMade says what is kept quiet from now on.
	ExceptionMade struct {
		Exception Exception `json:"exception"`
	}
	// ExceptionEnding says a day ahead that it ends.
	ExceptionEnding struct {
		Exception Exception `json:"exception"`
	}
	// ExceptionEnded says that it is heard again: because its time was over, or by somebody.
	ExceptionEnded struct {
		Exception Exception `json:"exception"`
		Expired   bool      `json:"expired,omitempty"`
		Why       Sealed    `json:"why,omitzero"`
	}
)

func (MakeException) command() {}
func (EndException) command()  {}
func (ExceptionMade) event()   {}
func (ExceptionEnding) event() {}
func (ExceptionEnded) event()  {}

// deadline is when it ends, and when that is said.
func (x Exception) deadline() Deadline {
	at := Deadline{Due: x.Expires}
	if warn := x.Expires.Add(-exceptionWarning); warn.Sub(x.Made) >= exceptionWarning {
		at.Warn = warn
	}
	return at
}

func exceptionClock(n int) ClockName { return ClockName(fmt.Sprintf("exception/%d", n)) }

func applyException(s State, e Event) State {
	s.Exists = true
	switch e := e.(type) {
	case ExceptionMade:
		s.Exceptions = append(s.Exceptions[:len(s.Exceptions):len(s.Exceptions)], e.Exception)
		s.ExceptionCount = e.Exception.N
	case ExceptionEnding:
		s.Clocks = with(s.Clocks, exceptionClock(e.Exception.N), func(c Clock) Clock { c.Warned = true; return c })
	case ExceptionEnded:
		left := make([]Exception, 0, len(s.Exceptions))
		for _, x := range s.Exceptions {
			if x.N != e.Exception.N {
				left = append(left, x)
			}
		}
		s.Exceptions = left
		s.Clocks = without(s.Clocks, exceptionClock(e.Exception.N))
	}
	return s
}
