// Package screen is one incident on one screen of a terminal: Of says what there is to
// see, Draw draws it for a screen of any size, and a Tail appends what is new where
// nothing can be drawn again.
//
// Nothing here judges who may see it: whoever asks for a View does (State.MaySee),
// for every single one. What Draw writes cannot steer a terminal, wherever the View
// came from.
package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Bounds of a View: it is sent again whenever anything changes.
const (
	maxLines  = 60
	maxDuties = 20
	maxText   = 300 // runes of one line
)

// View is what one person sees of an incident at one moment.
type View struct {
	Incident     string
	Title        string
	Severity     string
	Status       string
	Phase        string
	Commander    string // "" when there is none
	Paging       string // a sentence, "" when there is nothing to say
	Update       string // the latest
	Updated      time.Time
	Declared     time.Time
	Drill        bool
	Confidential bool
	Clocks       []Clock
	Duties       []Duty
	Lines        []Line
	Earlier      int // lines of the timeline before these
}

// Clock is a target and where it stands.
type Clock struct {
	Name string
	Due  time.Time
	End  string // "" while it runs; "met", "missed" or "stopped" after
}

// Duty is one thing somebody has to do.
type Duty struct {
	What string
	Who  string // "you", a name, "" for nobody
	Due  time.Time
}

// Line is one line of the timeline.
type Line struct {
	Seq      int64
	Occurred time.Time
	Text     string
	Key      bool // belongs in the short story
}

// Of is what a person sees of an incident with this record. They must be allowed to.
func Of(s incident.State, events []incident.Recorded, me incident.PersonID, now time.Time) View {
	v := View{
		Incident: string(s.Stream), Title: s.Title.String(), Severity: s.Severity.String(), Status: string(s.Status),
		Commander: commander(s), Paging: paging(s), Update: templates.Label(s.Update.String(), 2*maxText),
		Updated: s.Times.Updated, Declared: s.Declared, Drill: s.Drill, Confidential: s.Private,
		Clocks: clocks(s), Duties: duties(s, me, now),
	}
	if s.Status == incident.Open {
		v.Phase = string(s.Phase)
	}
	if s.Status == incident.Merged {
		v.Status += " into " + string(s.Into)
	}
	entries := slices.DeleteFunc(templates.Timeline(events), func(e templates.Entry) bool { return e.Hidden })
	if n := len(entries) - maxLines; n > 0 {
		v.Earlier, entries = n, entries[n:]
	}
	for _, e := range entries {
		v.Lines = append(v.Lines, LineOf(e))
	}
	return v
}

// LineOf is an entry of the timeline as a terminal shows it.
func LineOf(e templates.Entry) Line {
	text := templates.Label(e.Text, maxText)
	if e.Edited && !e.Erased {
		text += " (corrected)"
	}
	return Line{Seq: e.Seq, Occurred: e.Occurred, Text: text, Key: e.Key}
}

func commander(s incident.State) string {
	post := s.Posts[incident.Commander]
	who := ""
	if post.Holder != "" {
		who = templates.NameOf(s, post.Holder)
	}
	if post.Offered == "" {
		return who
	}
	if who == "" {
		who = "nobody"
	}
	return who + ", offered to " + templates.NameOf(s, post.Offered)
}

func paging(s incident.State) string {
	p := s.Paging
	switch {
	case s.Status != incident.Open:
		return ""
	case p.AckedBy != "":
		return "acknowledged by " + templates.NameOf(s, p.AckedBy)
	case p.Ended:
		return "NOBODY ANSWERED, nobody is left to page"
	case p.Running:
		return "nobody has acknowledged; paging" + rung(s)
	}
	return "nobody has acknowledged"
}

// rung names who is being paged, as far as it is known who they are.
func rung(s incident.State) string {
	var who []string
	for _, p := range s.Paging.Pages {
		if p.Rung != s.Paging.Rung || p.Skipped {
			continue
		}
		for _, id := range p.People {
			if n := templates.NameOf(s, id); !slices.Contains(who, n) && !s.IsExcluded(id) {
				who = append(who, n)
			}
		}
	}
	slices.Sort(who)
	if len(who) == 0 {
		return fmt.Sprintf(" step %d", s.Paging.Rung+1)
	}
	return " " + strings.Join(who, ", ")
}

var clockNames = []struct {
	clock incident.ClockName
	name  string
}{
	{incident.ClockAck, "Acknowledge"}, {incident.ClockRung, "Next page"}, {incident.ClockUpdate, "Update"},
	{incident.ClockContain, "Contain"}, {incident.ClockResolve, "Resolve"}, {incident.ClockPostMortem, "Post-mortem"},
}

func clocks(s incident.State) []Clock {
	var out []Clock
	for _, n := range clockNames {
		c, ok := s.Clocks[n.clock]
		if !ok || c.Due.IsZero() || n.clock == incident.ClockRung && !c.Running() {
			continue
		}
		out = append(out, Clock{Name: n.name, Due: c.Due, End: end(c)})
	}
	return out
}

func end(c incident.Clock) string {
	switch {
	case c.Running():
		return ""
	case c.Breached:
		return "missed"
	case c.Met:
		return "met"
	}
	return "stopped"
}

// duties are what waits for me, then every open task of others.
func duties(s incident.State, me incident.PersonID, now time.Time) []Duty {
	var out []Duty
	for _, d := range templates.Duties(s, me, now) {
		out = append(out, Duty{What: plain(d.What), Who: "you", Due: d.Due})
	}
	for _, t := range s.Tasks {
		if t.Done || t.Owner == me && me != "" {
			continue
		}
		d := Duty{What: fmt.Sprintf("Task %d: %s", t.N, templates.Label(t.Text.String(), 160)), Due: t.Due}
		if t.Owner != "" {
			d.Who = templates.NameOf(s, t.Owner)
		}
		out = append(out, d)
	}
	if len(out) > maxDuties {
		more := len(out) - maxDuties + 1
		out = append(out[:maxDuties-1], Duty{What: fmt.Sprintf("%d more: say /incident task", more)})
	}
	return out
}

// plain is a duty's escaped words as a terminal shows them.
func plain(escaped string) string {
	return strings.TrimSpace(templates.Terminal(templates.Card{Lead: escaped}))
}
