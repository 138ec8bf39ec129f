package incident

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A look is a question to the hosts. What the hosts answer passes by in a message that is
// kept up to date; only that somebody looked, and what came of it, becomes true.

// LookKind is what is looked at.
type LookKind string

// The kinds. Live and Hunt go on for a while; the others are answered at once.
const (
	LookLive      LookKind = "live"      // what happens, as it happens
	LookHunt      LookKind = "hunt"      // a sign of something, on every host
	LookTree      LookKind = "tree"      // a process with what it started
	LookConns     LookKind = "conns"     // connections
	LookListeners LookKind = "listeners" // what waits for connections
	LookTimeline  LookKind = "timeline"  // what a host remembers of a while
)

// Looking is the question of a look.
type Looking struct {
	What    LookKind  `json:"what"`
	Kind    string    `json:"kind,omitempty"` // of a hunt: ip, domain, …; of a live look: host, container, pod, group
	Subject Sealed    `json:"subject"`        // what is hunted, or whom it is looked at
	Process Sealed    `json:"process,omitzero"`
	Kinds   []string  `json:"kinds,omitempty"` // of events; none is all
	With    Sealed    `json:"with,omitzero"`   // only events in which this stands; none is all (since version 2)
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
}

// LookCount is what came of a look in numbers.
type LookCount struct {
	Rows   int `json:"rows"`
	Hosts  int `json:"hosts"`            // asked
	Silent int `json:"silent,omitempty"` // of them, those that did not answer
	Hit    int `json:"hit,omitempty"`    // of them, those with a row
}

// Commands about looks.
type (
	// BeginLook begins a look that goes on for a while. Looking.To is its end.
	BeginLook struct{ Looking Looking }
	// StopLook ends look N before its time.
	StopLook struct{ N int }
	// NoteLook keeps what somebody was answered at once.
	NoteLook struct {
		Looking Looking
		Count   LookCount
		Text    string // the result in a sentence
	}
	// LookIsOver answers the Refresh of a look whose time is over.
	LookIsOver struct {
		N     int
		Count LookCount
		Text  string
	}
)

// Events about looks.
type (
	// LookBegun says who looks at what, look N from 1.
	LookBegun struct {
		N       int     `json:"n"`
		Looking Looking `json:"looking"`
	}
	// LookStopped says a look is to end.
	LookStopped struct {
		N int `json:"n"`
	}
	// LookEnded is what came of a look.
	LookEnded struct {
		N       int       `json:"n"`
		Looking Looking   `json:"looking"`
		Count   LookCount `json:"count"`
		Text    Sealed    `json:"text"`
	}
	// Looked is a look that was answered at once.
	Looked struct {
		Looking Looking   `json:"looking"`
		Count   LookCount `json:"count"`
		Text    Sealed    `json:"text"`
	}
)

func (BeginLook) command()  {}
func (StopLook) command()   {}
func (NoteLook) command()   {}
func (LookIsOver) command() {}
func (LookBegun) event()    {}
func (LookStopped) event()  {}
func (LookEnded) event()    {}
func (Looked) event()       {}

// The bounds of looks: each costs hosts work, and Slack an edit every few seconds.
const (
	MaxLooks    = 5 // at once in one incident
	LongestLook = time.Hour
)

// Look is one that goes on.
type Look struct {
	N       int       `json:"n"`
	By      PersonID  `json:"by"`
	At      time.Time `json:"at"`
	Looking Looking   `json:"looking"`
	Stopped bool      `json:"stopped,omitempty"`
}

// Look is look N while it goes on.
func (s State) Look(n int) (Look, bool) {
	for _, l := range s.Looks {
		if l.N == n {
			return l, true
		}
	}
	return Look{}, false
}

// ViewLook is the message that shows look n.
func ViewLook(n int) View { return View(fmt.Sprintf("look/%d", n)) }

// LookOf is the look that a view shows.
func (v View) LookOf() (n int, ok bool) {
	text, ok := strings.CutPrefix(string(v), "look/")
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

func (d *deciding) beginLook(c BeginLook) error {
	l := c.Looking
	if l.What != LookLive && l.What != LookHunt {
		return fmt.Errorf("look: %q is answered at once", l.What)
	}
	subject, err := line("name", l.Subject.Text, MaxName)
	if err != nil {
		return err
	}
	if len(d.s.Looks) >= MaxLooks {
		return Refuse("too-many", fmt.Sprintf("%d looks go on here already.", MaxLooks), "Stop one: `signals stop <number>`.")
	}
	if !l.To.After(d.a.At) || l.To.After(d.a.At.Add(LongestLook)) {
		return Refuse("too-long", "A look lasts an hour at most.", "Say e.g. `for 10m`.")
	}
	l.Subject, l.Process, l.With, l.To = Seal(subject), Sealed{}, Seal(clip(l.With.Text, MaxName)), l.To.UTC()
	n := d.s.LookCount + 1
	d.emit(LookBegun{n, l})
	d.owe(Refresh{View: ViewLook(n)}, fmt.Sprintf("look/%d", n), RankSay, d.a.At, time.Time{})
	return nil
}

func (d *deciding) stopLook(c StopLook) error {
	l, ok := d.s.Look(c.N)
	if !ok || l.Stopped {
		return Refuse("no-such-look", "No such look goes on here.", "")
	}
	d.emit(LookStopped(c))
	return nil
}

func (d *deciding) noteLook(c NoteLook) error {
	l := c.Looking
	l.Subject, l.Process, l.With = Seal(clip(l.Subject.Text, MaxName)), Seal(clip(l.Process.Text, MaxName)), Seal(clip(l.With.Text, MaxName))
	d.emit(Looked{l, c.Count, Seal(clip(c.Text, MaxName))})
	return nil
}

// lookIsOver keeps the result. A hunt's is said: an edit of its message notifies nobody.
func (d *deciding) lookIsOver(c LookIsOver) error {
	l, ok := d.s.Look(c.N)
	if !ok {
		return nil
	}
	d.emit(LookEnded{c.N, l.Looking, c.Count, Seal(clip(c.Text, MaxName))})
	if l.Looking.What == LookHunt && d.s.Room.Channel != "" {
		d.say(PlaceRoom, "", false)
	}
	return nil
}

func applyLook(s State, r Recorded) State {
	switch e := r.Event.(type) {
	case LookBegun:
		s.LookCount = e.N
		s.Looks = append(s.Looks[:len(s.Looks):len(s.Looks)], Look{N: e.N, By: r.By, At: r.At, Looking: e.Looking})
	case LookStopped:
		looks := append([]Look(nil), s.Looks...)
		for i := range looks {
			if looks[i].N == e.N {
				looks[i].Stopped = true
			}
		}
		s.Looks = looks
	case LookEnded:
		var left []Look
		for _, l := range s.Looks {
			if l.N != e.N {
				left = append(left, l)
			}
		}
		s.Looks = left
		s.Messages = forget(s.Messages, ViewLook(e.N)) // it is not kept up to date any more
	}
	return s
}

func forget[K comparable, V any](m map[K]V, k K) map[K]V {
	if _, there := m[k]; !there {
		return m
	}
	c := make(map[K]V, len(m))
	for x, v := range m {
		if x != k {
			c[x] = v
		}
	}
	return c
}
