// Package fault breaks vendors on demand. One Set is shared by the sandbox's Slack,
// PagerDuty and GitHub; the page, a story file or a drill adds Rules to it, and each
// vendor asks Match before it answers, or lets Wrap carry the fault out.
package fault

import (
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The ways a vendor can let its caller down.
const (
	Latency     Kind = "latency"      // the answer comes Delay late
	RateLimit   Kind = "rate_limit"   // 429 with Retry-After; no work is done
	ServerError Kind = "server_error" // Status (500 if unset); no work is done
	Ambiguous   Kind = "ambiguous"    // the work is done and the answer is lost
	Drop        Kind = "drop"         // the connection is closed before any work
	Down        Kind = "down"         // 503 for everything
)

// Kinds lists every Kind, for forms and validation.
func Kinds() []Kind { return []Kind{Latency, RateLimit, ServerError, Ambiguous, Drop, Down} }

// maxRules bounds a Set; the oldest rule makes room.
const maxRules = 200

// Rule says what goes wrong, where, and for how long.
type Rule struct {
	Vendor     string        // "slack", "pagerduty", "github"; "" or "*" is all
	Method     string        // a glob: "chat.*", "POST /incidents", "*"; "" is all
	Kind       Kind          // what happens
	Delay      time.Duration // real time, for Latency; the others wait it out first
	RetryAfter time.Duration // for RateLimit; rounded up to whole seconds, at least 1
	Status     int           // for ServerError
	Code       string        // the vendor's own error code in the body, where it has one
	Times      int           // how often it strikes; 0: until removed
	Until      time.Time     // on the Set's clock; zero: no end
	Share      float64       // which share of calls is struck; 0 or 1: all
}

// Active is a rule in force.
type Active struct {
	ID   int  `json:"id"`
	Rule Rule `json:"rule"`
	Left int  `json:"left"` // strikes left; 0: until removed
	Hits int  `json:"hits"`
}

// Set holds the faults in force. A nil *Set has none.
type Set struct {
	now func() time.Time

	// mu guards everything that follows.
	mu    sync.Mutex
	last  int
	rules []*Active
}

// New returns an empty Set. now may be nil: then the machine's clock counts.
func New(now func() time.Time) *Set {
	if now == nil {
		now = time.Now
	}
	return &Set{now: now}
}

// Add puts a rule in force and returns the id to Remove it by.
func (s *Set) Add(r Rule) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if len(s.rules) >= maxRules {
		s.rules = slices.Delete(s.rules, 0, 1)
	}
	s.last++
	s.rules = append(s.rules, &Active{ID: s.last, Rule: r, Left: max(0, r.Times)})
	return s.last
}

// Remove ends a rule; an unknown id is ignored.
func (s *Set) Remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = slices.DeleteFunc(s.rules, func(a *Active) bool { return a.ID == id })
}

// Clear ends all rules.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// List returns what is in force, oldest first.
func (s *Set) List() []Active {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	out := make([]Active, 0, len(s.rules))
	for _, a := range s.rules {
		out = append(out, *a)
	}
	return out
}

// Match returns the oldest rule that strikes this call and counts the strike.
func (s *Set) Match(vendor, method string) (Rule, bool) {
	if s == nil {
		return Rule{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	for i, a := range s.rules {
		if !glob(a.Rule.Vendor, vendor) || !glob(a.Rule.Method, method) || !lot(a.Rule.Share) {
			continue
		}
		a.Hits++
		r := a.Rule
		if r.Times > 0 {
			a.Left--
			if a.Left <= 0 {
				s.rules = slices.Delete(s.rules, i, i+1)
			}
		}
		return r, true
	}
	return Rule{}, false
}

func (s *Set) expire() {
	now := s.now()
	s.rules = slices.DeleteFunc(s.rules, func(a *Active) bool {
		return !a.Rule.Until.IsZero() && !now.Before(a.Rule.Until)
	})
}

// glob matches as path.Match does, except that "*" also crosses slashes.
func glob(pattern, s string) bool {
	if pattern == "" || pattern == "*" {
		return true
	}
	const slash = "\x00"
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(s, "/", slash))
	return err == nil && ok
}

func lot(share float64) bool { return share <= 0 || share >= 1 || rand.Float64() < share }
