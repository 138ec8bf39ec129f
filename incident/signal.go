package incident

import (
	"strings"
	"time"
)

// SignalLevel is how bad it would be if a signal were true, in Sigma's words.
type SignalLevel string

// The levels. Below high nobody is called by a signal.
const (
	LevelInformational SignalLevel = "informational"
	LevelLow           SignalLevel = "low"
	LevelMedium        SignalLevel = "medium"
	LevelHigh          SignalLevel = "high"
	LevelCritical      SignalLevel = "critical"
)

// SignalLevels lists the levels, the least first.
func SignalLevels() []SignalLevel {
	return []SignalLevel{LevelInformational, LevelLow, LevelMedium, LevelHigh, LevelCritical}
}

// rank orders levels; an unknown one is below all others.
func (l SignalLevel) rank() int {
	for i, k := range SignalLevels() {
		if k == l {
			return i + 1
		}
	}
	return 0
}

// Loud reports whether a signal of the level may call people.
func (l SignalLevel) Loud() bool { return l.rank() >= LevelHigh.rank() }

// The bounds of what an incident keeps of signals. A host that an intruder owns says
// what it likes, and as much: longer texts are cut, never refused.
const (
	MaxSignals    = 200 // groups in the State; beyond them the least is forgotten
	maxTechniques = 100 // of a group
	maxEntities   = 16  // of a group
	maxNews       = 10  // signals that made a group worse, told at once
)

// SignalGroup is signals that belong together, as whoever watches the hosts counts them.
type SignalGroup struct {
	ID         string // names the group for good
	Source     string // "sensor", or the vendor whose alert it is
	Rule       string // what found it: "sigma/…", "intel/<feed>"
	Title      string // of the rule
	Level      SignalLevel
	Techniques []string // of ATT&CK
	Host       string   // the first
	Hosts      int      // how many; 0 reads as one
	Entities   []string // what they are about, with its kind: "address/203.0.113.9"
	Count      int
	First      time.Time
	Last       time.Time
	Summary    string // one sentence
	Rises      []SignalRise
	Drill      bool
}

// SignalRise is a signal that raised the level or the techniques of its group.
type SignalRise struct {
	Title      string // of the rule
	Level      SignalLevel
	Techniques []string
	Summary    string // one sentence
}

// Commands about signals.
type (
	// SignalsSeen says that a group was seen, for the first time or again.
	SignalsSeen struct {
		Group SignalGroup
		// Moved says that an incident merged into this one holds the group's claim.
		Moved bool
	}
	// JudgeSignals is a person's word on a group: a false alarm, or real.
	JudgeSignals struct {
		Group string
		False bool
		Why   string
	}
)

// Events about signals.
type (
	// SignalSeen is a group that was not known here.
	SignalSeen struct {
		Group      string      `json:"group"`
		Source     string      `json:"source"`
		Rule       Sealed      `json:"rule"`
		Title      Sealed      `json:"title"`
		Level      SignalLevel `json:"level"`
		Techniques []string    `json:"techniques,omitempty"`
		Host       Sealed      `json:"host,omitzero"`
		Hosts      int         `json:"hosts,omitempty"`
		Entities   Sealed      `json:"entities,omitzero"` // one a line
		Count      int         `json:"count"`
		First      time.Time   `json:"first"`
		Last       time.Time   `json:"last"`
		Summary    Sealed      `json:"summary"`
		Cleared    bool        `json:"cleared,omitempty"` // somebody had cleared the host
	}
	// SignalGrew says that a group has twice as many signals as when it was last told
	// of, or got worse: a higher level, more techniques.
	SignalGrew struct {
		Group      string       `json:"group"`
		Level      SignalLevel  `json:"level"`
		Techniques []string     `json:"techniques,omitempty"`
		Hosts      int          `json:"hosts,omitempty"`
		Count      int          `json:"count"`
		Last       time.Time    `json:"last"`
		Worse      bool         `json:"worse,omitempty"`
		News       []SignalNews `json:"news,omitempty"` // what made it worse, in the order it came
		More       int          `json:"more,omitempty"` // of News, not listed
	}
	// SignalNews is a signal that brought a level or a technique that its group had not.
	SignalNews struct {
		Title      Sealed      `json:"title"`
		Level      SignalLevel `json:"level"`
		Techniques []string    `json:"techniques,omitempty"` // all of its rule's
		Summary    Sealed      `json:"summary,omitzero"`
	}
	// SignalsJudged is what somebody says a group was.
	SignalsJudged struct {
		Group string `json:"group"`
		False bool   `json:"false,omitempty"`
		Why   Sealed `json:"why,omitzero"`
	}
)

