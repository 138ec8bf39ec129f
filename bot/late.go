package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/templates"
)

// Slack waits 3 s for an answer and forgets the request. What takes longer is written
// down before it is answered, and carried out by somebody else when the process dies
// that was at it. What was asked before gives the answer it had then, so carrying it out
// twice changes nothing.

// Request is what somebody asked for and was told is under way.
type Request struct {
	ID      string
	Kind    string
	Payload []byte
	At      time.Time // it came in
	Tries   int       // times it was taken up
}

// Requests keeps them until their outcome was told.
type Requests interface {
	// Keep has written it down when it returns. Until then its holder is at it.
	Keep(ctx context.Context, r Request, until time.Time) error
	Drop(ctx context.Context, id string) error
	// Take takes up, until then, those whose holder let them lie past now.
	Take(ctx context.Context, now, until time.Time) ([]Request, error)
}

// The kinds of requests.
const (
	lateSlash       = "slash"
	lateInteraction = "interaction"
	lateEvent       = "event"
)

const (
	// keepWithin is how long writing a request down may take: what Slack still waits.
	keepWithin = 500 * time.Millisecond
	// heldFor is longer than anybody is at a request and at telling what came of it.
	heldFor = atMost + 2*callTimeout
	// tooLate is when people have long done something else: what was asked in an outage
	// must not be done at its end.
	tooLate  = 15 * time.Minute
	maxTries = 5
)

// atIt is said when Slack waits no longer. The command may yet be carried out, so it
// does not say that nothing was done.
const atIt = "Tocsin is still at it: what came of it is told here or in the room. Hear nothing within two minutes, and look whether it was done before you say it again."

// errLate says that Slack waits no longer and that nothing was written down.
var errLate = errors.New("the request takes longer than Slack waits")

// writeDown keeps a request that will be answered before it is carried out, and reports
// whether it is safe. That it is not is said in the log alone: whoever asked learns in
// any case to look.
func (s *Slack) writeDown(ctx context.Context, kind, envelope string, payload any) (id string, kept bool) {
	if s.c.Requests == nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	text, err := json.Marshal(payload)
	if err == nil {
		id = kind + "/" + envelope
		err = s.c.Requests.Keep(ctx, Request{ID: id, Kind: kind, Payload: text, At: time.Now()}, time.Now().Add(heldFor))
	}
	if err != nil {
		s.log.WarnContext(ctx, "a slow request could not be written down", "kind", kind, "err", err)
		return "", false
	}
	return id, true
}

// told forgets a request. Should that fail, it is carried out and told once more.
func (s *Slack) told(ctx context.Context, id string) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := s.c.Requests.Drop(ctx, id); err != nil {
		s.log.WarnContext(ctx, "a request that was carried out could not be forgotten", "err", err)
	}
}

// TakeUp carries out what others left: requests that were answered, and whose process
// died before it came to an end. alone says that nobody but this process, which has only
// begun, can be at any of them. It returns when it has begun; Drain waits for the end.
func (s *Slack) TakeUp(ctx context.Context, alone bool) error {
	if s.c.Requests == nil {
		return nil
	}
	now := time.Now()
	before := now
	if alone {
		before = now.Add(heldFor + time.Second)
	}
	left, err := s.c.Requests.Take(ctx, before, now.Add(heldFor))
	for _, r := range left {
		s.work(ctx, func(ctx context.Context) {
			s.log.WarnContext(ctx, "a request that was left is taken up", "kind", r.Kind, "asked", r.At, "tries", r.Tries)
			if err := s.takeUp(ctx, r); err != nil {
				s.log.ErrorContext(ctx, "request not carried out", "kind", r.Kind, "err", err)
				return // it is taken up again
			}
			s.told(ctx, r.ID)
		})
	}
	return err
}

func (s *Slack) takeUp(ctx context.Context, r Request) error {
	envelope := strings.TrimPrefix(r.ID, r.Kind+"/")
	giveUp := r.Tries > maxTries || time.Since(r.At) > tooLate
	switch r.Kind {
	case lateSlash:
		var in slashIn
		if err := json.Unmarshal(r.Payload, &in); err != nil {
			return nil //nolint:nilerr // it will not read better the next time
		}
		if giveUp {
			s.tellSlash(ctx, in, abandoned(strings.TrimSpace(in.Command+" "+in.Text), r.At))
			return nil
		}
		s.tellSlash(ctx, in, s.runSlash(ctx, in, envelope))
	case lateInteraction:
		var in interaction
		if err := json.Unmarshal(r.Payload, &in); err != nil {
			return nil //nolint:nilerr // as above
		}
		if giveUp {
			s.answer(ctx, in, abandoned("a button", r.At))
			return nil
		}
		p, err := s.asker(ctx, in)
		if err != nil {
			s.answer(ctx, in, s.trouble(err))
			return nil //nolint:nilerr // whoever asked was told
		}
		s.act(ctx, in, p, envelope)
	case lateEvent:
		var in eventIn
		if err := json.Unmarshal(r.Payload, &in); err != nil || giveUp {
			return nil //nolint:nilerr // as above; nobody waits for an answer
		}
		return s.happened(ctx, in.Event, commandID("event", in.EventID, envelope))
	}
	return nil
}

// abandoned is told of a request that lay too long, or that nobody survived.
func abandoned(what string, at time.Time) templates.Card {
	c := line(fmt.Sprintf("Tocsin was stopped while it was at what you asked at %s UTC: %s. It has not gone on with it. Look whether it was done, and say it again if it is still wanted.",
		at.UTC().Format("15:04"), templates.Line(what, maxButtonText)))
	c.Tone = templates.Warn
	return c
}
