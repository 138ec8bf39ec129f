package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// What comes in is read leniently, with only the fields we use: a block or field that
// Slack invents tomorrow must not lose a command.

// slashIn is a slash command. https://docs.slack.dev/interactivity/implementing-slash-commands
type slashIn struct {
	TeamID      string `json:"team_id"`
	ChannelID   string `json:"channel_id"`
	UserID      string `json:"user_id"`
	Command     string `json:"command"`
	Text        string `json:"text"`
	ResponseURL string `json:"response_url"`
	TriggerID   string `json:"trigger_id"`
}

// errForeign says that a request comes from another workspace.
var errForeign = errors.New("the request comes from another workspace")

// patience is how long an answer may take before it is sent after the acknowledgement:
// Slack wants that within 3 s.
const patience = 2200 * time.Millisecond

// atMost bounds the work behind one request.
const atMost = 30 * time.Second

// ephemeral is an answer only one person sees.
type ephemeral struct {
	ResponseType    string        `json:"response_type,omitempty"`
	ReplaceOriginal bool          `json:"replace_original"`
	Text            string        `json:"text"`
	Blocks          []slack.Block `json:"blocks,omitempty"`
}

func toOne(c templates.Card) ephemeral {
	return ephemeral{ResponseType: "ephemeral", Text: fallback(c), Blocks: draw(c, maxBlocks)}
}

// slash carries a slash command to the room. The answer goes back with the
// acknowledgement, or to the response URL when it takes too long.
func (s *Slack) slash(ctx context.Context, in slashIn, envelope string) (any, error) {
	if !s.ours(ctx, in.TeamID) {
		return nil, errForeign
	}
	done := make(chan templates.Card, 1)
	s.work(ctx, func(ctx context.Context) {
		done <- s.runSlash(ctx, in, envelope)
	})
	select {
	case c := <-done:
		if c.Lead == "" && len(c.Blocks) == 0 {
			return nil, nil
		}
		return toOne(c), nil
	case <-time.After(patience):
		id, _ := s.writeDown(ctx, lateSlash, envelope, in)
		s.work(ctx, func(ctx context.Context) {
			s.tellSlash(ctx, in, <-done)
			s.told(ctx, id)
		})
		return toOne(line(atIt)), nil
	}
}

// tellSlash tells what came of a slash command that was answered before.
func (s *Slack) tellSlash(ctx context.Context, in slashIn, c templates.Card) {
	if c.Lead != "" && s.tryRespond(ctx, in.ResponseURL, toOne(c)) != nil {
		s.whisper(ctx, in.ChannelID, "", in.UserID, c)
	}
}

// runSlash gives the card to answer with; an empty one when a form was opened.
func (s *Slack) runSlash(ctx context.Context, in slashIn, envelope string) templates.Card {
	p, err := s.person(ctx, in.UserID)
	if err != nil {
		return s.trouble(err)
	}
	call := Call{
		Line: in.Text, Marked: true, Person: p, Via: incident.ViaSlack, Channel: in.ChannelID,
		Book:      s.c.Room.BookOf(in.Command),
		CommandID: commandID("slash", in.TriggerID, envelope),
	}
	reply, err := s.do(ctx, call)
	if err != nil {
		return s.trouble(err)
	}
	if reply.redundant() {
		return templates.Card{}
	}
	if reply.Opens == "" {
		return reply.Card
	}
	err = s.openForm(ctx, in.TriggerID, p, meta{Form: reply.Opens, Stream: reply.Stream, Channel: in.ChannelID})
	if err != nil {
		s.log.WarnContext(ctx, "form not opened", "form", reply.Opens, "err", err)
		return reply.Card // the words that do the same
	}
	return templates.Card{}
}

func (s *Slack) person(ctx context.Context, user string) (incident.Person, error) {
	p, err := s.c.Room.Directory.BySlack(ctx, user)
	if err != nil {
		return p, fmt.Errorf("look up %s: %w", user, err)
	}
	return p, nil
}

// trouble is what somebody is told when nothing was done and it was not their fault.
func (s *Slack) trouble(err error) templates.Card {
	if no, ok := asRefusal(err); ok {
		return refusalCard(no)
	}
	s.log.Error("request not carried out", "err", err)
	c := line("Tocsin could not do that just now, and nothing was changed. Say it again in a moment.")
	c.Tone = templates.Warn
	return c
}

// commandID makes a command's id of Slack's own, so that a redelivery is a no-op.
func commandID(kind, id, envelope string) incident.CommandID {
	if id == "" {
		id = envelope
	}
	return incident.CommandID("slack/" + kind + "/" + id)
}

// work runs something that may outlive the request, but not the surface.
func (s *Slack) work(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), atMost)
	s.busy.run(func() {
		defer cancel()
		f(ctx)
	})
}

// within does something and waits for it as long as Slack waits for us. Slower work is
// written down and goes on after the acknowledgement; what fails then is taken up again.
// It returns errLate when it could not be written down.
func (s *Slack) within(ctx context.Context, kind, envelope string, payload any, f func(context.Context) error) error {
	done := make(chan error, 1)
	s.work(ctx, func(ctx context.Context) { done <- f(ctx) })
	patience := time.NewTimer(patience)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		id, kept := s.writeDown(ctx, kind, envelope, payload)
		s.work(ctx, func(ctx context.Context) {
			if err := <-done; err != nil {
				s.log.ErrorContext(ctx, "request not carried out", "kind", kind, "err", err)
				return
			}
			s.told(ctx, id)
		})
		if !kept && kind == lateEvent {
			return errLate
		}
		return nil
	}
}

// Busy reports whether somebody is being answered right now.
func (s *Slack) Busy() bool { return s.busy.any() }

// Drain waits for what is still being answered, until ctx ends. Some of it was
// acknowledged already and must come to an end: it does within atMost, carried out or
// said not to be.
func (s *Slack) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, atMost+callTimeout)
	defer cancel()
	s.busy.wait(ctx)
}
