package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// Room carries out words, whatever surface they came from. It is safe for concurrent
// use.
type Room struct {
	Asker     Asker
	Reader    Reader
	Directory Directory
	Contacts  Contacts // nil: nobody's are known
	Plan      Plan
	Secrets   Secrets // nil: nothing is searched
	Drills    Drills  // nil: no scenario is known
	Now       func() time.Time
	Prefix    string  // "/incident" when empty
	Report    string  // "/postmortem" when empty
	Contain   string  // "/contain" when empty
	Signals   string  // "/signals" when empty
	Actions   Actions // nil: nothing can be contained
	Sensors   Sensors // nil: no host is watched
	Log       *slog.Logger
	// Compare compares a room with Slack's history and writes down what is missing;
	// nil: rooms are not captured.
	Compare func(ctx context.Context, s incident.State) (Compared, error)
	// Message finds what was captured of a message in the room; nil as Compare.
	Message func(ctx context.Context, s incident.State, ts string) (incident.Captured, bool, error)
	// Files are what was captured of files shared in the room; nil as Compare.
	Files func(ctx context.Context, id incident.ID) ([]incident.Captured, error)
}

// Call is one line somebody said.
type Call struct {
	Line     string // after the command: "declare p1 okta session theft"
	Book     Book   // which command it was said to
	Marked   bool   // carries Slack's mark-up
	Person   incident.Person
	Via      incident.Door
	Channel  string      // Slack channel it was said in, if any
	Stream   incident.ID // the incident it is about, where the surface knows (a button)
	ThreadTS string
	// CommandID makes a redelivery harmless: Slack's envelope, trigger or event id.
	CommandID incident.CommandID
	Root      incident.CommandID // "" for CommandID
}

// Reply is the answer to whoever asked, and to nobody else.
type Reply struct {
	Card    templates.Card
	Opens   string // a form to open instead of an answer
	Stream  incident.ID
	Refused *incident.Refusal
	Answer  incident.Answer
	Asked   bool    // a command reached the engine
	InRoom  bool    // was said in the room of the incident it is about
	File    *upload // what the card leaves out, for surfaces that can attach it
	Heard   bool    // everybody in the room is told what came of it
}

// asking is one Call under way.
type asking struct {
	room   *Room
	all    grammar
	call   Call
	verb   verb
	now    time.Time
	zone   *time.Location
	state  incident.State // Exists is false for verbs that need none
	inRoom bool
}

// Do carries out a line. Whatever goes wrong is in the Reply as a sentence; error is
// for what nobody can be told (a database that is away), and then nothing was done.
func (r *Room) Do(ctx context.Context, c Call) (Reply, error) {
	a := r.begin(c)
	reply, err := r.run(ctx, a)
	return r.settle(reply, err)
}

func (r *Room) begin(c Call) *asking {
	if c.Root == "" {
		c.Root = c.CommandID
	}
	return &asking{room: r, all: verbs(), call: c, now: r.Now().UTC(), zone: zoneOf(c.Person)}
}

// settle turns a refusal into a card.
func (r *Room) settle(reply Reply, err error) (Reply, error) {
	if err == nil {
		return reply, nil
	}
	var no *incident.Refusal
	if !errors.As(err, &no) {
		return reply, err
	}
	var which *whichOne
	if errors.As(err, &which) {
		reply.Card = which.card
	} else {
		reply.Card = refusalCard(no)
	}
	reply.Refused = no
	return reply, nil
}

func (r *Room) run(ctx context.Context, a *asking) (Reply, error) {
	if err := welcome(a.call.Person); err != nil {
		return Reply{}, err
	}
	w, err := read(a.call.Line, a.call.Marked, a.now, a.zone)
	if err != nil {
		return Reply{}, err
	}
	explicit, err := a.about(w)
	if err != nil {
		return Reply{}, err
	}
	first, ok := w.next()
	if !ok {
		first = word{text: "help"}
		if explicit != "" || a.call.Book == bookContain {
			first = word{text: "status"}
		}
		if a.call.Book == bookSignals {
			first = word{text: a.call.Book.first()}
		}
	}
	if a.verb, ok = a.meant(w, first); !ok {
		return Reply{}, a.unknownVerb(first.text, a.call.Book)
	}
	if err := a.settleOn(ctx, w, explicit); err != nil {
		return Reply{}, err
	}
	d, err := a.verb.Run(ctx, a, w)
	if err != nil {
		return Reply{}, err
	}
	if w.left() > 0 && d.Show == nil {
		return Reply{}, a.usage("I do not know what to make of \"" + templates.Label(w.rest(), 60) + "\".")
	}
	return a.perform(ctx, d)
}