func (SignalsSeen) command()  {}
func (JudgeSignals) command() {}
func (SignalSeen) event()     {}
func (SignalGrew) event()     {}
func (SignalsJudged) event()  {}

// SignalAt is where a group stands in an incident.
type SignalAt struct {
	Group      string      `json:"group"`
	Seq        int64       `json:"seq"` // of the event that told of it first
	Rule       Sealed      `json:"rule"`
	Title      Sealed      `json:"title"`
	Level      SignalLevel `json:"level"`
	Techniques []string    `json:"techniques,omitempty"`
	Host       Sealed      `json:"host,omitzero"`
	Hosts      int         `json:"hosts,omitempty"`
	Entities   Sealed      `json:"entities,omitzero"`
	Count      int         `json:"count"` // when it was last told of
	First      time.Time   `json:"first"`
	Last       time.Time   `json:"last"`
	Judged     PersonID    `json:"judged,omitempty"` // who said what it was
	False      bool        `json:"false,omitempty"`
}

// Signal is a group that is known here.
func (s State) Signal(group string) (SignalAt, bool) {
	for _, g := range s.Signals {
		if g.Group == group {
			return g, true
		}
	}
	return SignalAt{}, false
}

// Touches lists what the incident is about, as signals name it: "host/web-3",
// "address/203.0.113.9". What was cleared is not in it.
func (s State) Touches() []string {
	var out []string
	for _, it := range s.Scope {
		if it.State != Cleared && it.Name.Text != "" {
			out = append(out, entityNames(it.Kind, it.Name.Text)...)
		}
	}
	for _, g := range s.Signals {
		if g.False {
			continue
		}
		if g.Host.Text != "" {
			out = append(out, "host/"+strings.ToLower(g.Host.Text))
		}
		out = append(out, eachLine(g.Entities.Text)...)
	}
	return out
}

// entityNames are how signals may name a thing of the scope. People write an indicator
// without its kind.
func entityNames(kind ScopeKind, name string) []string {
	name = strings.ToLower(name)
	if kind == ScopeIndicator {
		return []string{"address/" + name, "domain/" + name, "hash/" + name}
	}
	return []string{string(kind) + "/" + name}
}

func eachLine(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func applySignal(s State, r Recorded) State {
	switch e := r.Event.(type) {
	case SignalSeen:
		s.Signals = append(makeRoom(s.Signals), SignalAt{Group: e.Group, Seq: r.Seq, Rule: e.Rule, Title: e.Title, Level: e.Level, Techniques: e.Techniques,
			Host: e.Host, Hosts: e.Hosts, Entities: e.Entities, Count: e.Count, First: e.First, Last: e.Last})
	case SignalGrew:
		s.Signals = changeSignal(s.Signals, e.Group, func(g *SignalAt) {
			g.Level, g.Techniques, g.Hosts, g.Count, g.Last = e.Level, e.Techniques, e.Hosts, e.Count, e.Last
		})
	case SignalsJudged:
		s.Signals = changeSignal(s.Signals, e.Group, func(g *SignalAt) { g.Judged, g.False = r.By, e.False })
	}
	return s
}

// makeRoom makes room for one more: the least group goes, of several the one that was quiet
// for longest.
func makeRoom(all []SignalAt) []SignalAt {
	if len(all) < MaxSignals {
		return all[:len(all):len(all)]
	}
	least := 0
	for i, g := range all {
		l := all[least]
		if g.False != l.False && g.False || g.False == l.False && (g.Level.rank() < l.Level.rank() || g.Level == l.Level && g.Last.Before(l.Last)) {
			least = i
		}
	}
	return append(append(make([]SignalAt, 0, len(all)), all[:least]...), all[least+1:]...)
}

func changeSignal(all []SignalAt, group string, f func(*SignalAt)) []SignalAt {
	out := append([]SignalAt(nil), all...)
	for i := range out {
		if out[i].Group == group {
			f(&out[i])
		}
	}
	return out
}
