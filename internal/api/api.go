// Package api is the second way in: everything that can be said in Slack can be said
// here, with a token of one's own, for when Slack is down or is itself the scene of
// the crime. The words, the rules and the rights are the same, because the same
// bot.Room and incident.Decide carry them out.
//
// wire/tocsin.proto says what goes over the wire; this package judges who asks, how
// much and how often, and hands on to a House. It decides nothing else. The promises:
//
//   - Who asks is whose token it is. No field of a message names a person.
//   - Nothing is parsed for somebody without something that looks like a token, and
//     nothing is done for somebody without a good one.
//   - What goes wrong inside is logged inside; the asker reads a sentence about nothing.
//   - A stream asks again and again whether its token is still good and its owner may
//     still see; it ends when not.
package api

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/api/wire"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// Bearer is who came with a token.
type Bearer struct {
	Person  incident.Person
	Token   string // its id, for lists and logs; not secret
	Expires time.Time
}

// Answer is what came of a line at once.
type Answer struct {
	Text     string
	Refused  string             // the code of a refusal, "" when it was done
	Incident incident.ID        // "" when it was about none
	Root     incident.CommandID // "" when nothing follows from it
}

// House is where what is asked here is carried out. An error that may be shown to the
// asker is an *incident.Refusal.
type House interface {
	// Identify says whose token it is; a *incident.Refusal when it is good for nothing.
	Identify(ctx context.Context, token string) (Bearer, error)
	// Say carries out a line. key names the asking: the same again is the same command.
	Say(ctx context.Context, who Bearer, line, key string) (Answer, error)
	// Follow tells what happens because of an answer, until nothing more is owed or ctx
	// ends, and returns what is still owed then.
	Follow(ctx context.Context, who Bearer, a Answer, tell func(screen.Line) error) (owed []string, err error)
	// Watch tells of an incident now and whenever it changes, nil now and then when it
	// does not, until ctx ends or who may not see it any more.
	Watch(ctx context.Context, who Bearer, incident string, tell func(v *screen.View, now time.Time) error) error
}

// Bounds of what may be asked.
const (
	maxLine     = 40_000 // bytes: incident.MaxText runes of the longest kind
	maxKey      = 64
	maxRequest  = 64 << 10
	maxPatience = 5 * time.Minute
	maxWatch    = time.Hour // then the watcher comes again
)

// desk answers the calls.
type desk struct {
	house  House
	log    *slog.Logger
	limits *limits
	ending <-chan struct{}
}

// WhoAmI says whose token it is.
func (d *desk) WhoAmI(ctx context.Context, r *connect.Request[wire.WhoAmIRequest]) (*connect.Response[wire.WhoAmIResponse], error) {
	who, done, err := d.enter(ctx, r.Header(), false)
	if err != nil {
		return nil, d.told(ctx, err)
	}
	defer done()
	return connect.NewResponse(&wire.WhoAmIResponse{
		Person: string(who.Person.ID), Name: screen.Tame(who.Person.Name.Text), Token: who.Token, ExpiresMs: millis(who.Expires),
	}), nil
}

// Do carries out a line and tells what comes of it.
func (d *desk) Do(ctx context.Context, r *connect.Request[wire.DoRequest], out *connect.ServerStream[wire.DoResponse]) error {
	who, done, err := d.enter(ctx, r.Header(), r.Msg.GetPatienceMs() > 0)
	if err != nil {
		return d.told(ctx, err)
	}
	defer done()
	if err := checkDo(r.Msg); err != nil {
		return err
	}
	answer, err := d.house.Say(ctx, who, r.Msg.GetLine(), r.Msg.GetKey())
	if err != nil {
		return d.told(ctx, err)
	}
	if err := out.Send(&wire.DoResponse{What: &wire.DoResponse_Answer{Answer: &wire.Answer{
		Text: screen.Tame(answer.Text), Refused: answer.Refused, Incident: string(answer.Incident),
	}}}); err != nil || r.Msg.GetPatienceMs() == 0 {
		return err
	}
	patience, cancel := d.stream(ctx, time.Duration(r.Msg.GetPatienceMs())*time.Millisecond)
	defer cancel()
	owed, err := d.house.Follow(patience, who, answer, func(l screen.Line) error {
		return out.Send(&wire.DoResponse{What: &wire.DoResponse_Happened{Happened: lineOut(l)}})
	})
	if err != nil && patience.Err() == nil {
		return d.told(ctx, err)
	}
	return out.Send(&wire.DoResponse{What: &wire.DoResponse_Owed{Owed: &wire.Owed{What: owed}}})
}

func checkDo(r *wire.DoRequest) error {
	switch {
	case r.GetLine() == "":
		return wrong("nothing was said; try: /incident help")
	case len(r.GetLine()) > maxLine:
		return wrong("the line is too long")
	case !isKey(r.GetKey()):
		return wrong("key: 1 to 64 of A-Z a-z 0-9 _ -")
	case r.GetPatienceMs() < 0 || time.Duration(r.GetPatienceMs())*time.Millisecond > maxPatience:
		return wrong("patience_ms: 0 to 300000")
	}
	return nil
}

func isKey(k string) bool {
	for _, c := range k {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return k != "" && len(k) <= maxKey
}

// Watch shows an incident until it may not.
func (d *desk) Watch(ctx context.Context, r *connect.Request[wire.WatchRequest], out *connect.ServerStream[wire.WatchResponse]) error {
	who, done, err := d.enter(ctx, r.Header(), true)
	if err != nil {
		return d.told(ctx, err)
	}
	defer done()
	if n := len(r.Msg.GetIncident()); n == 0 || n > maxKey {
		return wrong("incident: INC-0042")
	}
	watch, cancel := d.stream(ctx, maxWatch)
	defer cancel()
	err = d.house.Watch(watch, who, r.Msg.GetIncident(), func(v *screen.View, now time.Time) error {
		return out.Send(&wire.WatchResponse{NowMs: millis(now), View: viewOut(v)})
	})
	if ctx.Err() == nil && watch.Err() != nil {
		return connect.NewError(connect.CodeUnavailable, errors.New("ask again")) // closing, or long enough
	}
	return d.told(ctx, err)
}

// stream is ctx, ended early when the server closes.
func (d *desk) stream(ctx context.Context, most time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, most)
	go func() {
		select {
		case <-d.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func wrong(why string) error { return connect.NewError(connect.CodeInvalidArgument, errors.New(why)) }

// told makes an error what its asker may read. What is no refusal stays in the log.
func (d *desk) told(ctx context.Context, err error) error {
	var no *incident.Refusal
	var known *connect.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &no):
		text := no.Why
		if no.Hint != "" {
			text += " " + no.Hint
		}
		return connect.NewError(codeOf(no.Code), errors.New(screen.Tame(text)))
	case ctx.Err() != nil:
		return connect.NewError(connect.CodeCanceled, errors.New("the asker went away"))
	}
	d.log.Error("api", "error", err)
	return connect.NewError(connect.CodeInternal, errors.New("that did not work; ask for the status before you say it again. The reason is in the server's log"))
}

func codeOf(refusal string) connect.Code {
	switch refusal {
	case "no-such-incident":
		return connect.CodeNotFound
	case "bad-token", "deactivated", "unknown-person":
		return connect.CodeUnauthenticated
	}
	return connect.CodePermissionDenied
}
