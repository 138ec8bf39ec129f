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
	Now       func() time.Time
	Prefix    string // "/incident" when empty
	Report    string // "/postmortem" when empty
	Log       *slog.Logger
}

// Call is one line somebody said.
type Call struct {
	Line     string // after the command: "declare p1 okta session theft"
	Report   bool   // said to the second command, about the post-mortem
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
	Asked   bool // a command reached the engine
	InRoom  bool // was said in the room of the incident it is about
	Heard   bool // everybody in the room is told what came of it
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
		if explicit != "" {
			first = word{text: "status"}
		}
	}
	if a.verb, ok = a.meant(w, first); !ok {
		return Reply{}, a.unknownVerb(first.text, a.call.Report)
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
	if !a.call.Report {
		if name == "postmortem" || name == "post-mortem" || name == "pm" {
			next, ok := w.next()
			if !ok {
				next.text = "show"
			}
			return a.all.find(lower(next.text), true)
		}
		if v, ok := a.all.find(name, false); ok {
			return v, true
		}
	}
	return a.all.find(name, true)
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
		reply.Card = *d.Show
		return reply, nil
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
			At: a.now, Occurred: d.Occurred, What: c,
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
	for i := range parts {
		parts[i] = templates.Plain(parts[i])
	}
	return strings.Join(parts, "`")
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
		text += "\nFor example: " + templates.Plain(a.room.prefix(a.verb.Report)+" "+a.verb.Examples[0])
	}
	return line(text)
}

func (r *Room) prefix(report bool) string {
	switch {
	case report && r.Report != "":
		return r.Report
	case report:
		return "/postmortem"
	case r.Prefix != "":
		return "/" + strings.TrimPrefix(r.Prefix, "/")
	}
	return "/incident"
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