// meant finds the verb. The second command's verbs can be said to the first one too,
// after "postmortem" or, where no other verb is called that, without.
func (a *asking) meant(w *words, first word) (verb, bool) {
	name := strings.TrimRight(lower(first.text), ":,")
	in := a.call.Book
	if in == bookIncident {
		if v, ok := a.all.find(name, bookIncident); ok {
			return v, true
		}
		led, ok := books[name]
		if !ok {
			return a.all.find(name, bookReport)
		}
		in = led
		next, ok := w.next()
		if !ok {
			next.text = in.first()
		}
		first, name = next, strings.TrimRight(lower(next.text), ":,")
	}
	if v, ok := a.all.find(name, in); ok {
		return v, true
	}
	if in == bookContain && strings.Contains(name, ".") {
		w.untake(lower(first.text)) // the name of an action is a verb of its own
		return containRunVerb, true
	}
	return verb{}, false
}

// welcome refuses those who may look at nothing and change nothing.
func welcome(p incident.Person) error {
	switch {
	case !p.Known():
		return incident.Refuse("unknown-person", "I do not know who you are.", "Ask an administrator of this workspace to look at your account.")
	case p.Standing == incident.Guest:
		return incident.Refuse("guest", "Guests of this workspace cannot work on incidents.", "Ask a member to say it for you.")
	case p.Standing == incident.Deactivated:
		return incident.Refuse("deactivated", "This account is deactivated.", "")
	case p.Standing == incident.Foreign:
		return incident.Refuse("foreign", "People of another workspace cannot work on incidents here.", "Ask a member to say it for you.")
	}
	return nil
}

// perform hands the deed's commands to the engine and says what became true.
func (a *asking) perform(ctx context.Context, d deed) (Reply, error) {
	reply := Reply{Stream: a.state.Stream, InRoom: a.inRoom}
	if d.Show != nil {
		reply.Card, reply.File = *d.Show, d.File
		return reply, a.keep(ctx, d.Keep)
	}
	if d.Open != "" {
		reply.Opens = d.Open
		reply.Card = a.formByWords()
		return reply, nil
	}
	for i, c := range d.Ask {
		id := a.call.CommandID
		if i > 0 {
			id = incident.CommandID(fmt.Sprintf("%s#%d", id, i+1))
		}
		ans, err := a.room.Asker.Handle(ctx, reply.Stream, incident.Asked{
			ID: id, Root: a.call.Root, By: a.call.Person, Via: a.call.Via,
			At: a.now, Occurred: d.Occurred, What: c, Secrets: a.room.secretsIn(c),
		})
		if err == nil && ans.Refused != nil {
			err = ans.Refused
		}
		if err != nil {
			return reply, err
		}
		reply.Asked, reply.Stream = true, ans.Stream
		if reply.Answer.First == 0 {
			reply.Answer = ans
		}
		reply.Answer.Last = max(reply.Answer.Last, ans.Last)
	}
	return a.confirm(ctx, reply, d)
}

// keep writes down what somebody was answered. They were, whether the rules let it be
// written down or not.
func (a *asking) keep(ctx context.Context, c incident.Command) error {
	if c == nil || !a.state.Exists {
		return nil
	}
	_, err := a.room.Asker.Handle(ctx, a.state.Stream, incident.Asked{
		ID: a.call.CommandID, Root: a.call.Root, By: a.call.Person, Via: a.call.Via, At: a.now, What: c,
	})
	if _, refused := asRefusal(err); refused {
		return nil
	}
	return err
}

