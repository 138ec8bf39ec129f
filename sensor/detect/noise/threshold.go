package noise

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Ask is what a group of signals asks of the war room.
type Ask uint8

// What can be asked, from least to most.
const (
	Nothing Ask = 0
	Entry   Ask = 1 // a line among the signals
	Link    Ask = 2 // a line in an incident that is open on the same thing
	Declare Ask = 3 // a new incident
)

var askNames = [...]string{"nothing", "entry", "link", "declare"}

// String is what is asked in one word.
func (a Ask) String() string {
	if int(a) < len(askNames) {
		return askNames[a]
	}
	return askNames[0]
}

// MarshalText writes the word.
func (a Ask) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word; an unknown one is an error.
func (a *Ask) UnmarshalText(b []byte) error {
	for i, n := range askNames {
		if n == string(b) {
			*a = Ask(i)
			return nil
		}
	}
	return errors.New("a threshold asks for nothing, entry, link or declare")
}

// Thresholds is what was agreed: the mapping by level and technique. What is not named asks
// for nothing. A technique stands for its sub-techniques: T1059 for T1059.004.
type Thresholds struct {
	ByLevel     map[Level]Ask    `json:"by_level"`
	ByTechnique map[string]Ask   `json:"by_technique,omitempty"`
	Severity    map[Level]string `json:"severity,omitempty"` // of an incident that is declared
	// A rule that people judged at least MinJudged times, and found right in less than
	// MinPercent of them, opens no incident by itself. 0 switches it off.
	MinJudged  uint64 `json:"min_judged,omitempty"`
	MinPercent uint64 `json:"min_percent,omitempty"`
	// Spread declares when so many hosts are in one group, whatever the level; 0 never.
	Spread int `json:"spread,omitempty"`
}

// Open is an incident that is open.
type Open struct {
	ID       string
	Entities []string // as signals name them: "host/web-3"
	At       time.Time
	Drill    bool
}

// Asked is what Judge remembers of a group from one time to the next.
type Asked struct {
	What     Ask
	Incident string // that it was linked to, or that was declared for it
	Level    Level
	// Techniques is how many were known.
	Techniques int
}

// Crossing is a threshold that a group crossed.
type Crossing struct {
	Ask      Ask
	Incident string   // of Link; of Entry when the group has an incident already
	Also     []string // other open incidents that share something
	Severity string   // of Declare
	Why      string   // one sentence
}

// Judge says what a group asks now, given what it asked before and which incidents are
// open. False means nothing more than before. Asked is to be kept for the next time; after
// a Declare, the caller puts in the incident that came of it.
//
// A group asks once for each step up: an entry, then a link or an incident, and afterwards
// an entry in that incident whenever its level or techniques rise. Drills meet only drills.
func (t Thresholds) Judge(g Group, was Asked, open []Open, figures func(rule string) Precision) (Crossing, Asked, bool) {
	want, why := t.wants(g, figures)
	now := Asked{What: max(was.What, want), Incident: was.Incident, Level: max(was.Level, g.Level), Techniques: max(was.Techniques, len(g.Techniques))}
	rose := g.Level > was.Level || len(g.Techniques) > was.Techniques
	if want == Nothing {
		return Crossing{}, was, false
	}
	if was.Incident != "" {
		if !rose {
			return Crossing{}, now, false
		}
		return Crossing{Ask: Entry, Incident: was.Incident, Why: "it got worse: " + why}, now, true
	}
	shared := sharing(g, open)
	if want >= Link && len(shared) > 0 {
		now.What, now.Incident = Link, shared[0].incident
		c := Crossing{Ask: Link, Incident: shared[0].incident, Why: fmt.Sprintf("%s; %s is open on %s", why, shared[0].incident, shared[0].entity)}
		for _, s := range shared[1:] {
			c.Also = append(c.Also, s.incident)
		}
		return c, now, true
	}
	switch {
	case want == Declare && was.What < Declare:
		return Crossing{Ask: Declare, Severity: t.Severity[g.Level], Why: why}, now, true
	case want == Declare: // it was asked, and nobody has answered yet
		return Crossing{}, now, false
	case was.What == Nothing || rose:
		now.What = max(was.What, Entry)
		return Crossing{Ask: Entry, Why: why}, now, true
	}
	now.What = max(was.What, Entry)
	return Crossing{}, now, false
}

// wants is what level and techniques ask for, and why.
func (t Thresholds) wants(g Group, figures func(string) Precision) (Ask, string) {
	want, why := t.ByLevel[g.Level], "level "+g.Level.String()
	for _, q := range g.Techniques {
		if a := t.technique(q); a > want {
			want, why = a, "technique "+q
		}
	}
	if t.Spread > 0 && len(g.Hosts) >= t.Spread && want > Nothing && want < Declare {
		want, why = Declare, fmt.Sprintf("it is on %d hosts", len(g.Hosts))
	}
	if want < Declare || t.MinJudged == 0 || figures == nil {
		return want, why
	}
	for _, r := range g.Rules { // one rule that is believed is enough
		p := figures(r.Rule)
		if p.Judged() < t.MinJudged || p.RightMark*100 >= t.MinPercent*p.Judged() {
			return want, why
		}
	}
	if len(g.Rules) == 0 {
		return want, why
	}
	return Entry, fmt.Sprintf("%s, but %s", why, figures(g.Rules[0].Rule))
}

func (t Thresholds) technique(q string) Ask {
	q = strings.ToUpper(q)
	parent, _, _ := strings.Cut(q, ".")
	a, named := t.ByTechnique[q]
	if named {
		return a // the narrower word counts, up or down
	}
	return t.ByTechnique[parent]
}

type share struct {
	incident, entity string
	n                int
	at               time.Time
}

// sharing lists the open incidents that share an entity with the group: those that share
// most first, then the youngest.
func sharing(g Group, open []Open) []share {
	has := map[string]bool{}
	for _, e := range g.Entities {
		has[strings.TrimPrefix(e, "drill:")] = true
	}
	var found []share
	for _, o := range open {
		if o.Drill != g.Drill {
			continue
		}
		s := share{incident: o.ID, at: o.At}
		for _, e := range slices.Compact(slices.Sorted(slices.Values(o.Entities))) {
			if has[e] {
				if s.n++; s.n == 1 {
					s.entity = e
				}
			}
		}
		if s.n > 0 {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b share) int {
		if a.n != b.n {
			return b.n - a.n
		}
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return strings.Compare(a.incident, b.incident)
	})
	return found
}

// Check says what is wrong with thresholds.
func (t Thresholds) Check() error {
	for l, a := range t.ByLevel {
		if l.String() == "" || a > Declare {
			return errors.New("a threshold names a level and what it asks for")
		}
	}
	for q, a := range t.ByTechnique {
		if a > Declare || q != strings.ToUpper(q) || !strings.HasPrefix(q, "T") {
			return fmt.Errorf("%q is no technique: write T1059 or T1059.004", bounded(q))
		}
	}
	if t.MinPercent > 100 || t.Spread < 0 {
		return errors.New("a percentage is at most 100, and a number of hosts at least 0")
	}
	return nil
}
