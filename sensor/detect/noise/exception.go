package noise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Exception keeps signals quiet that somebody answers for. Its fields are patterns with "*"
// and "?"; all that are given must fit, and at least one must be given.
type Exception struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"`   // who answers for it
	Reason  string    `json:"reason"`  // why it is right
	Expires time.Time `json:"expires"` // it counts until then; a year ahead at most
	Rule    string    `json:"rule,omitempty"`
	Host    string    `json:"host,omitempty"`
	Image   string    `json:"image,omitempty"`
	Program string    `json:"program,omitempty"`
	User    string    `json:"user,omitempty"`
}

// The bounds of exceptions.
const (
	maxExceptions = 10_000
	// LongestException is how far ahead an exception may end: nobody remembers longer.
	LongestException = 366 * 24 * time.Hour
)

// Check says in a sentence what is wrong with an exception that is made at a moment.
func (x Exception) Check(at time.Time) error {
	if err := x.sound(); err != nil {
		return err
	}
	switch {
	case !x.Expires.After(at):
		return errors.New("the exception ended already")
	case x.Expires.After(at.Add(LongestException)):
		return errors.New("an exception ends within a year")
	}
	return nil
}

// sound is what holds whenever it is asked.
func (x Exception) sound() error {
	limits := ""
	for _, f := range []string{x.ID, x.Owner, x.Reason, x.Rule, x.Host, x.Image, x.Program, x.User} {
		if len(f) > maxText {
			return fmt.Errorf("a field of an exception has %d bytes at most", maxText)
		}
	}
	for _, f := range []string{x.Rule, x.Host, x.Image, x.Program, x.User} {
		limits += strings.Trim(f, "*?")
	}
	switch {
	case x.ID == "":
		return errors.New("an exception needs a name")
	case strings.TrimSpace(x.Owner) == "":
		return errors.New("an exception needs an owner, who answers for it")
	case strings.TrimSpace(x.Reason) == "":
		return errors.New("an exception needs a reason")
	case x.Expires.IsZero():
		return errors.New("an exception needs an end")
	case limits == "":
		// An intruder with one stolen session would silence everything.
		return errors.New("an exception for everything is not taken: name a rule, host, image, program or user")
	}
	return nil
}

// fits reports whether the exception speaks of the signal.
func (x Exception) fits(s Signal) bool {
	return glob(x.Rule, s.Rule) && glob(x.Host, s.Host) && glob(x.Image, s.Image) && glob(x.Program, s.Program) && glob(x.User, s.User)
}

// Exceptions are those that hold, with how often each kept something quiet. Not safe for
// concurrent use.
type Exceptions struct {
	list []Exception
	used map[string]Use
}

// Use is how often an exception kept a signal quiet, and when last.
type Use struct {
	Times uint64    `json:"times"`
	Last  time.Time `json:"last,omitzero"`
}

// NewExceptions takes exceptions, the ended ones too, so that they can be listed, and how often
// each was used before. The error names the one that is wrong.
func NewExceptions(list []Exception, used map[string]Use) (*Exceptions, error) {
	if len(list) > maxExceptions {
		return nil, fmt.Errorf("more than %d exceptions", maxExceptions)
	}
	x := &Exceptions{used: map[string]Use{}}
	seen := map[string]bool{}
	for _, e := range list {
		if err := e.sound(); err != nil {
			return nil, fmt.Errorf("exception %q: %w", e.ID, err)
		}
		if seen[e.ID] {
			return nil, fmt.Errorf("exception %q is there twice", e.ID)
		}
		seen[e.ID] = true
		x.list = append(x.list, e)
		if u, ok := used[e.ID]; ok {
			x.used[e.ID] = u
		}
	}
	return x, nil
}

// Quiet returns the first exception that keeps a signal quiet at a moment, and counts it. A
// drill is never kept quiet by what was meant for real signals, nor does it count.
func (x *Exceptions) Quiet(s Signal, at time.Time) (Exception, bool) {
	if s.Drill {
		return Exception{}, false
	}
	for _, e := range x.list {
		if e.Expires.After(at) && e.fits(s) {
			u := x.used[e.ID]
			u.Times++
			u.Last = at
			x.used[e.ID] = u
			return e, true
		}
	}
	return Exception{}, false
}

// Used is how often an exception was needed.
func (x *Exceptions) Used(id string) Use { return x.used[id] }

// Uses are those of every exception that was needed, by name.
func (x *Exceptions) Uses() map[string]Use { return maps.Clone(x.used) }

// Ending lists the exceptions that end within a time, and those that have ended: their
// owners are to be asked.
func (x *Exceptions) Ending(at time.Time, within time.Duration) []Exception {
	var soon []Exception
	for _, e := range x.list {
		if !e.Expires.After(at.Add(within)) {
			soon = append(soon, e)
		}
	}
	return soon
}

const maxEncoded = 64 << 20 // bytes of what is read back

func strict(raw []byte, into any) error {
	if len(raw) > maxEncoded {
		return fmt.Errorf("more than %d MiB", maxEncoded>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows")
	}
	return nil
}