// confirm says what became true, from the record and not from the wish.
func (a *asking) confirm(ctx context.Context, reply Reply, d deed) (Reply, error) {
	if reply.Answer.First == 0 {
		reply.Card = line("Nothing changed: it was so already.")
		return reply, nil
	}
	s, err := a.room.Reader.Load(ctx, reply.Stream)
	if err != nil {
		return reply, fmt.Errorf("read %s: %w", reply.Stream, err)
	}
	events, err := a.room.Reader.ByRoot(ctx, a.call.Root)
	if err != nil {
		return reply, fmt.Errorf("read what came of %s: %w", a.call.Root, err)
	}
	for _, e := range events {
		if ignored, ok := e.Event.(incident.AckIgnored); ok && e.Stream == reply.Stream {
			reply.Card = line("Noted, but paging goes on: " + templates.Plain(ignored.Why))
			return reply, nil
		}
	}
	text := "Done."
	if d.Said != nil {
		text = d.Said(s)
	}
	reply.Card = line(text)
	reply.Heard = heard(d.Ask[0])
	return reply, nil
}

// heard reports that the room gets a message which says all that a confirmation would.
func heard(c incident.Command) bool {
	switch c.(type) {
	case incident.Acknowledge, incident.Unacknowledge, incident.AssignRole, incident.AcceptRole,
		incident.AddTask, incident.ChangeTask, incident.AddItem, incident.PostUpdate, incident.AddNote,
		incident.SetSeverity, incident.SetPhase, incident.Resolve, incident.Reopen:
		return true
	}
	return false
}

// redundant reports that whoever asked reads the answer in front of them anyway.
func (r Reply) redundant() bool { return r.Heard && r.InRoom && r.Refused == nil }

// line is a card of one sentence.
func line(mrkdwn string) templates.Card {
	return templates.Card{Lead: mrkdwn, Blocks: []templates.Block{{Text: mrkdwn}}}
}

// coded escapes a refusal's words but leaves what is between backticks as code: that
// is what can be said instead.
func coded(text string) string {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 {
		return templates.Plain(text)
	}
	for i, part := range parts {
		parts[i] = seam(part, strings.TrimLeft) + templates.Plain(part) + seam(part, strings.TrimRight)
	}
	return strings.Join(parts, "`")
}

// seam is the blank that a part begins or ends with, which Plain takes away: without it Slack draws
// no code, and "say" runs into the word to say.
func seam(part string, trimmed func(string, string) string) string {
	if strings.TrimSpace(part) == "" || len(trimmed(part, " ")) == len(part) {
		return ""
	}
	return " "
}

func refusalCard(no *incident.Refusal) templates.Card {
	why := coded(no.Why)
	c := templates.Card{Lead: why, Tone: templates.Warn, Blocks: []templates.Block{{Text: why}}}
	if no.Hint != "" {
		c.Blocks = append(c.Blocks, templates.Block{Context: []string{coded(no.Hint)}})
	}
	return c
}

// formByWords is what a surface without forms says instead of opening one.
func (a *asking) formByWords() templates.Card {
	text := "Say it as: " + templates.Plain(a.line(a.verb))
	if len(a.verb.Examples) > 0 {
		text += "\nFor example: " + templates.Plain(a.room.prefix(a.verb.Book)+" "+a.verb.Examples[0])
	}
	return line(text)
}

func (r *Room) prefix(b Book) string {
	switch {
	case b == bookReport && r.Report != "":
		return r.Report
	case b == bookReport:
		return "/postmortem"
	case b == bookContain && r.Contain != "":
		return r.Contain
	case b == bookContain:
		return "/contain"
	case b == bookSignals && r.Signals != "":
		return r.Signals
	case b == bookSignals:
		return "/signals"
	case r.Prefix != "":
		return "/" + strings.TrimPrefix(r.Prefix, "/")
	}
	return "/incident"
}

// BookOf is the book of a slash command as Slack sends it.
func (r *Room) BookOf(command string) Book {
	for _, b := range []Book{bookReport, bookContain, bookSignals} {
		if strings.EqualFold(command, r.prefix(b)) {
			return b
		}
	}
	return bookIncident
}

func zoneOf(p incident.Person) *time.Location {
	if p.Zone != "" {
		if l, err := time.LoadLocation(p.Zone); err == nil {
			return l
		}
	}
	return time.UTC
}

func asRefusal(err error) (*incident.Refusal, bool) {
	var no *incident.Refusal
	ok := errors.As(err, &no)
	return no, ok
}
