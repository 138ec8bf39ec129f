package templates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const maxHome = 15 // incidents on the home tab; Slack allows 100 blocks there

// Me is what a person's home tab shows. Incidents they may not see are left out
// even when they are handed in.
type Me struct {
	Person    incident.Person
	Incidents []incident.State
	Duties    []Duty
}

// Duty is one thing that waits for one person.
type Duty struct {
	Incident incident.ID
	Name     string // of the incident, as it may be called outside its room
	What     string // one line, escaped; no text of a confidential incident
	Due      time.Time
	Overdue  bool
	Button   *Button // what settles it, when one press does
}

// Duties are what waits for a person in one incident, most urgent first: overdue
// updates, an unanswered page, offered roles, tasks, action items, the post-mortem.
func Duties(s incident.State, person incident.PersonID, now time.Time) []Duty {
	if !s.Live() || person == "" || !s.MaySee(person) {
		return nil
	}
	w := duties{s: s, me: person, now: now}
	if s.Status == incident.Open {
		w.ofCommand()
	}
	for role, post := range s.Posts {
		if post.Offered == person {
			w.add("You are offered "+roleName(role), time.Time{}, &Button{Label: "Accept", Words: "role accept " + string(role), Stream: s.Stream})
		}
	}
	for _, t := range s.Tasks {
		if t.Owner == person && !t.Done {
			w.add(fmt.Sprintf("Task %d%s", t.N, w.words(t.Text)), t.Due, &Button{Label: "Done", Words: fmt.Sprintf("task done %d", t.N), Stream: s.Stream})
		}
	}
	for _, it := range s.Items {
		if it.Owner == person && !it.Done {
			w.add(fmt.Sprintf("Action item %d%s", it.N, w.words(it.Text)), it.Due, nil)
		}
	}
	if r := s.Report; r.Owner == person && !r.Drafted.IsZero() && r.At.IsZero() {
		w.add("Post-mortem to publish", r.Due, &Button{Label: "Show the draft", Words: "postmortem show", Stream: s.Stream})
	}
	slices.SortFunc(w.out, byUrgency)
	return w.out
}

type duties struct {
	s   incident.State
	me  incident.PersonID
	now time.Time
	out []Duty
}

// ofCommand are the duties of whoever leads or was paged.
func (w *duties) ofCommand() {
	if w.s.Holder(incident.Commander) == w.me {
		if c := w.s.Clocks[incident.ClockUpdate]; c.Running() && (c.Warned || w.now.After(c.Due)) {
			w.add("Status update", c.Due, &Button{Label: "Post update", Words: "update", Opens: "update", Stream: w.s.Stream})
		}
	}
	if w.s.Paging.AckedBy != "" {
		if w.s.Paging.AckedBy == w.me && !w.s.Paging.AskedAt.IsZero() {
			w.add("Say whether you are still on it", w.s.Paging.AskedAt, &Button{Label: "Still on it", Words: "ack i-have-it", Stream: w.s.Stream})
		}
		return
	}
	for _, p := range w.s.Paging.Pages {
		if p.To == w.me || slices.Contains(p.People, w.me) {
			w.add("You are paged", w.s.Clocks[incident.ClockAck].Due, &Button{Label: "Acknowledge", Words: "ack", Style: "primary", Stream: w.s.Stream})
			return
		}
	}
}

func (w *duties) add(what string, due time.Time, b *Button) {
	w.out = append(w.out, Duty{
		Incident: w.s.Stream, Name: w.s.Name(), What: what, Due: due,
		Overdue: !due.IsZero() && w.now.After(due), Button: b,
	})
}

func (w *duties) words(t incident.Sealed) string {
	if w.s.Private {
		return ""
	}
	return prefixed(": ", Line(t.String(), 120))
}

// byUrgency puts what is due first before what is due later and what never is.
func byUrgency(a, b Duty) int {
	if a.Due.IsZero() != b.Due.IsZero() {
		if a.Due.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.What, b.What))
}

// Home is a person's home tab: duties first, then the incidents, then declaring.
func Home(me Me, now time.Time) Card {
	c := Card{Lead: "Your incidents and duties", Blocks: []Block{
		{Header: "Your duties"},
	}}
	duties := slices.Clone(me.Duties)
	slices.SortStableFunc(duties, byUrgency)
	if len(duties) == 0 {
		c.Blocks = append(c.Blocks, text("Nothing waits for you."))
	}
	for i, d := range duties {
		if i == maxHome {
			c.Blocks = append(c.Blocks, small(count(len(duties)-maxHome, "more duty", "more duties")))
			break
		}
		c.Blocks = append(c.Blocks, text(dutyLine(d)))
		if d.Button != nil {
			c.Blocks = append(c.Blocks, buttons(*d.Button))
		}
		c.Tone = worse(c.Tone, map[bool]Tone{true: Warn}[d.Overdue])
	}
	c.Blocks = append(c.Blocks, Block{Divider: true}, Block{Header: "Your incidents"})
	mine := slices.DeleteFunc(slices.Clone(me.Incidents), func(s incident.State) bool { return !s.Live() || !s.MaySee(me.Person.ID) })
	if len(mine) == 0 {
		c.Blocks = append(c.Blocks, text("None that you are part of."))
	}
	for i, s := range mine {
		if i == maxHome {
			c.Blocks = append(c.Blocks, small(fmt.Sprintf("%d more: say “list”", len(mine)-maxHome)))
			break
		}
		c.Blocks = append(c.Blocks, text(listLine(s, now, "")))
		if s.Room.URL != "" && s.Room.Lost == "" {
			c.Blocks = append(c.Blocks, buttons(Button{Label: "Open the room", URL: s.Room.URL, Stream: s.Stream}))
		}
	}
	c.Blocks = append(c.Blocks, Block{Divider: true},
		buttons(Button{Label: "Declare an incident", Words: "declare", Opens: "declare", Style: "danger"}, Button{Label: "Declare a drill", Words: "declare drill", Opens: "declare"}))
	return c
}

func dutyLine(d Duty) string {
	line := fmt.Sprintf("*%s* · %s", d.What, strings.Join(keep([]string{string(d.Incident), Line(d.Name, 100)}), " "))
	switch {
	case d.Overdue:
		line += "\n*Overdue*, was due " + When(d.Due, "")
	case !d.Due.IsZero():
		line += "\nDue " + When(d.Due, "")
	}
	return line
}

func worse(a, b Tone) Tone {
	if b == Calm {
		return a
	}
	return b
}
