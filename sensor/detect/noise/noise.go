// Package noise stands between what rules find and what people read. Exceptions keep quiet
// what somebody answers for, until a day. Marks of people make a figure of how often
// a rule is right. Signals that share a host, address or program become one that counts.
// And Judge says what a group of signals asks of the war room: nothing, an entry, a link
// to an incident that is open, or a new one.
//
// It is pure: no clock, no network. What it hides, drops or pushes out, it counts.
package noise

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Level is how bad it would be if a signal were true.
type Level uint8

// The levels, as Sigma has them.
const (
	Informational Level = 1
	Low           Level = 2
	Medium        Level = 3
	High          Level = 4
	Critical      Level = 5
)

var levelNames = [...]string{"", "informational", "low", "medium", "high", "critical"}

// String is the level in one word.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return ""
}

// MarshalText writes the level by name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (l *Level) UnmarshalText(b []byte) error {
	for i, n := range levelNames {
		if i > 0 && n == string(b) {
			*l = Level(i)
			return nil
		}
	}
	return errors.New("a level is one of informational, low, medium, high, critical")
}

// Signal is one thing that a rule, an indicator or a baseline found.
type Signal struct {
	ID         string    `json:"id"`   // unique; the same signal sent twice has the same
	Rule       string    `json:"rule"` // "sigma/…", "intel/<feed>", "baseline/child"
	Level      Level     `json:"level"`
	Techniques []string  `json:"techniques,omitempty"` // of ATT&CK: T1059, T1059.004
	At         time.Time `json:"at"`
	Host       string    `json:"host"`
	Image      string    `json:"image,omitempty"`
	Program    string    `json:"program,omitempty"`
	User       string    `json:"user,omitempty"`
	// Entities are what else it is about, each with its kind: "ip/203.0.113.9",
	// "hash/…", "process/web-3/4711@99". The host is one by itself. Two signals that share
	// one belong together; so what everybody shares, as a resolver or root, must not be one.
	Entities []string `json:"entities,omitempty"`
	Why      string   `json:"why"` // one sentence
	Drill    bool     `json:"drill,omitempty"`
}

// entities are all of a signal's, sorted, each once. Those of drills are apart: a drill
// never touches what is real.
func (s Signal) entities() []string {
	all := make([]string, 0, len(s.Entities)+1)
	if s.Host != "" {
		all = append(all, "host/"+s.Host)
	}
	for _, e := range s.Entities {
		if e != "" {
			all = append(all, e)
		}
	}
	if s.Drill {
		for i := range all {
			all[i] = "drill:" + all[i]
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// kept is the signal with its texts and lists bounded, in memory of its own.
func (s Signal) kept() Signal {
	for _, text := range []*string{&s.ID, &s.Rule, &s.Host, &s.Image, &s.Program, &s.User, &s.Why} {
		*text = bounded(*text)
	}
	s.Entities = boundedList(s.Entities)
	s.Techniques = boundedList(s.Techniques)
	return s
}

func boundedList(list []string) []string {
	list = slices.Clone(list[:min(len(list), maxEntities)])
	for i := range list {
		list[i] = bounded(list[i])
	}
	return list
}

const (
	maxEntities = 32  // and techniques of one signal
	maxText     = 512 // bytes of a name or sentence that is kept
)

func bounded(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// glob reports whether s fits a pattern in which "*" is any run of characters and "?" any
// one. An empty pattern fits everything. It looks back to the last star only, so that no
// pattern costs more than its length times the text's.
func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	p, i, star, from := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p, i = p+1, i+1
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
